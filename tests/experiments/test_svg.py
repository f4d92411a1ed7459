"""Charts: what is drawn lies where it should, is said beside it, and cannot break the page."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.experiments.pictures.charts import Axis, Chart, Point, Series, axis_over
from textgraft.experiments.pictures.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, legend, line_chart

SHARE = Axis("accuracy", 0.0, 1.0, form="percent")
NAMESPACE = "{http://www.w3.org/2000/svg}"


def chart(*series: Series, x: Axis | None = None, y: Axis = SHARE) -> Chart:
    return Chart("one", "a title", "a description", x or Axis("rows", 0, 100, form="whole"), y, series)


def drawn(*series: Series, x: Axis | None = None, y: Axis = SHARE) -> Element:
    return fromstring(line_chart(chart(*series, x=x, y=y)))


def test_points_lie_where_their_values_say() -> None:
    svg = drawn(Series("m", (Point(0, 0), Point(50, 0.5), Point(100, 1.0))))
    places = [(float(mark.attrib["cx"]), float(mark.attrib["cy"])) for mark in svg.iter("circle")]
    middle = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    assert places == [(LEFT, HEIGHT - BOTTOM), pytest.approx(middle, abs=0.1), (WIDTH - RIGHT, TOP)]


def test_error_bars_reach_from_low_to_high() -> None:
    svg = drawn(Series("m", (Point(50, 0.5, 0.25, 0.75), Point(60, 0.5))))
    bars = [line.attrib for line in svg.iter("line") if line.attrib["class"] == "bar"]
    assert len(bars) == 3
    height = HEIGHT - TOP - BOTTOM
    ends = [float(bars[0]["y1"]), float(bars[0]["y2"])]
    assert ends == pytest.approx([TOP + 0.75 * height, TOP + 0.25 * height], abs=0.1)


def test_a_logarithmic_axis_has_equal_steps_for_equal_factors() -> None:
    axis = Axis("seconds", 1, 100, log=True)
    assert [axis.place(value) for value in (1, 10, 100)] == pytest.approx([0, 0.5, 1])
    assert {1.0, 10.0, 100.0} <= set(axis.marked())
    assert len(Axis("s", 0.6, 0.7, log=True).marked()) >= 2


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5), st.sampled_from(["number", "percent", "whole"])
)
def test_an_axis_holds_its_values_and_few_numbers(values: list[float], form: str) -> None:
    values = [float(round(value)) for value in values] if form == "whole" else values
    axis = axis_over(values, "any", form=form)  # type: ignore[arg-type]
    assert all(0 <= axis.place(value) <= 1 for value in values)
    assert axis.low < axis.high
    assert len(axis.marked()) <= 12
    room = 1e-6 * (axis.high - axis.low)
    assert all(axis.low - room <= tick <= axis.high + room for tick in axis.marked())


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=5))
def test_a_logarithmic_axis_holds_its_values(values: list[float]) -> None:
    axis = axis_over(values, "any", log=True)
    assert all(0 <= axis.place(value) <= 1 for value in values)
    assert axis.marked()


def test_a_table_says_what_is_drawn() -> None:
    said = chart(
        Series("m", (Point(8, 0.5, 0.25, 0.75, "two seeds"),)), Series("ideal", (Point(0, 0),), kind="guide")
    ).rows()
    assert said == [("m", "8", "50 %", "25 % to 75 %", "two seeds")]
    long = Series("m", tuple(Point(number, 0) for number in range(100)), kind="curve")
    rows = chart(long, x=Axis("rows", 0, 100)).rows()
    assert len(rows) <= 30
    assert rows[-1][1] == "99"


def test_nothing_that_a_name_says_is_read_as_a_tag() -> None:
    bad = "<script>alert(1)</script>\0\x1b\ud800"
    pictured = Chart("one", bad, bad, Axis(bad, 0, 1), Axis(bad, 0, 1), (Series(bad, (Point(0, 0),)),))
    text = line_chart(pictured)
    assert "<script" not in text
    svg = fromstring(text.encode())
    assert sum("<script>" in (one.text or "") for one in svg.iter()) == 5
    assert [name for _, name in legend(pictured)] == [bad]


def test_series_differ_by_shape_and_class_and_a_guide_is_none_of_them() -> None:
    several = [Series(str(number), (Point(1, 1), Point(2, 1))) for number in range(4)]
    guide = Series("ideal", (Point(0, 0), Point(1, 1)), kind="guide")
    svg = drawn(guide, *several)
    groups = [group.attrib["class"] for group in svg.iter("g")]
    assert groups == ["guide", "c0", "c1", "c2", "c3"]
    shapes = {
        tuple(
            (mark.tag, mark.attrib.get("points", "").count(",")) for mark in group if mark.tag != "polyline"
        )
        for group in svg.iter("g")
    }
    assert len(shapes) >= 4
    assert [swatch.count("line guide") for swatch, _ in legend(chart(guide, *several))] == [1, 0, 0, 0, 0]
