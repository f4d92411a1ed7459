"""Measure any fitted classifier, of one label a text or of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.evaluate import Evaluation
from textgraft.experiments.evaluate import evaluate as evaluate_one_label
from textgraft.experiments.evaluate_labels import MultilabelEvaluation, evaluate_labels

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier


def evaluate(
    classifier: TextClassifier,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    oos_labels: Iterable[object] | None = None,
    watch: Watch = unwatched,
) -> Evaluation | MultilabelEvaluation:
    """Measure a fitted classifier on labelled rows it has not seen, predicting each once.

    Args:
        classifier: a fitted classifier.
        texts: n texts; empty ones are skipped and counted.
        labels: n labels, or n lists of labels for a classifier that learned lists.
        oos_labels: labels of out-of-scope rows; those of the classifier by default.
        watch: told of progress.

    Raises:
        DataError: no row is labelled and in scope, or rows cannot be read.
        NotFittedError: the classifier has not learned yet.
    """
    # a stand-in that only has what is measured learned one label a text
    measure = evaluate_labels if getattr(classifier, "multilabel_", False) else evaluate_one_label
    return measure(classifier, texts, labels, oos_labels=oos_labels, watch=watch)
