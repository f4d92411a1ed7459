"""The HTML report in a real browser; not run unless asked for: pytest -m browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from browser import CONTRAST, Browser, chromium
from comparisons import comparison_of
from pages import EVIL
from textgraft.experiments.report.comparison import ComparisonReport
from textgraft.experiments.report.evaluation import evaluation_report
from textgraft.experiments.report.origin import origin_of
from textgraft.experiments.report.page import write_page
from textgraft.experiments.report.several_labels import label_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of names and texts that mean harm, or are very long, or run from right to left."""
    names = [EVIL, "أدوات <b>", "fruit & veg", "x" * 300, *(f"a class of number {row}" for row in range(30))]
    draw = np.random.default_rng(0)
    labels = [names[row % len(names)] for row in range(400)]
    texts = [f"w{row % len(names)} w{draw.integers(40)} v{draw.integers(5)}" for row in range(400)]
    texts[:5] = [
        EVIL,
        "مرحبا بالعالم w1",
        "\0\x1b[31m\ud800 \u202e",
        "y" * 1_000_000,
        '"><img src=x onerror=alert(1)>',
    ]
    clf = tg.LinearClassifier(encoder="hashing").fit(texts, labels)
    report = evaluation_report(
        clf,
        [*texts[:5], *(f"w{row} w{row + 1}" for row in range(100))],
        [names[5]] * 5 + [names[row % len(names)] for row in range(100)],
        origin=origin_of(EVIL, [("test rows", EVIL)], "textgraft " + "very-long-" * 50),
        train=(texts, labels),
        unlabelled=[f"w{row} w{row + 2}" for row in range(60)],
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_page(report.html(), path)
    return path


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty methods, with names that mean harm or are long."""
    names = [
        EVIL,
        "أدوات <b>",
        "linear:encoder=" + "x" * 300,
        *(f"linear:C={number}" for number in range(17)),
    ]
    found = comparison_of(names, failing=[EVIL], reason=EVIL)
    origin = origin_of(EVIL, [("rows", EVIL)], "textgraft " + "very-long-" * 50)
    path = tmp_path_factory.mktemp("comparison") / "comparison.html"
    write_page(ComparisonReport(found, origin).html(), path)
    return path


@pytest.fixture(scope="module")
def of_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on several labels a text, of names and texts that mean harm or are long."""
    names = [EVIL, "أدوات <b>", "x" * 300, *(f"a label of number {row}" for row in range(12))]
    draw = np.random.default_rng(0)
    held = [sorted(draw.choice(len(names), draw.integers(0, 4), replace=False)) for _ in range(300)]
    texts = [" ".join(["some", *(f"w{label}" for label in labels)]) for labels in held]
    texts[:3] = [EVIL, "مرحبا بالعالم w1", "y" * 1_000_000]
    sets = [[names[label] for label in labels] for labels in held]
    report = label_report(
        tg.TfidfClassifier().fit(texts, sets),
        texts[:100],
        sets[1:101],
        origin=origin_of(EVIL, [("test rows", EVIL)], "textgraft " + "very-long-" * 50),
    )
    path = tmp_path_factory.mktemp("sets") / "report.html"
    write_page(report.html(), path)
    return path


@pytest.fixture(params=["page", "comparison", "of_sets"])
def any_page(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_says_nothing_and_asks_for_nothing(
    browser: Browser, any_page: Path, width: int, scheme: Any
) -> None:
    browser.open(any_page, width=width, scheme=scheme)
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.value("window.innerWidth") == width
    assert browser.said == []
    assert browser.requested == [any_page.as_uri()]
    dark = browser.value("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    ratio, text = browser.value(CONTRAST)
    assert ratio >= 4.5, text


def test_no_text_of_the_data_ran(browser: Browser, any_page: Path) -> None:
    browser.open(any_page)
    assert browser.value("document.title") == EVIL
    assert browser.value("document.scripts.length + document.images.length") == 0
    assert browser.value("document.body.innerText.includes('<script>document.title')")


def test_a_script_that_got_past_the_escaping_would_not_run(
    browser: Browser, any_page: Path, tmp_path: Path
) -> None:
    opened = tmp_path / "opened.html"
    opened.write_text(any_page.read_text("utf-8").replace("</main>", f"{EVIL}</main>"), "utf-8")
    browser.open(opened)
    assert browser.value("document.scripts.length") == 1
    assert browser.value("document.title") != "RAN"
    assert any("Content Security Policy" in one for one in browser.said)


def test_on_paper_it_is_light_and_nothing_is_cut_off(
    browser: Browser, any_page: Path, tmp_path: Path
) -> None:
    browser.open(any_page, width=720, scheme="dark", media="print")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = (
        "[...document.querySelectorAll('.scroll')].filter(e => getComputedStyle(e).overflowX != 'visible')"
    )
    assert browser.value(f"{hidden}.length") == 0
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
