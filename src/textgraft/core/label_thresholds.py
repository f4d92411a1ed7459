"""From belief in each label to a set of labels: one threshold a label, fitted on held-out rows.

Yang, "A Study of Thresholding Strategies for Text Categorization", 2001 (SCut with FBR.1): each label's
threshold is the one under which held-out rows have the best F1. Where even that is poor, the threshold is
the highest belief of any held-out row, so that a label which cannot be told is seldom claimed. A label
with few held-out rows of its own takes the threshold that gives the best micro-F1 over all labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.core.held_out import Source
from textgraft.core.scores import Scores

FEWEST_POSITIVES = 10
"""Held-out rows of a label that a threshold of its own is fitted on."""

POOR_F1 = 0.1
"""FBR of Yang, 2001: below it a label's own best threshold is noise."""

UNFITTED = 0.5
"""Where there is no held-out row to fit on."""


@dataclass(frozen=True)
class LabelThresholds:
    """A text gets each label in which the belief reaches its threshold; perhaps none.

    Attributes:
        values: (c,) thresholds.
        own: (c,) bool, whether a label's was fitted on its own rows; else it is the common one.
        common: the threshold of the others.
        rows: held-out rows that they were fitted on.
        source: where those came from.
    """

    values: np.ndarray
    own: np.ndarray
    common: float
    rows: int
    source: Source

    def sentence(self) -> str:
        """How the thresholds were chosen, in one sentence."""
        if not self.rows:
            return (
                f"A text gets every label that is believed at {self.common:g} or more; no rows were held out."
            )
        n, c = int(self.own.sum()), len(self.own)
        fitted = f"{self.rows:,} {_SOURCE_WORDS[self.source]}"
        rest = (
            f"; the other {c - n:,}, of fewer than {FEWEST_POSITIVES} such rows each, share the threshold "
            f"{self.common:.3g}, which gives the best micro-F1"
            if n < c
            else ""
        )
        return (
            "A text gets every label whose belief reaches the label's threshold, perhaps none. Thresholds "
            f"were fitted on {fitted}: {n:,} of {c:,} labels have one of their own, which gives their best "
            f"F1{rest}."
        )


_SOURCE_WORDS = {
    "held-out": "held-out rows that the model did not learn from",
    "valid": "rows of the validation file",
    "cross-fit": "rows, each scored by a model that did not see it",
    "none": "no rows",
}


def fit_label_thresholds(belief: np.ndarray, targets: np.ndarray, source: Source) -> LabelThresholds:
    """Thresholds by what was believed of held-out rows (h, c) and what is true of them (h, c) 0/1."""
    rows, n_labels = belief.shape
    true = targets.astype(bool)
    common = best_threshold(belief.ravel(), true.ravel())[0] if true.any() else UNFITTED
    own = true.sum(axis=0) >= FEWEST_POSITIVES
    values = np.full(n_labels, common)
    for label in np.flatnonzero(own):
        values[label], f1 = best_threshold(belief[:, label], true[:, label])
        if f1 < POOR_F1:
            values[label] = belief[:, label].max() or UNFITTED
    return LabelThresholds(values, own, common, rows if true.any() else 0, source)


def best_threshold(belief: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """The threshold with the best F1 of rows (m,), at least one of them true, and that F1.

    It lies in the middle between two beliefs that were seen; of equally good ones it is the highest. It is
    above 0: what is not believed at all is never claimed.
    """
    order = np.argsort(-belief, kind="stable")
    ranked, hits = belief[order], np.cumsum(true[order])
    # a threshold cannot part equal beliefs
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True) & (ranked > 0))
    if not len(ends):
        return UNFITTED, 0.0
    f1 = 2.0 * hits[ends] / (ends + 1 + hits[-1])
    best = int(f1.argmax())
    end = ends[best]
    lower = ranked[end + 1] if end + 1 < len(ranked) else 0.0
    middle = (ranked[end] + lower) / 2
    # between neighbouring floats there is no middle
    return float(middle if lower < middle <= ranked[end] else ranked[end]), float(f1[best])


def reached(scores: Scores, thresholds: LabelThresholds) -> np.ndarray:
    """(n, c) bool: which labels a text gets."""
    return np.asarray(scores.by_class >= thresholds.values)


def decide_labels(scores: Scores, classes: np.ndarray, thresholds: LabelThresholds) -> np.ndarray:
    """(n,) tuples of labels as objects, in the order of ``classes``; the empty tuple where none applies.

    A text without content gets none.
    """
    gets = reached(scores, thresholds) & (scores.confidence >= 0)[:, None]
    answers = np.empty(len(gets), dtype=object)
    for row, has in enumerate(gets):
        answers[row] = tuple(classes[has])
    return answers
