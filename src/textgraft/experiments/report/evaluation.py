"""Everything that a report says of one classifier on one test file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.answers import answers_to
from textgraft.experiments.confusions import Confusions, confusions
from textgraft.experiments.evaluate import ClassResult, Evaluation, evaluation_of
from textgraft.experiments.label_next import LabelNext, label_next
from textgraft.experiments.report.about import AboutClassifier, about_classifier
from textgraft.experiments.report.charts import reliability_chart, risk_coverage_chart
from textgraft.experiments.report.likeness import Likeness, likeness
from textgraft.experiments.report.origin import Origin
from textgraft.experiments.report.page import rendered
from textgraft.experiments.report.training_rows import Labelled, TrainingRows, training_rows
from textgraft.experiments.risk_coverage import RiskCoverage, risk_coverage
from textgraft.experiments.score_intervals import Bounds, score_intervals
from textgraft.experiments.surest_errors import SureErrors, surest_errors
from textgraft.experiments.tables import worst_first
from textgraft.methods.base import TextClassifier

MOST_CLASSES = 100
"""Classes of which the report says precision and recall."""


@dataclass(frozen=True)
class EvaluationReport(AboutClassifier):
    """What :func:`evaluation_report` gathered.

    Attributes:
        evaluation: the scores.
        intervals: 95 % intervals of scores by name; ``None`` where there is none.
        belief_sentence: how belief was calibrated.
        curve: risk by coverage.
        confusions: which classes are taken for which.
        errors: the surest errors with their evidence.
        likeness: similarities of some confused texts; ``None`` without confusions.
        training_rows: what is wrong with the rows it learned from.
        next: what to label next; ``None`` when no texts were given.
    """

    evaluation: Evaluation
    intervals: dict[str, Bounds | None]
    belief_sentence: str
    curve: RiskCoverage
    confusions: Confusions
    errors: SureErrors
    likeness: Likeness | None
    training_rows: TrainingRows
    next: LabelNext | None

    def html(self) -> str:
        """One page that needs nothing else."""
        return rendered(
            "evaluation.html.j2",
            report=self,
            origin=self.origin,
            risk_chart=risk_coverage_chart(self.curve),
            reliability_chart=reliability_chart(self.evaluation),
            losses_chart=self.losses_chart,
        )

    @property
    def worst_classes(self) -> tuple[ClassResult, ...]:
        """Results by class, lowest F1 first, at most :data:`MOST_CLASSES`."""
        return tuple(worst_first(self.evaluation.classes)[:MOST_CLASSES])


def evaluation_report(
    classifier: TextClassifier,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    origin: Origin,
    train: Labelled | None = None,
    suspects: bool | None = None,
    unlabelled: Sequence[object] | None = None,
    n_next: int = 20,
    oos_labels: Iterable[object] | None = None,
    seed: int = 0,
    watch: Watch = unwatched,
) -> EvaluationReport:
    """Gather what a person should know about a fitted classifier, from rows it has not seen.

    Args:
        classifier: fitted; it stays as it is.
        texts, labels: as of :func:`textgraft.evaluate`.
        origin: where the report comes from; see :func:`textgraft.experiments.report.origin.origin_of`.
        train: texts and labels that were learned from, with those the classifier does not keep.
        suspects: whether to look for doubtful labels among them, which fits the classifier five times; by
            default where ``train`` is given and the method trains no network.
        unlabelled: texts of which to say which to label next.
        n_next: how many of them.
        oos_labels: labels of out-of-scope rows; those of the classifier by default.
        seed: of bootstrap draws.
        watch: told of progress.

    Raises:
        DataError: no row is labelled and in scope, or rows cannot be read.
        NotFittedError: the classifier has not learned yet.
    """
    answers = answers_to(classifier, texts, labels, oos_labels=oos_labels, watch=watch)
    found = confusions(answers)
    return EvaluationReport(
        **vars(about_classifier(classifier, origin, seed)),
        evaluation=evaluation_of(answers),
        intervals=score_intervals(answers, seed),
        belief_sentence=classifier.calibration_.sentence(),
        curve=risk_coverage(answers),
        confusions=found,
        errors=surest_errors(classifier, answers, watch=watch),
        likeness=likeness(classifier, answers, found),
        training_rows=training_rows(classifier, answers, train, suspects, watch),
        next=None if unlabelled is None else label_next(classifier, unlabelled, k=n_next, watch=watch),
    )
