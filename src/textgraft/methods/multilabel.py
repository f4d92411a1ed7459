"""Several labels a text, or none: what every method does where rows have lists of labels.

A method that can do so has one function more, ``_believe``; what it learns from is a lesson whose codes are
(n, c) 0/1. Belief in each label stands by itself, and one threshold a label, fitted on rows not learned
from, turns it into a set. There is no rejection: the empty set says that nothing applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from textgraft.core.belief import Belief
from textgraft.core.examples import check_learned
from textgraft.core.held_out import HeldOut, Source
from textgraft.core.label_belief import LabelBelief
from textgraft.core.label_sets import LabelledSets, check_label_sets, indicators, label_counts
from textgraft.core.label_thresholds import (
    LabelThresholds,
    decide_labels,
    fit_label_thresholds,
)
from textgraft.core.progress import Watch, unwatched
from textgraft.core.scores import LOWEST_CONFIDENCE, Scores, checked_scores, scores_of_labels
from textgraft.core.thresholds import fit_threshold
from textgraft.errors import DataError, ParameterError
from textgraft.methods.evidence import LabelsExplanation, LabelsNeighbour
from textgraft.methods.lesson import Features, Learned
from textgraft.methods.rejection.calibration import FEWEST_ROWS_TO_SPARE, cross_fitted, plan_rows
from textgraft.methods.rejection.label_judging import fit_label_belief

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier
    from textgraft.training.checkpoints import FitFolder

TAKES_SEVERAL = ("tfidf", "linear", "knn", "blend", "word-gru", "transformer-gru", "ulmfit", "finetune")
"""The methods that learn several labels a text."""

CROSS_FITTED_UP_TO = 10_000
"""Rows below which a method that trains no network is cross-fitted, unless told otherwise: a label has far
fewer rows than the whole, a threshold gives no promise for cross-fitting to break, and six fits are cheap."""


@runtime_checkable
class TakesSeveral(Protocol):
    """A method that learns several labels a text."""

    def _believe(self, learned: Any, features: Features) -> np.ndarray:
        """(n, c) from 0 to 1, what is believed of each label by itself."""


def check_takes_several(classifier: TextClassifier) -> None:
    """Refuse a method that learns one label a text, and rules of rejection.

    Raises:
        DataError: the method cannot learn lists of labels.
        ParameterError: a rejection rule was asked for.
    """
    if not isinstance(classifier, TakesSeveral):
        raise DataError(
            f"The method {classifier.method} learns one label a row, and the rows have lists of labels. "
            f"Use {', '.join(TAKES_SEVERAL)}, or give one label a row (on the command line: --single-label)."
        )
    if classifier.reject is not None:
        raise ParameterError(f"{_NO_RULES}, found {classifier.reject}.")


_NO_RULES = (
    "With several labels a text the empty set says that nothing applies, so there is no rule of rejection: "
    "expected reject None (on the command line --reject none)"
)


def fit_label_sets(
    classifier: TextClassifier,
    examples: LabelledSets,
    classes: np.ndarray,
    targets: np.ndarray,
    valid: tuple[Sequence[object], Sequence[object]] | None,
    run: FitFolder | None,
    watch: Watch,
) -> None:
    """Learn from checked rows and fit the thresholds; as ``TextClassifier.fit``.

    Args:
        classifier: gets the fitted attributes.
        examples: rows in scope, and what was kept apart.
        classes: (c,) label names.
        targets: (n, c) 0/1.
        valid, run, watch: as of ``fit``.

    Raises:
        DataError: the validation rows have labels that the training rows lack.
    """
    n_classes = len(classes)
    given = None if valid is None else _check_valid(classifier, valid, classes)
    spare_from = FEWEST_ROWS_TO_SPARE if hasattr(classifier, "plan") else CROSS_FITTED_UP_TO
    plan = plan_rows(targets, classifier.holdout, classifier.seed, given is not None, spare_from)
    whole = classifier._lesson(examples, targets, n_classes, watch, run)
    learned = classifier._learn(whole.some(plan.learns), watch)

    def score(learned: Learned, features: Features, n_classes: int) -> Scores:
        return label_scores(classifier, learned, features, n_classes)

    true = targets[~plan.learns]
    if given is not None:
        features = classifier._represent(whole.encoder, given.texts, unwatched)
        scores, true = score(learned, features, n_classes), indicators(given.labels, classes)
    elif plan.source == "cross-fit":
        rows, scores = cross_fitted(
            whole, classifier._learn, score, classifier.seed, watch, "cross-fitting thresholds", n_classes
        )
        true = targets[rows]
    else:
        scores = score(learned, whole.features[~plan.learns], n_classes)
    thresholds, belief = _fitted(scores, true, plan.source)
    outside = corrected_labels(score(learned, whole.outside, n_classes), belief)

    classifier.classes_ = classes
    classifier.class_counts_ = targets[plan.learns].sum(axis=0, dtype=np.int64)
    classifier.parameters_ = classifier.get_params(deep=False)
    classifier.encoder_ = whole.encoder
    classifier.learned_ = learned
    classifier.report_ = examples.report
    classifier.train_texts_ = [text for text, learn in zip(examples.texts, plan.learns, strict=True) if learn]
    classifier.train_codes_ = targets[plan.learns]
    classifier.label_thresholds_, classifier.label_belief_ = thresholds, belief
    above = (outside.by_class - thresholds.values).max(axis=1, initial=-1.0)
    order = np.argsort(above, kind="stable")
    classifier.oos_confidence_, classifier.oos_best_ = above[order], outside.best[order]
    classifier.held_out_, classifier.belief_ = HeldOut(), Belief()
    classifier.threshold_ = fit_threshold(None, classifier.held_out_)


def refit_thresholds(
    classifier: TextClassifier, rule: object, valid: tuple[Sequence[object], Sequence[object]] | None
) -> None:
    """As ``set_rejection``: thresholds of labels and belief anew from rows of the caller's, if any.

    Raises:
        ParameterError: a rule of rejection.
        DataError: the rows have labels that the training rows lack.
    """
    if rule is not None:
        raise ParameterError(f"{_NO_RULES}, found {rule}.")
    if valid is not None:
        examples = _check_valid(classifier, valid, classifier.classes_)
        features = classifier._represent(classifier.encoder_, examples.texts, unwatched)
        scores = label_scores(classifier, classifier.learned_, features, len(classifier.classes_))
        true = indicators(examples.labels, classifier.classes_)
        classifier.label_thresholds_, classifier.label_belief_ = _fitted(scores, true, "valid")


def label_scores(classifier: TextClassifier, learned: Learned, features: Features, n_classes: int) -> Scores:
    """What the method itself believes of n rows; perhaps none."""
    assert isinstance(classifier, TakesSeveral)
    belief = classifier._believe(learned, features) if len(features) else np.empty((0, n_classes))
    return checked_scores(scores_of_labels(belief), classifier.method)


def corrected_labels(scores: Scores, belief: LabelBelief) -> Scores:
    """Corrected belief beside their own; confidence is the largest of it."""
    if not belief.rows:
        return scores
    own = scores.by_class
    return scores_of_labels(belief.corrected(own), own=own)


def _fitted(scores: Scores, true: np.ndarray, source: Source) -> tuple[LabelThresholds, LabelBelief]:
    """Thresholds of corrected belief, and how it is corrected, by rows and their labels (h, c)."""
    own = scores.by_class
    belief = fit_label_belief(own, true, source)
    return fit_label_thresholds(belief.corrected(own), true, source), belief


def label_scores_of_texts(classifier: TextClassifier, texts: list[str], watch: Watch) -> Scores:
    """What is believed of clean texts: of one without content nothing, at the lowest confidence."""
    rows = np.flatnonzero([bool(text.strip()) for text in texts])
    n_classes = len(classifier.classes_)
    own, confidence = np.zeros((len(texts), n_classes)), np.full(len(texts), LOWEST_CONFIDENCE)
    belief = own.copy()
    if len(rows):
        features = classifier._represent(classifier.encoder_, [texts[row] for row in rows], watch)
        own[rows] = label_scores(classifier, classifier.learned_, features, n_classes).by_class
        belief[rows] = classifier.label_belief_.corrected(own[rows])
        confidence[rows] = belief[rows].max(axis=1)
    return scores_of_labels(belief, confidence, own if classifier.label_belief_.rows else None)


def explain_labels(
    classifier: TextClassifier, thresholds: LabelThresholds, text: str, k: int
) -> LabelsExplanation:
    """The labels of one text, and the k nearest training texts with theirs."""
    scores = classifier.predict_scores([text], most=len(classifier.classes_))
    labels = tuple(map(str, decide_labels(scores, classifier.classes_, thresholds)[0]))
    return LabelsExplanation(
        text=text,
        label=named(labels),
        best=str(classifier.classes_[scores.best[0]]),
        confidence=float(scores.confidence[0]),
        threshold=None,
        neighbours=classifier.nearest([text], k)[0],
        labels=labels,
        belief={
            str(classifier.classes_[code]): float(value)
            for code, value in zip(scores.codes[0], scores.values[0], strict=True)
        },
    )


def label_neighbours(
    classifier: TextClassifier, rows: np.ndarray, similarities: np.ndarray
) -> tuple[LabelsNeighbour, ...]:
    """Training rows with their labels, with similarities (m,) of all of them."""

    def neighbour(row: int) -> LabelsNeighbour:
        has = tuple(map(str, classifier.classes_[classifier.train_codes_[row].astype(bool)]))
        return LabelsNeighbour(classifier.train_texts_[row], named(has), float(similarities[row]), labels=has)

    return tuple(neighbour(int(row)) for row in rows)


def named(labels: Sequence[str]) -> str:
    """A set of labels for a person."""
    return ", ".join(labels) or "(no label)"


def _check_valid(
    classifier: TextClassifier, valid: tuple[Sequence[object], Sequence[object]], classes: np.ndarray
) -> LabelledSets:
    examples = check_label_sets(*valid, classifier.oos_labels)
    check_learned(label_counts(examples.labels), classes, "Remove those labels or name them out of scope.")
    if not examples.texts:
        raise DataError(f"Expected labelled validation rows, found none in {examples.report.rows:,} rows.")
    return examples
