"""Everything that a report says of one classifier of several labels a text on one test file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.evaluate_labels import LabelResult, MultilabelEvaluation, label_evaluation_of
from textgraft.experiments.label_answers import label_answers_to
from textgraft.experiments.label_intervals import label_score_intervals
from textgraft.experiments.label_slips import LabelSlips, label_slips
from textgraft.experiments.report.about import AboutClassifier, about_classifier
from textgraft.experiments.report.charts import label_reliability_chart
from textgraft.experiments.report.evaluation import MOST_CLASSES
from textgraft.experiments.report.origin import Origin
from textgraft.experiments.report.page import rendered
from textgraft.experiments.report.training_rows import Labelled, TrainingRows, training_label_sets
from textgraft.experiments.score_intervals import Bounds
from textgraft.experiments.tables import worst_first
from textgraft.methods.base import TextClassifier


@dataclass(frozen=True)
class LabelReport(AboutClassifier):
    """What :func:`label_report` gathered.

    Attributes:
        evaluation: the scores.
        intervals: 95 % intervals of scores by name; ``None`` where there is none.
        belief_sentence: how belief was calibrated.
        slips: where it is wrong, with evidence.
        training_rows: what is wrong with the rows it learned from.
    """

    evaluation: MultilabelEvaluation
    intervals: dict[str, Bounds | None]
    belief_sentence: str
    slips: LabelSlips
    training_rows: TrainingRows

    def html(self) -> str:
        """One page that needs nothing else."""
        return rendered(
            "evaluation_of_sets.html.j2",
            report=self,
            origin=self.origin,
            reliability_chart=label_reliability_chart(self.evaluation),
            losses_chart=self.losses_chart,
        )

    @property
    def worst_labels(self) -> tuple[LabelResult, ...]:
        """Results by label, lowest F1 first, at most :data:`MOST_CLASSES`."""
        return tuple(worst_first(self.evaluation.labels)[:MOST_CLASSES])


def label_report(
    classifier: TextClassifier,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    origin: Origin,
    train: Labelled | None = None,
    oos_labels: Iterable[object] | None = None,
    seed: int = 0,
    watch: Watch = unwatched,
) -> LabelReport:
    """Gather what a person should know about a classifier of several labels, from rows it has not seen.

    Args:
        classifier: fitted on lists of labels; it stays as it is.
        texts, labels: as of :func:`textgraft.evaluate`.
        origin: where the report comes from; see :func:`textgraft.experiments.report.origin.origin_of`.
        train: texts and lists of labels that were learned from, with those the classifier does not keep.
        oos_labels: labels of out-of-scope rows; those of the classifier by default.
        seed: of bootstrap draws.
        watch: told of progress.

    Raises:
        DataError: no row has a list of labels, or rows cannot be read; or the classifier learned one label
            a text.
    """
    answers = label_answers_to(classifier, texts, labels, oos_labels=oos_labels, watch=watch)
    return LabelReport(
        **vars(about_classifier(classifier, origin, seed)),
        evaluation=label_evaluation_of(answers),
        intervals=label_score_intervals(answers, seed),
        belief_sentence=classifier.calibration_.sentence(),
        slips=label_slips(classifier, answers, watch=watch),
        training_rows=training_label_sets(classifier, answers, train),
    )
