"""The HTML report on a classifier of several labels a text, and what it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, label_ranking_average_precision_score

import pages
import textgraft as tg
from pages import EVIL
from textgraft.core.label_thresholds import LabelThresholds
from textgraft.errors import DataError
from textgraft.experiments.label_answers import LabelAnswers, label_answers_to
from textgraft.experiments.label_intervals import label_score_intervals
from textgraft.experiments.label_slips import label_slips
from textgraft.experiments.report.origin import Origin
from textgraft.experiments.report.several_labels import LabelReport, label_report

WORDS = {"fruit": "apple pear plum", "tool": "hammer saw drill", "bird": "robin crow eagle"}
ORIGIN = Origin("cards.model", (), "textgraft evaluate", "now", (("Python", "3"),))


def rows(n: int, draw: np.random.Generator, wrong: float = 0.0) -> tuple[list[str], list[list[str]]]:
    """Texts of words of their labels, perhaps none, and a word of any."""
    names, every = list(WORDS), " ".join(WORDS.values()).split()
    labels = [[name for name in names if draw.random() < 0.4] for _ in range(n)]
    texts = [
        " ".join([word for name in has for word in draw.choice(WORDS[name].split(), 2)] + ["some", "thing"])
        for has in labels
    ]
    texts = [f"{text} {draw.choice(every)}" if draw.random() < wrong else text for text in texts]
    return texts, labels


@pytest.fixture(scope="module")
def classifier() -> tg.TextClassifier:
    return tg.TfidfClassifier(oos_labels=["oos"]).fit(*rows(150, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def test_rows() -> tuple[list[str], list[list[str]]]:
    texts, labels = rows(80, np.random.default_rng(1), wrong=0.4)
    return [*texts, "who won", "a robin sings"], [*labels, ["oos"], ["bird", "song"]]


@pytest.fixture(scope="module")
def report(classifier: tg.TextClassifier, test_rows: Any) -> LabelReport:
    return label_report(classifier, *test_rows, origin=ORIGIN)


def answers_of(true: Any, belief: Any, threshold: float = 0.5) -> LabelAnswers:
    """Answers about texts "0", "1" … over labels a, b …, all of them learned."""
    from textgraft.core.label_sets import check_label_sets

    true, belief = np.array(true, dtype=bool), np.array(belief, dtype=float)
    names = np.array(list("abcdefgh"[: true.shape[1]]), dtype=object)
    thresholds = LabelThresholds(
        np.full(len(names), threshold), np.full(len(names), 9), threshold, 9, "valid"
    )
    examples = check_label_sets([str(row) for row in range(len(true))], [names[has] for has in true])
    outside = np.zeros((0, len(names)), dtype=bool)
    return LabelAnswers(examples, names, thresholds, true, belief >= threshold, belief, None, outside)


class Witness:
    """Names no training text."""

    def nearest(self, texts: Any, k: int = 3, watch: Any = None) -> Any:
        return tuple(() for _ in texts)


# ── the page ────────────────────────────────────────────────────────────────────────


def test_the_page_says_what_was_measured(
    report: LabelReport, classifier: tg.TextClassifier, test_rows: Any
) -> None:
    found = tg.evaluate(classifier, *test_rows)
    assert report.evaluation == found
    page = pages.sound(report.html(), tables=4)
    for one in found.measures():
        assert one.value in page.text, one
        assert one.meaning in page.text, one
    assert found.threshold_sentence in page.text
    assert "several labels a text" in page.text
    assert "song" in page.text
    assert "never learned" in page.text
    assert "Suspicious" not in page.text
    assert report.to_dict()["evaluation"] == found.to_dict()
    low, high = report.intervals["micro_f1"] or (2, 2)
    assert f"{low:.3f} to {high:.3f}" in page.text


def test_texts_and_labels_of_the_data_stay_text(tmp_path: Path) -> None:
    texts = [f"{EVIL} apple", "saw drill", f"{EVIL} saw apple", "pear"] * 10
    labels = [[EVIL], ["tool"], [EVIL, "tool"], []] * 10
    clf = tg.TfidfClassifier().fit(texts, labels)
    page = pages.sound(label_report(clf, texts, [*labels[1:], labels[0]], origin=ORIGIN).html(), tables=4)
    assert EVIL in page.text
    assert not page.tags["script"]


def test_without_an_error_the_page_says_so(classifier: tg.TextClassifier) -> None:
    report = label_report(classifier, ["hammer saw some thing"], [["tool"]], origin=ORIGIN)
    page = pages.sound(report.html(), tables=3)
    assert report.slips.wrong == 0
    assert "Each of 1 row was given exactly its labels." in page.text
    assert "No text lacks one of its labels" in page.text
    assert report.intervals["micro_f1"] is None


def test_of_a_network_it_shows_the_training(tiny_bert_knowing: Any) -> None:
    texts, labels = rows(40, np.random.default_rng(0))
    folder = str(tiny_bert_knowing(sorted({word for text in texts for word in text.split()})))
    clf = tg.FinetuneClassifier(folder, epochs=2, batch_size=16).fit(texts, labels)
    page = pages.sound(label_report(clf, texts, labels, origin=ORIGIN).html(), tables=5)
    assert "Loss by epoch" in page.text


def test_a_model_of_one_label_is_refused() -> None:
    clf = tg.TfidfClassifier().fit(["apple", "saw"] * 5, ["fruit", "tool"] * 5)
    with pytest.raises(DataError, match="one label a text"):
        label_report(clf, ["apple"], [["fruit"]], origin=ORIGIN)


# ── training rows ───────────────────────────────────────────────────────────────────


def test_copies_contradictions_and_leaks_are_those_of_sets(classifier: tg.TextClassifier) -> None:
    train = (
        ["apple pie", "apple pie", "Apple pie!", "saw", "saw"],
        [["fruit"], ["fruit"], ["fruit"], ["tool"], ["tool", "bird"]],
    )
    report = label_report(
        classifier, ["SAW", "pear", "apple pie"], [["tool"], ["fruit"], ["new"]], origin=ORIGIN, train=train
    )
    found = report.training_rows
    assert (found.given, found.rows, found.classes) == (True, 5, 3)
    assert (found.repeats.exact, found.repeats.near, found.repeats.conflicts) == (1, 1, 1)
    assert found.repeats.examples[0].labels == ("bird, tool", "tool")
    assert (found.leaks.exact, found.leaks.near, found.leaks.unseen_labels) == (1, 1, ("new",))
    page = pages.sound(report.html(), tables=4)
    assert "stands under several sets of labels" in page.text
    assert "these scores flatter" in page.text


def test_without_a_file_the_rows_are_those_that_the_model_keeps(report: LabelReport) -> None:
    assert (report.training_rows.given, report.training_rows.rows) == (False, report.n_learned)


# ── errors ──────────────────────────────────────────────────────────────────────────


def test_labels_given_for_others_and_the_surest_errors() -> None:
    answers = answers_of(
        [[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]],
        [[0.1, 0.6, 0.0], [0.4, 0.9, 0.8], [0.0, 0.9, 0.0], [0.9, 0.45, 0.1], [0.2, 0.2, 0.54]],
    )
    found = label_slips(Witness(), answers)
    assert (found.rows, found.wrong, found.n_slips) == (5, 4, 2)
    assert [(one.missed, one.given, one.rows, one.texts) for one in found.slips] == [
        ("a", "b", 2, ("1", "0")),
        ("a", "c", 1, ("1",)),
    ]
    # by the largest distance from 0.5 on the wrong side: 0.4, 0.4, 0.05, 0.04
    assert [error.text for error in found.errors] == ["0", "1", "3", "4"]
    second = found.errors[1]
    assert second.truth == ("a",)
    assert [(one.name, one.belief) for one in second.added] == [("b", 0.9), ("c", 0.8)]
    assert [(one.name, one.threshold) for one in second.missed] == [("a", 0.5)]
    assert [one.text for one in label_slips(Witness(), answers, most=2).errors] == ["0", "1"]


def test_a_label_that_was_never_learned_is_no_sure_error(
    classifier: tg.TextClassifier, test_rows: Any
) -> None:
    answers = label_answers_to(classifier, *test_rows)
    assert answers.unseen == ["song"]
    found = label_slips(classifier, answers, most=10**6)
    (error,) = (one for one in found.errors if one.text == "a robin sings")
    assert [(one.name, one.belief, one.threshold) for one in error.missed] == [("song", 0.0, 0.0)]
    assert all(len(one.neighbours) == 3 for one in found.errors)


# ── intervals ───────────────────────────────────────────────────────────────────────


def test_intervals_hold_the_scores_and_narrow_with_rows() -> None:
    draw = np.random.default_rng(0)
    widths = []
    for n in (100, 1_600):
        true = draw.random((n, 3)) < 0.4
        belief = np.clip(true * 0.5 + draw.random((n, 3)) * 0.6, 0, 1)
        answers = answers_of(true, belief)
        found = label_score_intervals(answers, 0, draws=300)
        scores = {
            "micro_f1": f1_score(true, answers.given, average="micro"),
            "macro_f1": f1_score(true, answers.given, average="macro"),
            "hamming_loss": (true != answers.given).mean(),
            "subset_accuracy": (true == answers.given).all(axis=1).mean(),
            "lrap": label_ranking_average_precision_score(true[true.any(1)], belief[true.any(1)]),
            "without_label": (~true.any(axis=1)).mean(),
        }
        for name, value in scores.items():
            low, high = found[name] or (2, 2)
            assert low < value < high, name
        assert found["out_of_scope_without_label"] is None
        low, high = found["micro_f1"] or (2, 2)
        widths.append(high - low)
    # four times the rows halve an interval
    assert 2.5 < widths[0] / widths[1] < 6.5


def test_ranking_precision_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    true, belief = draw.random((50, 4)) < 0.4, draw.integers(0, 4, (50, 4)) / 4
    rows = true.any(axis=1)
    found = answers_of(true, belief).ranking_precision
    each = [
        label_ranking_average_precision_score(t[None], b[None])
        for t, b in zip(true[rows], belief[rows], strict=True)
    ]
    assert found == pytest.approx(np.array(each))
    assert not len(answers_of([[1], [0]], [[0.2], [0.7]]).ranking_precision)
