"""How good a classifier of several labels a text is on rows it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from textgraft.core.examples import RowReport
from textgraft.core.label_sets import check_label_sets, indicators, label_counts
from textgraft.core.label_thresholds import LabelThresholds, reached
from textgraft.core.progress import Watch, unwatched
from textgraft.core.scores import Scores
from textgraft.errors import DataError
from textgraft.experiments.tables import (
    aligned,
    as_json,
    number,
    percent,
    rows_said,
    scope_words,
    shortened,
    some_named,
    worst,
)


class JudgedSets(Protocol):
    """What can be evaluated: every :class:`textgraft.TextClassifier` fitted on lists of labels."""

    oos_labels: Iterable[str]
    classes_: np.ndarray
    label_thresholds_: LabelThresholds | None

    def predict_scores(self, texts: Sequence[object], watch: Watch = unwatched, *, most: int = ...) -> Scores:
        """Belief before decision."""


@dataclass(frozen=True)
class LabelResult:
    """One label over the in-scope rows.

    Attributes:
        support, predicted: rows that have it, and that it was given to.
        threshold: belief from which it is given; ``None`` for one that was never learned.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    threshold: float | None


@dataclass(frozen=True)
class MultilabelEvaluation:
    """What :func:`evaluate_labels` found; shares are from 0 to 1, ``None`` where one has no meaning.

    Attributes:
        rows, in_scope, out_of_scope, unlabelled, skipped: rows given, and their kinds; a row with an empty
            list is in scope.
        unseen_labels, unseen_rows: labels that the classifier never learned, and rows that have one; it is
            missed in each of them.
        micro_f1, micro_precision, micro_recall: over all pairs of row and label.
        macro_f1: mean over the labels that are true or given somewhere.
        subset_accuracy: rows given exactly their labels.
        hamming_loss: pairs of row and label that are wrong.
        lrap: label ranking average precision of rows that have a label: of the labels believed at least as
            much as a true one, the share that is true.
        labels_a_text, predicted_a_text: means.
        without_label, predicted_without_label: rows with the empty set, true and given.
        out_of_scope_without_label: out-of-scope rows given the empty set.
        threshold_sentence: how the thresholds were chosen.
        labels: results by label, in alphabetical order.
        notes: what else a person should know about the rows.
    """

    rows: int
    in_scope: int
    out_of_scope: int
    unlabelled: int
    skipped: int
    unseen_labels: int
    unseen_rows: int
    micro_f1: float
    micro_precision: float
    micro_recall: float
    macro_f1: float
    subset_accuracy: float
    hamming_loss: float
    lrap: float | None
    labels_a_text: float
    predicted_a_text: float
    without_label: float
    predicted_without_label: float
    out_of_scope_without_label: float | None
    threshold_sentence: str
    labels: tuple[LabelResult, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; no NaN, no infinity."""
        return as_json(self)

    def table(self, max_labels: int = 30) -> str:
        """A report by label and a summary, as aligned text.

        Of more than ``max_labels`` only the worst by F1 are shown, worst first.
        """
        shown, lines = worst(self.labels, max_labels, "labels")
        head = ["label", "precision", "recall", "F1", "rows", "given", "threshold"]
        lines += aligned([head, *map(_report_row, shown)], "<>>>>>>")
        lines += ["", *aligned(self._summary(), "<><"), "", self.threshold_sentence, *self.notes]
        return "\n".join(lines)

    def _summary(self) -> list[list[str]]:
        return [
            ["rows", f"{self.in_scope:,}", scope_words(self.out_of_scope)],
            ["micro-F1", number(self.micro_f1), "every pair of text and label counts the same"],
            ["  precision", number(self.micro_precision), "of the labels given, right"],
            ["  recall", number(self.micro_recall), "of the true labels, given"],
            ["macro-F1", number(self.macro_f1), "every label counts the same"],
            ["subset accuracy", percent(self.subset_accuracy), "texts given exactly their labels"],
            ["Hamming loss", number(self.hamming_loss), "of all pairs of text and label, wrong"],
            ["LRAP", number(self.lrap), "how well labels are ranked, whatever the thresholds; 1 is best"],
            ["labels a text", f"{self.labels_a_text:.2f}", f"true; {self.predicted_a_text:.2f} given"],
            [
                "without a label",
                percent(self.without_label),
                f"true; {percent(self.predicted_without_label)} given",
            ],
            [
                "  out-of-scope",
                percent(self.out_of_scope_without_label),
                "of out-of-scope texts given no label",
            ],
        ]


def evaluate_labels(
    classifier: JudgedSets,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    oos_labels: Iterable[object] | None = None,
    watch: Watch = unwatched,
) -> MultilabelEvaluation:
    """Measure a classifier of several labels a text on rows it has not seen, predicting each once.

    Measures are those of Tsoumakas, Katakis and Vlahavas, "Mining Multi-label Data", 2010.

    Args:
        classifier: fitted on lists of labels.
        texts: n texts; empty ones are skipped and counted.
        labels: n lists of labels; rows without a list are counted and not evaluated.
        oos_labels: labels of out-of-scope rows; those of the classifier by default.
        watch: told of progress.

    Raises:
        DataError: no row has a list of labels, or rows cannot be read; or the classifier learned one label
            a text.
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
    n_learned = len(classifier.classes_)
    scores = classifier.predict_scores([*examples.texts, *examples.out_of_scope], watch, most=n_learned)
    unseen = sorted(set(label_counts(examples.labels)) - set(classifier.classes_))
    names = [*classifier.classes_, *unseen]
    true = indicators(examples.labels, names).astype(bool)
    given = np.pad(reached(scores, thresholds), ((0, 0), (0, len(unseen))))
    belief = np.pad(scores.by_class[:n], ((0, 0), (0, len(unseen))))
    outside, given = given[n:], given[:n]
    hits = int((true & given).sum())
    results = _by_label(true, given, names, thresholds)
    unseen_rows = int(true[:, n_learned:].any(axis=1).sum())
    return MultilabelEvaluation(
        rows=report.rows,
        in_scope=n,
        out_of_scope=report.out_of_scope,
        unlabelled=report.unlabelled,
        skipped=report.empty,
        unseen_labels=len(unseen),
        unseen_rows=unseen_rows,
        micro_f1=_share(2 * hits, int(true.sum() + given.sum())),
        micro_precision=_share(hits, int(given.sum())),
        micro_recall=_share(hits, int(true.sum())),
        macro_f1=float(np.mean([one.f1 for one in results])) if results else 0.0,
        subset_accuracy=float((true == given).all(axis=1).mean()),
        hamming_loss=float((true != given).mean()),
        lrap=_ranking(true, belief),
        labels_a_text=float(true.sum(axis=1).mean()),
        predicted_a_text=float(given.sum(axis=1).mean()),
        without_label=float((~true.any(axis=1)).mean()),
        predicted_without_label=float((~given.any(axis=1)).mean()),
        out_of_scope_without_label=float((~outside.any(axis=1)).mean()) if len(outside) else None,
        threshold_sentence=thresholds.sentence(),
        labels=results,
        notes=tuple(_notes(report, unseen, unseen_rows)),
    )


def _by_label(
    true: np.ndarray, given: np.ndarray, names: Sequence[str], thresholds: LabelThresholds
) -> tuple[LabelResult, ...]:
    """Results of every label that is true or given somewhere."""
    hits, support, predicted = (one.sum(axis=0) for one in (true & given, true, given))
    results = []
    for label, name in enumerate(names):
        if support[label] or predicted[label]:
            results.append(
                LabelResult(
                    name=str(name),
                    precision=_share(hits[label], predicted[label]),
                    recall=_share(hits[label], support[label]),
                    f1=_share(2 * hits[label], support[label] + predicted[label]),
                    support=int(support[label]),
                    predicted=int(predicted[label]),
                    threshold=float(thresholds.values[label]) if label < len(thresholds.values) else None,
                )
            )
    return tuple(sorted(results, key=lambda one: one.name))


def _ranking(true: np.ndarray, belief: np.ndarray) -> float | None:
    """LRAP of the rows that have a label; a single label has no rank."""
    from sklearn.metrics import label_ranking_average_precision_score

    rows = true.any(axis=1)
    if not rows.any() or true.shape[1] < 2:
        return None
    return float(label_ranking_average_precision_score(true[rows], belief[rows]))


def _share(part: int, whole: int) -> float:
    """A part of a whole; 0 of nothing, as scikit-learn has it."""
    return float(part / whole) if whole else 0.0


def _notes(report: RowReport, unseen: list[str], unseen_rows: int) -> list[str]:
    notes = []
    if unseen:
        notes.append(
            f"Rows with a label that the classifier never learned, a miss each: {unseen_rows:,} "
            f"({some_named(unseen)})."
        )
    said = [
        (report.unlabelled, "without a list of labels: not evaluated"),
        (report.empty, "with an empty text: skipped"),
        (
            report.conflicts,
            "whose text also stands under another set of labels: not all of them can be right",
        ),
    ]
    return notes + rows_said(said)


def _report_row(one: LabelResult) -> list[str]:
    measures = map(number, (one.precision, one.recall, one.f1))
    return [shortened(one.name), *measures, f"{one.support:,}", f"{one.predicted:,}", number(one.threshold)]
