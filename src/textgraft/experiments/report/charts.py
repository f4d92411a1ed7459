"""What the pictures of a report show."""

from __future__ import annotations

from collections.abc import Sequence

from textgraft.core.belief import Bin
from textgraft.core.binomial import wilson_interval
from textgraft.core.counting import counted
from textgraft.core.label_belief import PLAUSIBLE
from textgraft.experiments.evaluate import Evaluation
from textgraft.experiments.evaluate_labels import MultilabelEvaluation
from textgraft.experiments.pictures.charts import Axis, Chart, Point, Series, axis_over
from textgraft.experiments.risk_coverage import RiskCoverage
from textgraft.training.records import Training


def risk_coverage_chart(curve: RiskCoverage) -> Chart:
    """Risk over coverage, and the chosen point."""
    inside = tuple(Point(one.coverage, one.risk) for one in curve.points if one.risk is not None)
    series = [Series("in-scope texts", inside, "curve")]
    every = tuple(Point(one.coverage, one.risk_of_all) for one in curve.points if one.risk_of_all is not None)
    if every:
        series.append(Series("with out-of-scope texts as errors", every, "curve"))
    chosen = curve.chosen.risk if curve.chosen.risk_of_all is None else curve.chosen.risk_of_all
    if chosen is not None:
        series.append(Series("chosen threshold", (Point(curve.chosen.coverage, chosen),), "ring"))
    highest = max(point.y for one in series for point in one.points)
    return Chart(
        "risk-coverage",
        "Risk by coverage",
        "The share of errors among accepted texts, for thresholds from strict (left) to none (right).",
        Axis("in-scope texts accepted", 0.0, 1.0, form="percent"),
        Axis("errors among accepted texts", 0.0, max(0.02, 1.1 * highest), form="percent"),
        tuple(series),
    )


def reliability_chart(found: Evaluation) -> Chart | None:
    """Share right by belief, with 95 % intervals; ``None`` without a text."""
    return _reliability(
        found,
        "Texts grouped by belief in their most believed class, and the share of each group that is right. "
        "A calibrated classifier lies on the dashed line; above it, it is right more often than it believes.",
        ("belief in the most believed class", "share of them right", "text"),
    )


def label_reliability_chart(found: MultilabelEvaluation) -> Chart | None:
    """Share true by belief in each label, with 95 % intervals; ``None`` where no label is plausible."""
    return _reliability(
        found,
        f"Pairs of text and label believed at {100 * PLAUSIBLE:.0f} % or more, grouped by belief, and the "
        "share of each group that is true. A calibrated classifier lies on the dashed line; above it, labels "
        "are true more often than it believes.",
        ("belief in a label", "share of them true", "pair"),
    )


def _reliability(
    found: Evaluation | MultilabelEvaluation, description: str, words: tuple[str, str, str]
) -> Chart | None:
    """Belief beside truth; ``words`` name both axes and what is counted."""
    across, up, noun = words
    if not found.reliability:
        return None

    def points(groups: Sequence[Bin]) -> tuple[Point, ...]:
        return tuple(
            Point(one.belief, one.right, *wilson_interval(one.right, one.rows), counted(one.rows, noun))
            for one in groups
        )

    series = [
        Series("as sure as right", (Point(0.0, 0.0), Point(1.0, 1.0)), "guide"),
        Series("this classifier, 95 % intervals", points(found.reliability)),
    ]
    if found.uncorrected_reliability:
        series.append(Series("its own belief, before calibration", points(found.uncorrected_reliability)))
    return Chart(
        "reliability",
        "Belief beside truth",
        description,
        Axis(across, 0.0, 1.0, form="percent"),
        Axis(up, 0.0, 1.0, form="percent"),
        tuple(series),
    )


def losses_chart(training: Training) -> Chart | None:
    """Losses by epoch; ``None`` when no epoch was trained."""
    reports = training.reports
    if not reports:
        return None
    learned = tuple(Point(one.epoch, one.train_loss, note=one.phase) for one in reports)
    held_out = tuple(
        Point(one.epoch, one.valid_loss, note=one.phase) for one in reports if one.valid_loss is not None
    )
    series = [Series("training rows", learned)]
    if held_out:
        series.append(Series("held-out rows", held_out))
    best = [point for point in held_out if point.x == training.best_epoch]
    if best:
        series.append(Series(f"best: epoch {training.best_epoch}", tuple(best), "ring"))
    values = [point.y for one in series for point in one.points]
    return Chart(
        "losses",
        "Loss by epoch",
        "The mean loss of the rows that were learned from, and of held-out rows where there were some.",
        axis_over([point.x for point in learned], "epoch", form="whole"),
        Axis("loss", 0.0, 1.05 * max(values) or 1.0),
        tuple(series),
    )
