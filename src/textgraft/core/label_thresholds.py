"""From belief in each label to a set of labels: one threshold a label, fitted on held-out rows.

Yang, "A Study of Thresholding Strategies for Text Categorization", 2001: a label's own threshold is the one
under which held-out rows have the best F1 (SCut); where even that is poor, it is the highest belief of any
held-out row, so that a label which cannot be told is seldom claimed (FBR.1). Where a label is rare its own
threshold is mostly chance, so each is drawn, in log-odds, towards the one threshold that has the best
micro-F1 over all labels, the more the fewer held-out rows have the label (as in partial pooling: Efron and
Morris, "Stein's Estimation Rule and Its Competitors", 1973).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.core.held_out import SOURCE_WORDS, Source
from textgraft.core.scores import Scores

COMMON_ROWS = 5
"""Held-out rows of a label with which its threshold lies half way between the common one and its own; has
the best mean of micro- and macro-F1 on training rows (``benchmarks/defaults_label_thresholds.py``)."""

RARE = 20
"""Held-out rows below which a label's threshold, whatever it is, rests on little, and that is said."""

POOR_F1 = 0.1
"""FBR of Yang, 2001: below it a label's own best threshold is noise."""

UNFITTED = 0.5
"""Where there is no held-out row to fit on."""

_TINY = 1e-6


@dataclass(frozen=True)
class LabelThresholds:
    """A text gets each label in which the belief reaches its threshold; perhaps none.

    Attributes:
        values: (c,) thresholds.
        positives: (c,) held-out rows that have each label.
        common: the threshold with the best micro-F1, if all labels had one.
        rows: held-out rows that they were fitted on.
        source: where those came from.
    """

    values: np.ndarray
    positives: np.ndarray
    common: float
    rows: int
    source: Source

    def sentence(self) -> str:
        """How the thresholds were chosen, in one sentence."""
        if not self.rows:
            return (
                f"A text gets every label that is believed at {self.common:g} or more; no rows were held out."
            )
        rare = int((self.positives < RARE).sum())
        some = f"; {rare:,} of {len(self.values):,} labels have fewer than {RARE} of them" if rare else ""
        return (
            "A text gets every label whose belief reaches the label's threshold, perhaps none. Thresholds "
            f"were fitted on {self.rows:,} {SOURCE_WORDS[self.source]}: the best F1 of each label, drawn "
            f"towards {self.common:.3g}, the best micro-F1 of all, the more the fewer rows have it{some}."
        )


def fit_label_thresholds(
    belief: np.ndarray, targets: np.ndarray, source: Source, common_rows: float = COMMON_ROWS
) -> LabelThresholds:
    """Thresholds by what was believed of held-out rows (h, c) and what is true of them (h, c) 0/1.

    Args:
        belief, targets: of the rows.
        source: where they came from.
        common_rows: as :data:`COMMON_ROWS`; 0 gives each label its own best threshold, ∞ all the common one.
    """
    rows, n_labels = belief.shape
    true = targets.astype(bool)
    positives = true.sum(axis=0)
    if not true.any():
        return LabelThresholds(np.full(n_labels, UNFITTED), positives, UNFITTED, 0, source)
    common = best_threshold(belief.ravel(), true.ravel())[0]
    values = np.full(n_labels, common)
    for label in np.flatnonzero(positives):
        own, f1 = best_threshold(belief[:, label], true[:, label])
        if f1 < POOR_F1:
            values[label] = max(common, float(belief[:, label].max()))
        else:
            values[label] = _between(common, own, 1.0 / (1.0 + common_rows / positives[label]))
    return LabelThresholds(values, positives, common, rows, source)


def _between(first: float, second: float, share: float) -> float:
    """The threshold that is this share of the way from one to another, in log-odds."""
    ends = np.clip([first, second], _TINY, 1.0 - _TINY)
    log_odds = np.log(ends / (1.0 - ends))
    return float(1.0 / (1.0 + np.exp(-((1.0 - share) * log_odds[0] + share * log_odds[1]))))


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
