"""How good a classifier of several labels a text is on rows it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textgraft.core.belief import Bin
from textgraft.core.examples import RowReport
from textgraft.core.label_belief import PLAUSIBLE, label_calibration_error, label_reliability
from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.label_answers import JudgedSets, LabelAnswers, label_answers_to
from textgraft.experiments.label_counts import LabelCounts
from textgraft.experiments.tables import (
    Measure,
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

SHARES_OF_TEXTS = ("subset_accuracy", "without_label", "out_of_scope_without_label")
"""Measures that are said in percent."""


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
        calibration_error: expected calibration error over pairs of row and label that are believed at
            :data:`~textgraft.core.label_belief.PLAUSIBLE` or more; ``None`` where there is none.
        reliability: these pairs grouped by belief, beside the share of them that is true.
        uncorrected_calibration_error, uncorrected_reliability: the same of the method's own belief, before
            held-out rows corrected it; ``None`` and empty where none did.
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
    calibration_error: float | None
    reliability: tuple[Bin, ...]
    uncorrected_calibration_error: float | None
    uncorrected_reliability: tuple[Bin, ...]
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
        summary = [[one.name, one.value, one.meaning] for one in self.measures()]
        lines += ["", *aligned(summary, "<><"), "", self.threshold_sentence, *self.notes]
        return "\n".join(lines)

    def measures(self) -> tuple[Measure, ...]:
        """The scores, in the order in which a person reads them."""
        texts = {
            "micro_f1": ("micro-F1", "every pair of text and label counts the same"),
            "micro_precision": ("  precision", "of the labels given, right"),
            "micro_recall": ("  recall", "of the true labels, given"),
            "macro_f1": ("macro-F1", "every label counts the same"),
            "subset_accuracy": ("subset accuracy", "texts given exactly their labels"),
            "hamming_loss": ("Hamming loss", "of all pairs of text and label, wrong"),
            "lrap": ("LRAP", "how well labels are ranked, whatever the thresholds; 1 is best"),
            "labels_a_text": ("labels a text", f"true; {self.predicted_a_text:.2f} given"),
            "without_label": ("without a label", f"true; {percent(self.predicted_without_label)} given"),
            "out_of_scope_without_label": ("  out-of-scope", "of out-of-scope texts given no label"),
            "calibration_error": (
                "calibration error",
                f"mean gap of belief and truth, of labels believed at {100 * PLAUSIBLE:.0f} % or more",
            ),
            "uncorrected_calibration_error": ("  of its own belief", "before held-out rows corrected it"),
        }
        return (
            Measure("rows", "rows", f"{self.in_scope:,}", scope_words(self.out_of_scope)),
            *(Measure(key, name, self._said(key), meaning) for key, (name, meaning) in texts.items()),
        )

    def _said(self, key: str) -> str:
        value = getattr(self, key)
        if key == "labels_a_text":
            return f"{value:.2f}"
        return (percent if key in SHARES_OF_TEXTS else number)(value)


def evaluate_labels(
    classifier: JudgedSets,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    oos_labels: Iterable[object] | None = None,
    watch: Watch = unwatched,
) -> MultilabelEvaluation:
    """Measure a classifier of several labels a text on rows it has not seen, predicting each once.

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
    answers = label_answers_to(classifier, texts, labels, oos_labels=oos_labels, watch=watch)
    return label_evaluation_of(answers)


def label_evaluation_of(answers: LabelAnswers) -> MultilabelEvaluation:
    """Measure answers to rows the classifier has not seen."""
    true, given, outside = answers.true, answers.given, answers.outside
    report, unseen = answers.examples.report, answers.unseen
    counts = LabelCounts.of(true, given)
    unseen_rows = int(true[:, answers.n_learned :].any(axis=1).sum())
    ranking = answers.ranking_precision
    error, groups = _calibration(answers.belief, true)
    own_error, own_groups = (None, ()) if answers.own is None else _calibration(answers.own, true)
    return MultilabelEvaluation(
        rows=report.rows,
        in_scope=len(true),
        out_of_scope=report.out_of_scope,
        unlabelled=report.unlabelled,
        skipped=report.empty,
        unseen_labels=len(unseen),
        unseen_rows=unseen_rows,
        **counts.scores(),
        subset_accuracy=float((true == given).all(axis=1).mean()),
        lrap=float(ranking.mean()) if len(ranking) else None,
        labels_a_text=float(true.sum(axis=1).mean()),
        predicted_a_text=float(given.sum(axis=1).mean()),
        without_label=float((~true.any(axis=1)).mean()),
        predicted_without_label=float((~given.any(axis=1)).mean()),
        out_of_scope_without_label=float((~outside.any(axis=1)).mean()) if len(outside) else None,
        calibration_error=error,
        reliability=groups,
        uncorrected_calibration_error=own_error,
        uncorrected_reliability=own_groups,
        threshold_sentence=answers.thresholds.sentence(),
        labels=_by_label(answers, counts),
        notes=tuple(_notes(report, unseen, unseen_rows)),
    )


def _calibration(belief: np.ndarray, true: np.ndarray) -> tuple[float | None, tuple[Bin, ...]]:
    return label_calibration_error(belief, true), label_reliability(belief, true)


def _by_label(answers: LabelAnswers, counts: LabelCounts) -> tuple[LabelResult, ...]:
    """Results of every label that is true or given somewhere, in alphabetical order."""
    thresholds = answers.thresholds.values
    precision, recall, f1 = counts.precision, counts.recall, counts.f1
    results = [
        LabelResult(
            name=str(answers.names[label]),
            precision=float(precision[label]),
            recall=float(recall[label]),
            f1=float(f1[label]),
            support=int(counts.support[label]),
            predicted=int(counts.predicted[label]),
            threshold=float(thresholds[label]) if label < len(thresholds) else None,
        )
        for label in np.flatnonzero(counts.there)
    ]
    return tuple(sorted(results, key=lambda one: one.name))


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
