"""The HTML report: what it says is what was measured, and no data can break or run anything in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pages
import textgraft as tg
from pages import EVIL, Page
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.answers import answers_to
from textgraft.experiments.confusions import confusions
from textgraft.experiments.report.evaluation import EvaluationReport, evaluation_report
from textgraft.experiments.report.origin import Origin, origin_of
from textgraft.experiments.report.page import TEMPLATES, check_page, write_page
from textgraft.experiments.risk_coverage import risk_coverage
from textgraft.experiments.surest_errors import surest_errors
from textgraft.experiments.tables import printable

WORDS = {"fruit": "apple pear plum", "tool": "hammer saw drill", "bird": "robin crow eagle"}
ORIGIN = Origin("cards.model", (("test rows", "test.csv"),), "textgraft evaluate", "now", (("Python", "3"),))


def sound(report: EvaluationReport) -> Page:
    """The page of a report, checked."""
    return pages.sound(report.html(), tables=4)


def rows(n: int, draw: np.random.Generator) -> tuple[list[Any], list[Any]]:
    """Texts of three words of their class and one of any."""
    names = list(WORDS)
    labels = [names[row % 3] for row in range(n)]
    every = " ".join(WORDS.values()).split()
    texts = [" ".join([*draw.choice(WORDS[name].split(), 2), *draw.choice(every, 2)]) for name in labels]
    return texts, labels


@pytest.fixture(scope="module")
def classifier() -> tg.TextClassifier:
    texts, labels = rows(120, np.random.default_rng(0))
    return tg.LinearClassifier(encoder="hashing", reject=tg.AtSimilarity(0.5), oos_labels=["oos"]).fit(
        [*texts, texts[0], texts[1].upper()], [*labels, "bird", labels[1]]
    )


@pytest.fixture(scope="module")
def given_rows() -> tuple[list[Any], list[Any]]:
    texts, labels = rows(60, np.random.default_rng(1))
    return [*texts, "weather today", "who won the apple"], [*labels, "oos", "oos"]


def report_of(
    classifier: tg.TextClassifier, given: tuple[list[Any], list[Any]], **more: Any
) -> EvaluationReport:
    return evaluation_report(classifier, *given, origin=more.pop("origin", ORIGIN), **more)


def test_a_report_says_what_was_measured(classifier: tg.TextClassifier, given_rows: Any) -> None:
    report = report_of(classifier, given_rows)
    assert report.evaluation == tg.evaluate(classifier, *given_rows)
    page = sound(report)
    for one in report.evaluation.measures():
        assert one.value == "–" or f"{one.name.strip()} {one.value}" in page.text, one
    low, high = report.intervals["accuracy"] or (2, 2)
    assert low < report.evaluation.accuracy < high
    assert f"{100 * low:.1f} % to {100 * high:.1f} %" in page.text
    assert report.evaluation.threshold_sentence in page.text
    assert report.belief_sentence in page.text
    assert "Nobody looked" in page.text
    assert "What to label next" not in page.text
    assert report.training is None
    assert "learned from 122 rows" in page.text
    assert report.to_dict()["evaluation"] == report.evaluation.to_dict()


def test_the_curve_ends_at_no_rejection_and_holds_the_chosen_point(
    classifier: tg.TextClassifier, given_rows: Any
) -> None:
    answers = answers_to(classifier, *given_rows)
    found, curve = tg.evaluate(classifier, *given_rows), risk_coverage(answers)
    assert curve.points[-1].coverage == 1.0
    assert curve.points[-1].risk == pytest.approx(1 - found.accuracy_without_rejection)
    assert (curve.chosen.coverage, curve.chosen.risk_of_all) == (found.coverage, found.risk)
    assert curve.chosen.risk == pytest.approx(1 - (found.accuracy_of_accepted or 0))
    assert curve.at(found.coverage) == curve.chosen
    assert curve.points[0].coverage == pytest.approx(20 / 60)
    coverages = [point.coverage for point in curve.points]
    assert coverages == sorted(coverages)
    # the mean risk of the n surest rows, over n, counted one by one
    n, order = answers.n, np.argsort(-answers.scores.confidence[: answers.n], kind="stable")
    wrong = ~answers.best_is_right[order]
    if len(set(answers.scores.confidence[:n])) == n:
        assert curve.area == pytest.approx(np.mean(np.cumsum(wrong) / np.arange(1, n + 1)))


def test_confusions_add_up(classifier: tg.TextClassifier, given_rows: Any) -> None:
    answers = answers_to(classifier, *given_rows)
    found = confusions(answers)
    assert found.matrix is not None
    matrix = np.array(found.matrix)
    assert matrix.sum() == 60
    assert matrix.sum() - np.trace(matrix) == found.wrong == sum(pair.rows for pair in found.pairs) > 0
    for pair in found.pairs:
        assert matrix[found.classes.index(pair.truth), found.classes.index(pair.taken_for)] == pair.rows
        for text in pair.texts:
            assert given_rows[1][given_rows[0].index(text)] == pair.truth
    counts = [pair.rows for pair in found.pairs]
    assert counts == sorted(counts, reverse=True)


def test_the_surest_errors_come_first_with_their_neighbours(
    classifier: tg.TextClassifier, given_rows: Any
) -> None:
    answers = answers_to(classifier, *given_rows)
    found = surest_errors(classifier, answers)
    assert found.wrong == len(found.errors) > 1
    confidence = [one.confidence for one in found.errors]
    assert confidence == sorted(confidence, reverse=True)
    assert min(confidence) >= 0.5
    for one in found.errors:
        why = classifier.explain(one.text)
        assert (why.label, len(one.neighbours)) == (one.predicted, 3)
        assert one.predicted != one.truth
        assert [near.similarity for near in one.neighbours] == pytest.approx(
            [near.similarity for near in why.neighbours], abs=1e-5
        )
    assert len(surest_errors(classifier, answers, most=1).errors) == 1


def test_training_rows_are_looked_at(classifier: tg.TextClassifier, given_rows: Any) -> None:
    texts, labels = rows(120, np.random.default_rng(0))
    leaked = [texts[5], *given_rows[0]], [labels[5], *given_rows[1]]
    found = report_of(classifier, leaked)
    assert "so these scores flatter" in sound(found).text
    own = found.training_rows
    assert (own.given, own.rows, own.suspects) == (False, 122, None)
    assert (own.repeats.conflicts, own.repeats.near >= 1, own.leaks.exact >= 1) == (1, True, True)
    given = report_of(classifier, leaked, train=(texts, labels))
    assert given.training_rows.given
    assert given.training_rows.suspects is not None
    assert "Five models" not in sound(given).text
    asked = report_of(classifier, leaked, suspects=True)
    assert asked.training_rows.suspects is not None
    assert report_of(classifier, leaked, train=(texts, labels), suspects=False).training_rows.suspects is None


def test_what_to_label_next_is_shown_where_there_are_texts(
    classifier: tg.TextClassifier, given_rows: Any
) -> None:
    report = report_of(classifier, given_rows, unlabelled=["apple saw", "robin drill", "pear crow"], n_next=2)
    assert report.next is not None
    page = sound(report)
    assert all(one.text in page.text for one in report.next.wanted)
    assert "What to label next" in page.text


def test_a_trained_network_shows_its_plan_and_losses(tiny_models: Any) -> None:
    texts, labels = rows(12, np.random.default_rng(0))
    trained = tg.FinetuneClassifier(encoder=str(tiny_models("bert")), epochs=2, holdout=0.0).fit(
        texts, labels
    )
    report = report_of(trained, (texts, labels))
    assert report.training is not None
    page = sound(report)
    for phase in report.training.plan.phases:
        assert phase.name in page.text
    assert "Loss by epoch" in page.text
    assert len(report.training.reports) >= 1


# ── data that means harm, and data that is odd ──────────────────────────────────────


def test_no_text_label_or_name_is_anything_but_text() -> None:
    names = [EVIL + "_&_", "أدوات <b>", "{{ 7 * 7 }}", '" onmouseover="x', "x" * 300]
    draw = np.random.default_rng(0)
    labels = [names[row % 5] for row in range(100)]
    texts = [f"w{row % 5} w{draw.integers(5)} v{draw.integers(5)}" for row in range(100)]
    texts[:5] = [EVIL, "مرحبا", "\0\x1b[31m\ud800 w2 \u202e", "{% raw %} w3", "]]> --> </title></style> w4"]
    clf = tg.LinearClassifier(encoder="hashing").fit(texts, labels)
    origin = origin_of(EVIL, [(EVIL, "\udce4" + EVIL)], f"textgraft {EVIL}")
    given = texts[:5] * 2 + texts[5:60], [names[0]] * 5 + labels[:5] + labels[5:60]
    report = report_of(
        clf, given, origin=origin, train=(texts, labels), unlabelled=[EVIL + " w1", "w1 w2 w3"]
    )
    page = sound(report)
    assert page.text.count(EVIL) > 5
    assert "_<wbr>&amp;_<wbr>" in report.html()
    assert "{{ 7 * 7 }}" in page.text
    assert 'dir="auto"' in report.html()


def test_long_texts_are_cut_and_the_page_stays_small(classifier: tg.TextClassifier) -> None:
    texts, labels = rows(30, np.random.default_rng(1))
    texts[:3] = ["apple " * 200_000, "x" * 1_000_000, "saw\n" * 300_000]
    report = report_of(classifier, (texts, ["bird"] * 3 + labels[3:]))
    assert len(report.html()) < 150_000
    assert "…" in sound(report).text


def test_five_hundred_classes_are_told_by_pairs() -> None:
    labels = [f"class {row % 500}" for row in range(1_000)]
    texts = [f"w{row % 500} w{row % 7}" for row in range(1_000)]
    clf = tg.KNNClassifier(encoder="hashing", k=1).fit(texts, labels)
    report = report_of(clf, ([f"w{row} w{row + 1}" for row in range(500)], labels[:500]))
    assert report.confusions.matrix is None
    assert len(report.worst_classes) == 100
    page = sound(report)
    assert "would be too large to read: only pairs are shown" in page.text
    assert "The 100 classes with the lowest F1 of 500" in page.text
    assert len(report.html()) < 200_000


def test_a_report_of_nothing_but_rejections(classifier: tg.TextClassifier, given_rows: Any) -> None:
    strict = tg.LinearClassifier(encoder="hashing", reject=tg.AtSimilarity(1.0)).fit(
        *rows(60, np.random.default_rng(2))
    )
    report = report_of(strict, given_rows, oos_labels=["oos"])
    assert report.evaluation.coverage == 0
    page = sound(report)
    assert "Every row was rejected, so nothing wrong was said." in page.text
    assert "rejects every in-scope text" in page.text
    assert report.intervals["risk"] is None


def test_a_report_without_a_single_error(classifier: tg.TextClassifier) -> None:
    texts, labels = ["apple pear plum", "hammer saw drill"], ["fruit", "tool"]
    report = report_of(classifier, (texts, labels))
    page = sound(report)
    assert "No class was taken for another" in page.text
    assert "None of 2 accepted rows got a wrong label" in page.text
    assert report.likeness is None
    assert report.training_rows.leaks.exact == 0
    assert "scores flatter" not in page.text


def test_one_row_and_a_class_never_learned(classifier: tg.TextClassifier) -> None:
    page = sound(report_of(classifier, (["apple saw"], ["fish"])))
    assert "never learned" in page.text


def test_rows_that_cannot_test_are_refused(classifier: tg.TextClassifier) -> None:
    with pytest.raises(DataError, match=r"Expected labelled in-scope rows.* Add rows of classes"):
        report_of(classifier, (["what", "ever"], ["oos", "oos"]))


# ── the page itself ─────────────────────────────────────────────────────────────────


def test_a_file_that_cannot_be_written_is_refused_early(tmp_path: Path) -> None:
    for bad, why in (
        (tmp_path / "r.pdf", "ending in .html"),
        (tmp_path / "none" / "r.html", "there is no folder"),
        (tmp_path, "ending in .html"),
    ):
        with pytest.raises(ParameterError, match=why):
            check_page(bad)
    (tmp_path / "d.html").mkdir()
    with pytest.raises(ParameterError, match="it is a folder"):
        write_page("x", tmp_path / "d.html")
    with pytest.raises(ParameterError, match="Cannot write"):
        write_page("x", tmp_path / ("x" * 300 + ".html"))
    write_page("ä", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_bytes() == "ä".encode()


def test_every_template_comes_with_the_package() -> None:
    import tomllib

    data = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = data["tool"]["setuptools"]["package-data"]["textgraft"]
    package = Path(tg.__file__).parent
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    assert {path for path in TEMPLATES.iterdir() if path.is_file()} <= installed
    assert "jinja2>=3.1" in data["project"]["dependencies"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\tb\nc", "a\tb\nc"), ("\0\x1b", "␀␛"), ("\x9f\ud800é", "\ufffd\ufffdé"), ("\x7f", "␡")],
)
def test_what_a_page_cannot_hold_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown
