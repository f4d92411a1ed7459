"""What is wrong with the rows a classifier learned from: copies, contradictions, leaks, doubtful labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from textgraft.core.examples import Examples, check_examples
from textgraft.core.label_sets import LabelledSets, check_label_sets, label_counts
from textgraft.core.progress import Watch
from textgraft.experiments.answers import Answers
from textgraft.experiments.label_answers import LabelAnswers
from textgraft.experiments.survey.advice import on_alike, on_leaks, on_repeats
from textgraft.experiments.survey.alike import Alike, find_alike
from textgraft.experiments.survey.repeats import Leaks, Repeats, Row, find_leaks, find_repeats
from textgraft.experiments.suspicious import Suspects, suspicious_labels
from textgraft.methods.base import TextClassifier
from textgraft.methods.multilabel import named

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
        alike: near copies; ``None`` where there are too many to look at.
        suspects: labels that are doubted; ``None`` when nobody looked.
        advice: what to do, a sentence each.
    """

    given: bool
    rows: int
    classes: int
    repeats: Repeats
    leaks: Leaks
    alike: Alike | None
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
    found = _looked_at(
        list(zip(examples.texts, examples.labels, strict=True)),
        _known(examples),
        answers.texts,
        (examples.labels, answers.examples.labels),
        given=train is not None,
    )
    if suspects is None:
        suspects = found.given and not hasattr(classifier.learned_, "training")
    return replace(found, suspects=_suspects(classifier, examples, watch)) if suspects else found


def training_label_sets(
    classifier: TextClassifier, answers: LabelAnswers, train: Labelled | None
) -> TrainingRows:
    """The same of rows of several labels, of which none is doubted; arguments as of :func:`training_rows`."""
    texts, labels = train or (classifier.train_texts_, _kept_sets(classifier))
    examples, test = check_label_sets(texts, labels, classifier.oos_labels), answers.examples
    # a set of labels is one answer: rows of one text that differ in one label contradict each other
    return _looked_at(
        [(text, named(names)) for text, names in zip(examples.texts, examples.labels, strict=True)],
        _known(examples),
        [*test.texts, *test.out_of_scope],
        (label_counts(examples.labels), label_counts(test.labels)),
        given=train is not None,
        under=("several sets of labels", "another set of labels"),
    )


def _looked_at(
    rows: list[Row],
    known: Sequence[str],
    tested: Sequence[str],
    labels: tuple[Iterable[str], Iterable[str]],
    *,
    given: bool,
    under: tuple[str, str] = ("several labels", "another label"),
) -> TrainingRows:
    """Copies, near copies, contradictions and leaks.

    Args:
        rows: that were learned from.
        known, tested: all training texts, all test texts.
        labels: of training rows and of test rows.
        given: as of :class:`TrainingRows`.
        under: what a text stands under that contradicts itself, and one that contradicts a near copy.
    """
    repeats, leaks = find_repeats(rows), find_leaks(known, tested, *labels)
    alike = find_alike(rows, known, tested)
    advice = (
        *on_repeats(repeats, len(rows), under[0]),
        *on_leaks(leaks),
        *on_alike(alike, len(rows), len(tested), under[1]),
    )
    return TrainingRows(
        given=given,
        rows=len(rows),
        classes=len(set(labels[0])),
        repeats=repeats,
        leaks=leaks,
        alike=alike,
        suspects=None,
        advice=advice,
    )


def _known(examples: Examples | LabelledSets) -> list[str]:
    return [*examples.texts, *examples.out_of_scope, *examples.unlabelled]


def _kept_sets(classifier: TextClassifier) -> list[tuple[str, ...]]:
    return [tuple(classifier.classes_[has]) for has in classifier.train_codes_.astype(bool)]


def _suspects(classifier: TextClassifier, examples: Examples, watch: Watch) -> Suspects:
    return suspicious_labels(classifier, examples.texts, examples.labels, most=MOST_SUSPECTS, watch=watch)
