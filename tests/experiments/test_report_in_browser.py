"""The HTML report in a real browser; not run unless asked for: pytest -m browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from browser import Browser, chromium
from textgraft.experiments.report.evaluation import evaluation_report
from textgraft.experiments.report.origin import origin_of
from textgraft.experiments.report.page import write_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="chromium is not installed"),
]

EVIL = '<script>document.title="RAN"</script>'

CONTRAST = """
(() => {
  const light = rgb => {
    const [r, g, b] = rgb.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = colours => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  let worst = [99, ""];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, element = text.parentElement;
    if (!text.textContent.trim() || element.closest("title, desc, .skip, style")) continue;
    const below = [];
    for (let at = element; at; at = at.parentElement) below.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const ink = element.closest("svg") ? style.fill : style.color;
    const [a, b] = [light(over(below)), light(over([...below, ink]))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst[0]) worst = [ratio, text.textContent.trim().slice(0, 40)];
  }
  return worst;
})()
"""
"""The least contrast of any text with what lies below it, and that text (WCAG 2.2, 1.4.3)."""


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


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_says_nothing_and_asks_for_nothing(
    browser: Browser, page: Path, width: int, scheme: Any
) -> None:
    browser.open(page, width=width, scheme=scheme)
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.value("window.innerWidth") == width
    assert browser.said == []
    assert browser.requested == [page.as_uri()]
    dark = browser.value("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    ratio, text = browser.value(CONTRAST)
    assert ratio >= 4.5, text


def test_no_text_of_the_data_ran(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.value("document.title") == EVIL
    assert browser.value("document.scripts.length + document.images.length") == 0
    assert browser.value("document.body.innerText.includes('<script>document.title')")


def test_a_script_that_got_past_the_escaping_would_not_run(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    opened = tmp_path / "opened.html"
    opened.write_text(page.read_text("utf-8").replace("</main>", f"{EVIL}</main>"), "utf-8")
    browser.open(opened)
    assert browser.value("document.scripts.length") == 1
    assert browser.value("document.title") != "RAN"
    assert any("Content Security Policy" in one for one in browser.said)


def test_on_paper_it_is_light_and_nothing_is_cut_off(browser: Browser, page: Path, tmp_path: Path) -> None:
    browser.open(page, width=720, scheme="dark", media="print")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = (
        "[...document.querySelectorAll('.scroll')].filter(e => getComputedStyle(e).overflowX != 'visible')"
    )
    assert browser.value(f"{hidden}.length") == 0
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
