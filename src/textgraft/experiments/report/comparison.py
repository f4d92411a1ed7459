"""Everything that a report says of a comparison of methods."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from textgraft.core.durations import duration_words
from textgraft.experiments.comparing.comparison import (
    COLUMNS,
    Comparison,
    Standing,
    size_words,
    standing_words,
)
from textgraft.experiments.intervals import DRAWS
from textgraft.experiments.pictures.charts import Axis, Chart, Point, Series, axis_over
from textgraft.experiments.report.origin import Origin
from textgraft.experiments.report.page import LONGEST_TEXT, rendered
from textgraft.experiments.tables import as_json, shortened

LINES = 8
"""Most lines of one chart: as many marks and colours can be told apart."""

LEAST_SECONDS = 1e-3
"""What a logarithmic axis shows of methods that learn faster."""


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison as one page.

    Attributes:
        comparison: what :func:`textgraft.compare` found.
        origin: where it comes from; see :func:`textgraft.experiments.report.origin.origin_of`.
    """

    comparison: Comparison
    origin: Origin

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return as_json(self)

    def html(self) -> str:
        """One page that needs nothing else."""
        by_labels, by_seconds = labels_charts(self.comparison), seconds_charts(self.comparison)
        return rendered(
            "comparison.html.j2",
            found=self.comparison,
            origin=self.origin,
            columns=[f"#{name}" for name in COLUMNS],
            said=standing_words,
            size_words=size_words,
            by_size=[
                (size, [one for one in self.comparison.standings if one.size == size])
                for size in self.comparison.sizes
            ],
            draws=DRAWS,
            took=duration_words(self.comparison.seconds),
            most_lines=LINES,
            labels_charts=by_labels,
            seconds_charts=by_seconds,
            # the two of the same methods side by side
            charts=[chart for pair in zip_longest(by_labels, by_seconds) for chart in pair if chart],
        )


def labels_charts(found: Comparison) -> list[Chart]:
    """The score by rows learned from, at most :data:`LINES` methods a chart; none where there is one size."""
    rows = sorted({one.rows for one in found.standings if one.score is not None})
    if len(rows) < 2:
        return []
    axis = axis_over(rows, "rows learned from", log=True, form="whole")
    return _charts(
        found,
        "score-by-labels",
        f"{found.metric_name} by labels",
        "The same rows are scored for every number of labels. Bars are 95 % intervals; methods with "
        "as many labels are drawn side by side.",
        dataclasses.replace(axis, ticks=_apart(rows, axis)),
        lambda one: one.rows,
    )


def seconds_charts(found: Comparison) -> list[Chart]:
    """The score by seconds of learning; none where every method failed."""
    seconds = [_seconds(one) for one in found.standings if one.score is not None]
    if not seconds:
        return []
    return _charts(
        found,
        "score-by-seconds",
        f"{found.metric_name} by time to learn",
        "Higher is better, and further to the left is cheaper: a step to the right is worth its time where "
        "it leads up. A line goes from few labels to many. Bars are 95 % intervals.",
        axis_over(seconds, "seconds to learn, encoding included", log=True),
        _seconds,
    )


def _charts(
    found: Comparison, name: str, title: str, description: str, x: Axis, at: Callable[[Standing], float]
) -> list[Chart]:
    """Charts over the same axes, each of some of the methods."""
    scores = [one.score for one in found.standings if one.score is not None]
    y = axis_over([end for one in scores for end in (one.low, one.high)], found.metric_name, form="percent")
    y = dataclasses.replace(y, low=max(0.0, y.low), high=min(1.0, y.high))
    groups = _groups(found)
    return [
        Chart(
            name if len(groups) == 1 else f"{name}-{number}",
            title if len(groups) == 1 else f"{title}, chart {number} of {len(groups)}",
            description,
            x,
            y,
            tuple(Series(shortened(method, LONGEST_TEXT), _points(found, method, at)) for method in methods),
            apart=name == "score-by-labels",
        )
        for number, methods in enumerate(groups, 1)
    ]


def _points(found: Comparison, method: str, at: Callable[[Standing], float]) -> tuple[Point, ...]:
    return tuple(
        Point(at(one), one.score.value, one.score.low, one.score.high, size_words(one.size))
        for one in found.standings
        if one.method == method and one.score is not None
    )


def _groups(found: Comparison) -> list[list[str]]:
    """Methods of each chart: as they were named, or where there are several charts the best ones first."""
    last = {one.method: one.score.value for one in found.standings if one.score is not None}
    drawn = [method for method in found.methods if method in last]
    if len(drawn) > LINES:
        # the scores of the largest size that each came to
        drawn.sort(key=lambda method: -last[method])
    return [drawn[start : start + LINES] for start in range(0, len(drawn), LINES)]


def _seconds(one: Standing) -> float:
    return max(LEAST_SECONDS, one.seconds or 0.0)


def _apart(rows: Sequence[int], axis: Axis) -> tuple[float, ...]:
    """Numbers of rows whose names have room beside one another, the largest first of all."""
    kept: list[int] = []
    for value in reversed(rows):
        if not kept or axis.place(kept[-1]) - axis.place(value) > 0.12:
            kept.append(value)
    return tuple(map(float, reversed(kept)))
