"""How good a classifier is on rows it has not seen: right, wrong, rejected, and rightly so.

Two questions stay apart. *In-scope* rows ask for the right class; a rejected one is a miss.
*Out-of-scope* rows ask for a rejection; every accepted one is an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textgraft.core.belief import Bin, calibration_error, reliability
from textgraft.core.decision import REJECTED
from textgraft.core.examples import RowReport
from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.answers import Answers, Judged, answers_to
from textgraft.experiments.separation import separation
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


@dataclass(frozen=True)
class ClassResult:
    """One class over the in-scope rows; ``support`` and ``rejected`` count its own rows."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    rejected: int


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate` found; every share is from 0 to 1, ``None`` where it has no meaning.

    Attributes:
        rows, in_scope, out_of_scope, unlabelled, skipped: rows given, and their kinds.
        unseen_labels, unseen_rows: in-scope labels the classifier never learned, and their
            rows; those rows are in scope and wrong.
        accuracy: in-scope rows given their own label; a rejected one is wrong.
        accuracy_without_rejection: the same when nothing is rejected.
        macro_f1, micro_f1: over in-scope rows and the classes that are true or predicted
            there; a rejected row is a miss for its class, and rejection is no class.
        coverage: in-scope rows accepted.
        accuracy_of_accepted: accuracy among them; ``None`` when none is accepted.
        risk: errors among all accepted rows, out-of-scope ones being errors.
        out_of_scope_recall: out-of-scope rows rejected.
        auroc: chance that a random in-scope row is surer than a random out-of-scope one.
        fpr_at_95_tpr: out-of-scope rows accepted by the strictest threshold that accepts
            95 % of in-scope rows.
        calibration_error: expected calibration error of belief in the most believed class, in-scope rows.
        reliability: in-scope rows grouped by that belief, beside the share of them that is right.
        uncorrected_calibration_error, uncorrected_reliability: the same of the method's own belief, before
            held-out rows corrected it; ``None`` and empty where none did.
        threshold, threshold_sentence: reject below it (``None``: nothing or everything), and how it was
            chosen.
        classes: results by class, in alphabetical order.
        notes: what else a person should know about the rows.
    """

    rows: int
    in_scope: int
    out_of_scope: int
    unlabelled: int
    skipped: int
    unseen_labels: int
    unseen_rows: int
    accuracy: float
    accuracy_without_rejection: float
    macro_f1: float
    micro_f1: float
    coverage: float
    accuracy_of_accepted: float | None
    risk: float | None
    out_of_scope_recall: float | None
    auroc: float | None
    fpr_at_95_tpr: float | None
    calibration_error: float
    reliability: tuple[Bin, ...]
    uncorrected_calibration_error: float | None
    uncorrected_reliability: tuple[Bin, ...]
    threshold: float | None
    threshold_sentence: str
    classes: tuple[ClassResult, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; no NaN, no infinity."""
        return as_json(self)

    def table(self, max_classes: int = 30) -> str:
        """A classification report and a summary, as aligned text.

        Classes stand in alphabetical order; of more than ``max_classes`` only the worst by
        F1 are shown, worst first.
        """
        shown, lines = worst(self.classes, max_classes, "classes")
        head = ["class", "precision", "recall", "F1", "rows", "rejected"]
        lines += aligned([head, *map(_report_row, shown)], "<>>>>>")
        summary = [[one.name, one.value, one.meaning] for one in self.measures()]
        lines += ["", *aligned(summary, "<><"), "", self.threshold_sentence, *self.notes]
        return "\n".join(lines)

    def measures(self) -> tuple[Measure, ...]:
        """The scores, in the order in which a person reads them."""
        shares = {
            "accuracy": ("in-scope accuracy", "a rejected text counts as wrong"),
            "accuracy_without_rejection": ("  without rejection", "best class, always"),
            "macro_f1": ("macro-F1", "every class counts the same"),
            "micro_f1": ("micro-F1", "every text counts the same"),
            "coverage": ("coverage", "of in-scope texts accepted"),
            "accuracy_of_accepted": ("accuracy of accepted", "in-scope texts only"),
            "risk": ("risk", "errors among all accepted texts, out-of-scope included"),
            "out_of_scope_recall": ("out-of-scope recall", "rejected of out-of-scope texts"),
            "auroc": ("AUROC", "in-scope surer than out-of-scope; 0.5 is chance"),
            "fpr_at_95_tpr": ("FPR at 95 % TPR", "out-of-scope accepted when 95 % of in-scope are"),
            "calibration_error": ("calibration error", "mean gap of belief and share right; 0 is best"),
            "uncorrected_calibration_error": ("  of its own belief", "before held-out rows corrected it"),
        }
        plain = {"macro_f1", "micro_f1", "auroc", "calibration_error", "uncorrected_calibration_error"}
        return (
            Measure("rows", "rows", f"{self.in_scope:,}", scope_words(self.out_of_scope)),
            *(
                Measure(key, name, (number if key in plain else percent)(getattr(self, key)), meaning)
                for key, (name, meaning) in shares.items()
            ),
        )


def evaluate(
    classifier: Judged,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    oos_labels: Iterable[object] | None = None,
    watch: Watch = unwatched,
) -> Evaluation:
    """Measure a fitted classifier on labelled rows it has not seen, predicting each once.

    AUROC and FPR at 95 % TPR follow Hendrycks and Gimpel, "A Baseline for Detecting
    Misclassified and Out-of-Distribution Examples in Neural Networks", 2017; coverage and
    risk El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010.

    Args:
        classifier: a fitted classifier.
        texts: n texts; empty ones are skipped and counted.
        labels: n labels; rows without one are counted and not evaluated.
        oos_labels: labels of out-of-scope rows; those of the classifier by default.
        watch: told of progress.

    Raises:
        DataError: no row is labelled and in scope, or rows cannot be read.
        NotFittedError: the classifier has not learned yet.
    """
    return evaluation_of(answers_to(classifier, texts, labels, oos_labels=oos_labels, watch=watch))


def evaluation_of(answers: Answers) -> Evaluation:
    """The measures of :func:`evaluate` on rows that were answered."""
    report, scores, n = answers.examples.report, answers.scores, answers.n
    truth, predicted, kept = answers.truth, answers.predicted, answers.accepted
    right = predicted[:n] == truth
    best_is_right, believed = answers.best_is_right, scores.values[:n, 0]
    own = None if scores.uncorrected is None else scores.own[:n, 0]
    classes, micro_f1 = _by_class(truth, predicted[:n])
    auroc, fpr = separation(scores.confidence[:n], scores.confidence[n:]) if len(kept) > n else (None, None)
    unseen = set(answers.examples.labels) - set(answers.classes)
    unseen_rows = sum(label in unseen for label in answers.examples.labels)
    return Evaluation(
        rows=report.rows,
        in_scope=n,
        out_of_scope=report.out_of_scope,
        unlabelled=report.unlabelled,
        skipped=report.empty,
        unseen_labels=len(unseen),
        unseen_rows=unseen_rows,
        accuracy=float(right.mean()),
        accuracy_without_rejection=float(best_is_right.mean()),
        macro_f1=float(np.mean([one.f1 for one in classes])),
        micro_f1=micro_f1,
        coverage=float(kept[:n].mean()),
        accuracy_of_accepted=float(right.sum() / kept[:n].sum()) if kept[:n].any() else None,
        risk=float(1.0 - right.sum() / kept.sum()) if kept.any() else None,
        out_of_scope_recall=float(1.0 - kept[n:].mean()) if len(kept) > n else None,
        auroc=auroc,
        fpr_at_95_tpr=fpr,
        calibration_error=calibration_error(believed, best_is_right),
        reliability=reliability(believed, best_is_right),
        uncorrected_calibration_error=None if own is None else calibration_error(own, best_is_right),
        uncorrected_reliability=() if own is None else reliability(own, best_is_right),
        threshold=cut if math.isfinite(cut := float(answers.threshold.value)) else None,
        threshold_sentence=answers.threshold.sentence(),
        classes=classes,
        notes=tuple(_notes(report, sorted(unseen), unseen_rows)),
    )


def _by_class(truth: np.ndarray, predicted: np.ndarray) -> tuple[tuple[ClassResult, ...], float]:
    """Results of every class that is true or predicted, and micro-F1 over them."""
    from sklearn.metrics import precision_recall_fscore_support

    names = sorted({*truth, *predicted} - {REJECTED})
    code_of = {name: code for code, name in enumerate(names)} | {REJECTED: -1}
    true_codes = np.array([code_of[name] for name in truth])
    codes = np.array([code_of[name] for name in predicted])
    # −1 is left out of ``labels``: rejection takes from recall and is never a class of its own
    over = {"labels": np.arange(len(names)), "zero_division": 0.0}
    each = precision_recall_fscore_support(true_codes, codes, **over)
    micro = precision_recall_fscore_support(true_codes, codes, average="micro", **over)
    rejected = np.bincount(true_codes[codes == -1], minlength=len(names))
    columns = zip(names, *(column.tolist() for column in (*each, rejected)), strict=True)
    return tuple(ClassResult(*row) for row in columns), float(micro[2])


def _notes(report: RowReport, unseen: list[str], unseen_rows: int) -> list[str]:
    notes = []
    if unseen:
        notes.append(
            f"Rows whose label the classifier never learned, counted as wrong: {unseen_rows:,} "
            f"({some_named(unseen)}). Name such a label out of scope if its texts should be rejected."
        )
    said = [
        (report.unlabelled, "without a label: not evaluated"),
        (report.empty, "with an empty text: skipped"),
        (report.conflicts, "whose text also stands under another label: not all of them can be right"),
    ]
    return notes + rows_said(said)


def _report_row(one: ClassResult) -> list[str]:
    measures = map(number, (one.precision, one.recall, one.f1))
    return [shortened(one.name), *measures, f"{one.support:,}", f"{one.rejected:,}"]
