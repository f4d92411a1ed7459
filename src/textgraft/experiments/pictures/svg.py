"""Line charts as small ``<svg>`` elements, in colours that the page around them sets.

Series differ by their marks or dashes too, not by colour alone. Colours are the classes ``c0`` to ``c7``
of the page, so that light, dark and print are its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from textgraft.experiments.pictures.charts import Chart, Series
from textgraft.experiments.tables import printable, shortened

WIDTH, HEIGHT = 440, 290
LEFT, RIGHT, TOP, BOTTOM = 46, 22, 30, 44
COLOURS = 8
APART = 4.0
"""Between marks of series that lie side by side."""


def line_chart(chart: Chart) -> str:
    """A chart as an ``<svg>`` element that scales to the width it is given."""
    svg = Element("svg", {
        "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "class": "chart",
        "aria-labelledby": f"{chart.name}-title {chart.name}-description",
    })  # fmt: skip
    _say(svg, "title", chart.title, id=f"{chart.name}-title")
    _say(svg, "desc", chart.description, id=f"{chart.name}-description")
    _draw_axes(svg, chart)
    colour = 0
    for series in chart.series:
        group = SubElement(svg, "g", {"class": "guide" if series.kind == "guide" else f"c{colour % COLOURS}"})
        _draw_series(group, chart, series, colour)
        colour += series.kind != "guide"
    return tostring(svg, encoding="unicode")


def legend(chart: Chart) -> list[tuple[str, str]]:
    """A small ``<svg>`` and the name of each series."""
    found, colour = [], 0
    for series in chart.series:
        kind = "guide" if series.kind == "guide" else f"c{colour % COLOURS}"
        svg = Element("svg", {"viewBox": "0 0 28 14", "class": f"swatch {kind}", "aria-hidden": "true"})
        if series.kind != "ring":
            _line(svg, [(1, 7), (27, 7)], series.kind)
        if series.kind in ("marks", "ring"):
            _mark(svg, 14, 7, colour, ring=series.kind == "ring")
        found.append((tostring(svg, encoding="unicode"), series.name))
        colour += series.kind != "guide"
    return found


def _draw_axes(svg: Element, chart: Chart) -> None:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for value in chart.y.marked():
        y = _at(chart, chart.x.low, value)[1]
        SubElement(svg, "line", {"class": "grid", **_numbers(x1=LEFT, x2=right, y1=y, y2=y)})
        _say(svg, "text", chart.y.said(value), **_numbers(x=LEFT - 6, y=y + 4), **{"text-anchor": "end"})
    for value in chart.x.marked():
        x = _at(chart, value, chart.y.low)[0]
        SubElement(svg, "line", {"class": "axis", **_numbers(x1=x, x2=x, y1=bottom, y2=bottom + 4)})
        _say(svg, "text", chart.x.said(value), **_numbers(x=x, y=bottom + 17), **{"text-anchor": "middle"})
    SubElement(svg, "line", {"class": "axis", **_numbers(x1=LEFT, x2=right, y1=bottom, y2=bottom)})
    _say(svg, "text", chart.y.label, **{"class": "name", "x": "4", "y": "14"})
    middle = _numbers(x=(LEFT + right) / 2, y=HEIGHT - 8)
    _say(svg, "text", chart.x.label, **{"class": "name", "text-anchor": "middle"}, **middle)


def _draw_series(group: Element, chart: Chart, series: Series, number: int) -> None:
    aside = _aside(chart, number)
    places = [(x + aside, y) for x, y in (_at(chart, point.x, point.y) for point in series.points)]
    if len(places) > 1 and series.kind != "ring":
        _line(group, places, series.kind)
    if series.kind in ("curve", "guide") and len(places) != 1:
        return
    for point, (x, y) in zip(series.points, places, strict=True):
        if point.low is not None and point.high is not None:
            low, high = (_at(chart, point.x, end)[1] for end in (point.low, point.high))
            for x1, x2, y1, y2 in ((x, x, low, high), (x - 3, x + 3, low, low), (x - 3, x + 3, high, high)):
                SubElement(group, "line", {"class": "bar", **_numbers(x1=x1, x2=x2, y1=y1, y2=y2)})
        mark = _mark(group, x, y, number, ring=series.kind == "ring")
        _say(mark, "title", f"{series.name}: {chart.x.said(point.x)}, {chart.y.said(point.y)}")


def _line(parent: Element, places: Sequence[tuple[float, float]], kind: str) -> None:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    SubElement(parent, "polyline", {"points": path, "class": f"line {kind}"})


def _mark(parent: Element, x: float, y: float, number: int, *, ring: bool) -> Element:
    """A circle, square, diamond or triangle, filled or hollow; the shape says which series it is."""
    if ring:
        return SubElement(parent, "circle", {"class": "ring", **_numbers(cx=x, cy=y, r=5.5)})
    corners = {
        1: [(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)],
        2: [(0, -4.6), (4.6, 0), (0, 4.6), (-4.6, 0)],
        3: [(0, -4.4), (4.2, 3.2), (-4.2, 3.2)],
    }.get(number % 4)
    kind = "mark hollow" if number // 4 % 2 else "mark"
    if corners is None:
        return SubElement(parent, "circle", {"class": kind, **_numbers(cx=x, cy=y, r=3.6)})
    path = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return SubElement(parent, "polygon", {"class": kind, "points": path})


def _aside(chart: Chart, number: int) -> float:
    """How far to the right of its place a series is drawn."""
    if not chart.apart:
        return 0.0
    last = sum(one.kind != "guide" for one in chart.series) - 1
    return APART * (number - last / 2)


def _at(chart: Chart, x: float, y: float) -> tuple[float, float]:
    across = LEFT + chart.x.place(x) * (WIDTH - LEFT - RIGHT)
    return across, HEIGHT - BOTTOM - chart.y.place(y) * (HEIGHT - TOP - BOTTOM)


def _say(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = printable(shortened(text, 300))


def _numbers(**values: float) -> dict[str, str]:
    return {name: f"{value:.1f}" for name, value in values.items()}
