"""Line charts as data: what a picture shows and a table beside it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MOST_SAID = 30
"""Points of a series that the table of a chart says; of longer ones evenly spaced ones."""

Format = Literal["number", "percent", "whole"]


@dataclass(frozen=True)
class Point:
    """One value, and perhaps the interval it lies in; ``note`` is said in the table."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Series:
    """Points that belong together, in the order of x.

    Attributes:
        name: said in the legend.
        points: without NaN.
        kind: ``marks`` with a line and error bars, a ``curve`` without marks, a dashed ``guide`` that is
            no data, or a ``ring`` around each point.
    """

    name: str
    points: tuple[Point, ...]
    kind: Literal["marks", "curve", "guide", "ring"] = "marks"


@dataclass(frozen=True)
class Axis:
    """One direction.

    Attributes:
        label: what is shown, with its unit.
        low, high: its ends; above 0 on a logarithmic scale.
        log: whether the scale is logarithmic.
        form: how numbers are written.
        ticks: where; evenly by default.
    """

    label: str
    low: float
    high: float
    log: bool = False
    form: Format = "number"
    ticks: tuple[float, ...] = ()

    def place(self, value: float) -> float:
        """Where a value lies between the ends, from 0 to 1; values outside lie at the end."""
        low, high, at = (map(math.log, (self.low, self.high, max(value, self.low)))) if self.log else (
            self.low, self.high, value,
        )  # fmt: skip
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def marked(self) -> tuple[float, ...]:
        """Values that carry a number."""
        if self.ticks:
            return self.ticks
        return _decades(self.low, self.high) if self.log else _round_steps(self.low, self.high, self.form)

    def said(self, value: float) -> str:
        """A value as it is written."""
        if self.form == "percent":
            return f"{100 * value:.3g} %"
        return f"{value:,.0f}" if self.form == "whole" or abs(value) >= 1_000 else f"{value:.3g}"


@dataclass(frozen=True)
class Chart:
    """Lines over two axes.

    Attributes:
        name: makes ids; one of its own on a page.
        title, description: what it shows, for those who do not see it.
        apart: whether marks of several series at one x lie side by side, so that each error bar is seen.
    """

    name: str
    title: str
    description: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    apart: bool = False

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Series, x, y, interval and note of the points, for a table beside the picture."""
        said = []
        for series in self.series:
            points = series.points if series.kind != "guide" else ()
            every = max(1, -(-len(points) // MOST_SAID))
            # from the end, so that the last point is said
            for point in points[::-1][::every][::-1]:
                interval = ""
                if point.low is not None and point.high is not None:
                    interval = f"{self.y.said(point.low)} to {self.y.said(point.high)}"
                said.append((series.name, self.x.said(point.x), self.y.said(point.y), interval, point.note))
        return said


def axis_over(values: Sequence[float], label: str, *, log: bool = False, form: Format = "number") -> Axis:
    """An axis around values, with room at both ends; a single value lies in its middle.

    Args:
        values: one or more; above 0 where ``log``.
        label, log, form: as of :class:`Axis`.
    """
    low, high = min(values), max(values)
    if log:
        room = (high / low) ** 0.05 if high > low else 2.0
        return Axis(label, low / room, high * room, log, form)
    # values that differ by next to nothing have room as one value has
    room = 0.05 * (high - low) if high - low > 1e-6 * abs(high) else 0.5 * abs(high) or 1.0
    return Axis(label, low - room, high + room, log, form)


def _round_steps(low: float, high: float, form: Format) -> tuple[float, ...]:
    """Four to eight round numbers."""
    raw = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= raw * 0.999)
    if form == "whole":
        step = max(1.0, math.ceil(step))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # adding zero turns −0.0 into 0.0
    return tuple(float(f"{number * step:.12g}") + 0.0 for number in range(first, last + 1))


def _decades(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten, with their doubles and halves where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for parts in ((1,), (1, 3), (1, 2, 5)):
        found = tuple(
            times * 10.0**power for power in powers for times in parts if low <= times * 10.0**power <= high
        )
        if len(found) >= 4:
            return found
    return found if len(found) > 1 else _round_steps(low, high, "number")
