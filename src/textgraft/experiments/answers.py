"""What a classifier answers to labelled rows, row by row: what measures and lists of errors read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from textgraft.core.decision import accepted, decide
from textgraft.core.examples import Examples, check_examples
from textgraft.core.progress import Watch, unwatched
from textgraft.core.scores import Scores
from textgraft.core.threshold import Threshold
from textgraft.errors import DataError


class Judged(Protocol):
    """What can be evaluated: every fitted :class:`textgraft.TextClassifier`."""

    oos_labels: Iterable[str]
    classes_: np.ndarray
    threshold_: Threshold

    def predict_scores(self, texts: Sequence[object], watch: Watch = unwatched) -> Scores:
        """Belief before decision."""


@dataclass(frozen=True)
class Answers:
    """Answers to n in-scope rows, and behind them to o out-of-scope rows.

    Attributes:
        examples: the rows.
        scores: of n + o texts.
        classes: (c,) names of the classes that were learned.
        threshold: what decides whether a text is rejected.
    """

    examples: Examples
    scores: Scores
    classes: np.ndarray
    threshold: Threshold

    @property
    def n(self) -> int:
        """In-scope rows."""
        return len(self.examples.texts)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """All n + o texts."""
        return (*self.examples.texts, *self.examples.out_of_scope)

    @cached_property
    def truth(self) -> np.ndarray:
        """(n,) labels of the in-scope rows, as objects."""
        return np.array(self.examples.labels, dtype=object)

    @cached_property
    def best(self) -> np.ndarray:
        """(n + o,) the most believed class, whether or not it was rejected."""
        return np.asarray(self.classes[self.scores.best])

    @cached_property
    def best_is_right(self) -> np.ndarray:
        """(n,) bool."""
        return np.asarray(self.best[: self.n] == self.truth)

    @cached_property
    def accepted(self) -> np.ndarray:
        """(n + o,) bool."""
        return accepted(self.scores, self.threshold)

    @cached_property
    def predicted(self) -> np.ndarray:
        """(n + o,) the most believed class, or ``REJECTED``."""
        return decide(self.scores, self.classes, self.threshold)


def answers_to(
    classifier: Judged,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    oos_labels: Iterable[object] | None = None,
    watch: Watch = unwatched,
) -> Answers:
    """Let a fitted classifier answer every labelled row once.

    Args:
        classifier: a fitted classifier.
        texts: n texts; empty ones are skipped and counted.
        labels: n labels; rows without one are counted and not answered.
        oos_labels: labels of out-of-scope rows; those of the classifier by default.
        watch: told of progress.

    Raises:
        DataError: no row is labelled and in scope, or rows cannot be read.
        NotFittedError: the classifier has not learned yet.
    """
    if getattr(classifier, "multilabel_", False):
        raise DataError("The classifier learned lists of labels: measure it by textgraft.evaluate.")
    examples = check_examples(texts, labels, classifier.oos_labels if oos_labels is None else oos_labels)
    report = examples.report
    if not examples.texts:
        raise DataError(
            f"Expected labelled in-scope rows, found none in {report.rows:,} rows "
            f"(out of scope {report.out_of_scope:,}, no label {report.unlabelled:,}, empty {report.empty:,})."
            " Add rows of classes it learned; what becomes of others alone, textgraft predict shows."
        )
    scores = classifier.predict_scores([*examples.texts, *examples.out_of_scope], watch)
    return Answers(examples, scores, classifier.classes_, classifier.threshold_)
