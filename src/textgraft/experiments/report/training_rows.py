"""What is wrong with the rows a classifier learned from: copies, contradictions, leaks, doubtful labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textgraft.core.examples import Examples, check_examples
from textgraft.core.progress import Watch
from textgraft.experiments.advice import on_leaks, on_repeats
from textgraft.experiments.answers import Answers
from textgraft.experiments.repeats import Leaks, Repeats, find_leaks, find_repeats
from textgraft.experiments.suspicious import Suspects, suspicious_labels
from textgraft.methods.base import TextClassifier

MOST_SUSPECTS = 20

Labelled = tuple[Sequence[object], Sequence[object]]
"""Texts and labels."""


@dataclass(frozen=True)
class TrainingRows:
    """What :func:`training_rows` found.

    Attributes:
        given: whether the rows come from a file; else they are those the classifier keeps.
        rows, classes: how many.
        repeats: duplicates and contradictions among them.
        leaks: test texts that are among them.
        suspects: labels that are doubted; ``None`` when nobody looked.
        advice: what to do, a sentence each.
    """

    given: bool
    rows: int
    classes: int
    repeats: Repeats
    leaks: Leaks
    suspects: Suspects | None
    advice: tuple[str, ...]


def training_rows(
    classifier: TextClassifier,
    answers: Answers,
    train: Labelled | None,
    suspects: bool | None,
    watch: Watch,
) -> TrainingRows:
    """Look at training rows and at what test rows share with them.

    Args:
        classifier: fitted.
        answers: to the test rows.
        train: texts and labels; those that the classifier keeps by default.
        suspects: whether to look for doubtful labels, which fits the classifier five times; by default
            where rows are given and it trains no network.
        watch: told of progress.
    """
    texts, labels = train or (classifier.train_texts_, classifier.classes_[classifier.train_codes_])
    examples = check_examples(texts, labels, classifier.oos_labels)
    known = [*examples.texts, *examples.out_of_scope, *examples.unlabelled]
    repeats = find_repeats(list(zip(examples.texts, examples.labels, strict=True)))
    leaks = find_leaks(known, answers.texts, examples.labels, answers.examples.labels)
    if suspects is None:
        suspects = train is not None and not hasattr(classifier.learned_, "training")
    return TrainingRows(
        given=train is not None,
        rows=len(examples.texts),
        classes=len(set(examples.labels)),
        repeats=repeats,
        leaks=leaks,
        suspects=_suspects(classifier, examples, watch) if suspects else None,
        advice=(*on_repeats(repeats, len(examples.texts)), *on_leaks(leaks)),
    )


def _suspects(classifier: TextClassifier, examples: Examples, watch: Watch) -> Suspects:
    return suspicious_labels(classifier, examples.texts, examples.labels, most=MOST_SUSPECTS, watch=watch)
