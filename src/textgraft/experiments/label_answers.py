"""What a classifier of several labels a text answers to rows: what measures and lists of errors read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from textgraft.core.label_sets import LabelledSets, check_label_sets, indicators, label_counts
from textgraft.core.label_thresholds import LabelThresholds, reached
from textgraft.core.progress import Watch, unwatched
from textgraft.core.scores import Scores
from textgraft.errors import DataError


class JudgedSets(Protocol):
    """What can be evaluated: every :class:`textgraft.TextClassifier` fitted on lists of labels."""

    oos_labels: Iterable[str]
    classes_: np.ndarray
    label_thresholds_: LabelThresholds | None

    def predict_scores(self, texts: Sequence[object], watch: Watch = unwatched, *, most: int = ...) -> Scores:
        """Belief before decision."""


@dataclass(frozen=True)
class LabelAnswers:
    """Answers to n in-scope rows and o out-of-scope rows, over c labels: those learned, then unseen ones.

    Attributes:
        examples: the rows.
        names: (c,) labels, as objects.
        thresholds: of the labels that were learned.
        true: (n, c) bool.
        given: (n, c) bool, never an unseen label.
        belief: (n, c); 0 for unseen labels.
        own: likewise as the method itself has it; ``None`` where held-out rows corrected nothing.
        outside: (o, c) bool, labels given to out-of-scope rows.
    """

    examples: LabelledSets
    names: np.ndarray
    thresholds: LabelThresholds
    true: np.ndarray
    given: np.ndarray
    belief: np.ndarray
    own: np.ndarray | None
    outside: np.ndarray

    @property
    def n_learned(self) -> int:
        """Labels that were learned."""
        return len(self.thresholds.values)

    @cached_property
    def unseen(self) -> list[str]:
        """Labels of rows that the classifier never learned."""
        return [str(name) for name in self.names[self.n_learned :]]

    @cached_property
    def ranking_precision(self) -> np.ndarray:
        """(m,) ranking precision of each row that has a label; none where a single label has no rank.

        Its mean is label ranking average precision (LRAP): of the labels believed at least as much as a
        true one, the share that is true.
        """
        from scipy.stats import rankdata

        rows = self.true.any(axis=1)
        true, belief = self.true[rows], self.belief[rows]
        if not len(true) or true.shape[1] < 2:
            return np.empty(0)
        rank = rankdata(-belief, "max", axis=1)
        found = np.empty(len(true))
        for row, has in enumerate(true):
            found[row] = (rankdata(rank[row, has], "max") / rank[row, has]).mean()
        return found

    def named(self, has: np.ndarray) -> tuple[str, ...]:
        """Names of the labels that a row of (c,) bool has."""
        return tuple(map(str, self.names[has]))


def label_answers_to(
    classifier: JudgedSets,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    oos_labels: Iterable[object] | None = None,
    watch: Watch = unwatched,
) -> LabelAnswers:
    """Let a classifier of several labels a text answer every labelled row once.

    Args, Raises: as of :func:`textgraft.experiments.evaluate_labels.evaluate_labels`.
    """
    thresholds = classifier.label_thresholds_
    if thresholds is None:
        raise DataError("The classifier learned one label a text: evaluate it by rows of one label.")
    examples = check_label_sets(texts, labels, classifier.oos_labels if oos_labels is None else oos_labels)
    report, n = examples.report, len(examples.texts)
    if not n:
        raise DataError(
            f"Expected in-scope rows with a list of labels, found none in {report.rows:,} rows "
            f"(out of scope {report.out_of_scope:,}, no list {report.unlabelled:,}, empty {report.empty:,})."
        )
    scores = classifier.predict_scores(
        [*examples.texts, *examples.out_of_scope], watch, most=len(classifier.classes_)
    )
    unseen = sorted(set(label_counts(examples.labels)) - set(classifier.classes_))
    names = np.array([*classifier.classes_, *unseen], dtype=object)

    def with_unseen(by_label: np.ndarray) -> np.ndarray:
        return np.pad(by_label, ((0, 0), (0, len(unseen))))

    given = with_unseen(reached(scores, thresholds))
    own = None if scores.uncorrected is None else replace(scores, values=scores.own).by_class
    return LabelAnswers(
        examples=examples,
        names=names,
        thresholds=thresholds,
        true=indicators(examples.labels, names).astype(bool),
        given=given[:n],
        belief=with_unseen(scores.by_class[:n]),
        own=None if own is None else with_unseen(own[:n]),
        outside=given[n:],
    )
