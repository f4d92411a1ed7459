"""The page of a comparison: it says what was measured, and no name can break it."""

from __future__ import annotations

import dataclasses
import itertools
import re
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

import textgraft as tg
from comparisons import REASON, ROWS, comparison_of
from pages import EVIL, Page, sound
from textgraft.experiments.comparing.compare import compare
from textgraft.experiments.comparing.comparison import Comparison
from textgraft.experiments.pictures.svg import COLOURS, line_chart
from textgraft.experiments.report.comparison import ComparisonReport, labels_charts, seconds_charts
from textgraft.experiments.report.origin import Origin
from textgraft.experiments.report.page import TEMPLATES

ORIGIN = Origin("rows.csv", (("rows", "rows.csv"),), "textgraft compare rows.csv", "now", (("Python", "3"),))


def html_of(found: Comparison, origin: Origin = ORIGIN) -> str:
    return ComparisonReport(found, origin).html()


def page_of(found: Comparison) -> Page:
    return sound(html_of(found))


def test_a_page_says_what_was_measured() -> None:
    texts = [f"{word} w{number % 7}" for number, word in enumerate(["apple", "saw", "wren"] * 20)]
    methods = {"plain": tg.TfidfClassifier(), "bad": tg.KNNClassifier("/nowhere/at-all")}
    found = compare(texts, ["fruit", "tool", "bird"] * 20, methods, sizes="2,all", seeds=2, in_process=True)
    page = page_of(found)
    for one in found.standings:
        if one.score is not None:
            low, high = 100 * one.score.low, 100 * one.score.high
            assert f"plain {100 * one.score.value:.1f} % {low:.1f} to {high:.1f} best" in page.text
    for sentence in (found.how, *found.legend, *found.notes, *(one.words for one in found.advice)):
        # names of methods are set as code
        bare = [part.strip() for part in sentence.split("`")]
        assert all(part in page.text for part in bare), sentence
    (failed,) = {one.failures for one in found.standings if one.failures}
    assert page.text.count(failed[0]) == 2
    assert "2 of 2 seeds" in page.text
    for said in ("textgraft compare rows.csv", "Seeds 0 to 1 drew", "1,000 bootstrap draws", "Python"):
        assert said in page.text
    assert ComparisonReport(found, ORIGIN).to_dict()["comparison"] == found.to_dict()


def test_advice_comes_first_and_names_are_code() -> None:
    html = html_of(comparison_of(["a", "b"]))
    assert html.index('id="meaning"') < html.index('id="standings"') < html.index("<svg")
    assert "<li>Take <code>b</code>: it is ahead.</li>" in html


def test_curves_hold_every_score_with_its_interval() -> None:
    found = comparison_of(["a", "b"])
    (by_labels,), (by_seconds,) = labels_charts(found), seconds_charts(found)
    for chart, at in ((by_labels, lambda one: one.rows), (by_seconds, lambda one: one.seconds)):
        assert [one.name for one in chart.series] == ["a", "b"]
        for series in chart.series:
            own = [one for one in found.standings if one.method == series.name]
            assert [(p.x, p.y, p.low, p.high) for p in series.points] == [
                (at(one), one.score.value, one.score.low, one.score.high) for one in own
            ]
        assert chart.x.log
        assert 0 <= chart.y.low < chart.y.high <= 1
    assert by_labels.x.ticks == tuple(ROWS.values())
    assert by_labels.rows()[0][1:] == ("48", "30 %", "26 % to 33 %", "8 rows of each class")


def test_marks_with_as_many_labels_lie_side_by_side() -> None:
    (chart,) = labels_charts(comparison_of(["a", "b", "c"]))
    groups = list(fromstring(line_chart(chart)).iter("g"))
    firsts = [float(next(one.iter("polyline")).attrib["points"].split(",")[0]) for one in groups]
    assert [round(after - before) for before, after in itertools.pairwise(firsts)] == [4, 4]


def test_one_number_of_labels_has_no_curve_but_a_sentence() -> None:
    found = comparison_of(["a", "b"], ["all"])
    page = page_of(found)
    assert labels_charts(found) == []
    assert "Only one number of labels was measured (all rows), so there is no curve" in page.text
    assert page.text.count("accuracy by time to learn") >= 1
    assert "What more labels brought" not in page.text


def test_one_seed_and_one_method() -> None:
    page = page_of(comparison_of(["a"], seeds=1))
    assert "Seed 0 drew the rows" in page.text
    assert "1 method, 3 numbers of labels, 1 seed;" in page.text


def test_failed_methods_have_a_reason_and_no_line() -> None:
    found = comparison_of(["a", "bad", "b"], failing=["bad"])
    page = page_of(found)
    assert page.text.count(REASON) == 3
    assert "3 of 3 seeds" in page.text
    assert [one.name for chart in labels_charts(found) for one in chart.series] == ["a", "b"]


def test_when_all_failed_there_is_no_chart() -> None:
    page = page_of(comparison_of(["a", "b"], failing=["a", "b"]))
    assert not page.tags["svg"]
    assert "Nothing: every method failed" in page.text
    assert "Every method failed, so there is no time to show." in page.text


def test_twenty_methods_are_all_there_best_first_and_told_apart() -> None:
    names = [f"method {number}" for number in range(20)]
    found = comparison_of(names)
    page = page_of(found)
    assert all(page.text.count(name) > 3 for name in names)
    charts = labels_charts(found)
    assert [len(chart.series) for chart in charts] == [8, 8, 4]
    assert [one.name for chart in charts for one in chart.series] == names[::-1]
    assert len({(chart.x, chart.y) for chart in charts}) == 1
    # of the same methods as its neighbour
    assert [[one.name for one in chart.series] for chart in seconds_charts(found)] == [
        [one.name for one in chart.series] for chart in charts
    ]
    groups = list(fromstring(line_chart(charts[0])).iter("g"))
    marks = [next(one for one in group if one.attrib["class"].startswith("mark")) for group in groups]
    assert len({(one.tag, one.attrib["class"], _outline(one.attrib.get("points", ""))) for one in marks}) == 8


def _outline(points: str) -> tuple[tuple[float, float], ...]:
    """A polygon's corners around its middle."""
    if not points:
        return ()
    corners = np.array([list(map(float, pair.split(","))) for pair in points.split()])
    return tuple(map(tuple, (corners - corners[0]).round(1).tolist()))


def test_no_name_is_anything_but_text() -> None:
    names = [EVIL, "{{ 7 * 7 }}", '" onmouseover="x', "a`b", "أدوات <b>", "\0\x1b\ud800", "x" * 10_000]
    found = comparison_of(names, failing=["{{ 7 * 7 }}"], reason=EVIL)
    html = html_of(found, Origin(EVIL, ((EVIL, EVIL),), EVIL, EVIL, ()))
    page = sound(html)
    assert page.text.count(EVIL) > 5
    assert "{{ 7 * 7 }}" in page.text
    assert len(html) < 100_000


@pytest.mark.parametrize("name", [EVIL, "a`b", "`"])
def test_advice_about_any_name_is_text(name: str) -> None:
    page = sound(html_of(comparison_of([name, "a"][::-1])))
    assert not page.tags["script"]
    assert page.tags["code"] <= 2


def test_macro_f1_and_a_test_file_are_called_so() -> None:
    found = dataclasses.replace(comparison_of(["a"]), metric="macro-f1", test=True)
    page = page_of(found)
    assert "macro-F1 by labels" in page.text
    assert "rows of the test file are scored" in page.text


# ── colours ─────────────────────────────────────────────────────────────────────────

SEEN = {
    "all colours": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""What an eye sees of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""


def _palettes() -> list[tuple[str, list[str]]]:
    """Paper and lines, light, dark and printed."""
    found: list[tuple[str, list[str]]] = []
    for block in (TEMPLATES / "style.css").read_text().split("--paper: ")[1:]:
        lines = dict(re.findall(r"--c(\d): (#\w{6})", block))
        found.append((block[:7], [lines[str(number)] for number in range(COLOURS)]))
    return found


def _linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, in which a distance of 2 is just seen."""
    to_xyz = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8727]]
    x, y, z = np.cbrt(np.maximum(np.array(to_xyz) @ np.clip(linear, 0, 1), 0.0089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("palette", range(3))
def test_lines_are_seen_on_their_paper_and_told_apart_by_every_eye(palette: int) -> None:
    paper, lines = _palettes()[palette]
    for line in lines:
        dark, light = sorted(_linear(one) @ [0.2126, 0.7152, 0.0722] for one in (paper, line))
        assert (light + 0.05) / (dark + 0.05) >= 3, line
    for eye, seen in SEEN.items():
        places = [_lab(np.array(seen) @ _linear(line)) for line in lines]
        for one, other in itertools.combinations(range(COLOURS), 2):
            assert np.linalg.norm(places[one] - places[other]) > 10, (eye, lines[one], lines[other])
