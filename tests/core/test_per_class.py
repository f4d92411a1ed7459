"""Rules that look at each class by itself: thresholds of their own where rows are enough."""

from __future__ import annotations

import math

import numpy as np
import pytest

from textgraft.core.decision import accepted, decide
from textgraft.core.held_out import HeldOut, held_out
from textgraft.core.rules import AtCoverage, AtRisk, AtSimilarity, parse_rule
from textgraft.core.scores import scores_from_dense
from textgraft.core.thresholds import fit_threshold
from textgraft.errors import DataError, ParameterError

EASY, HARD, RARE = 0, 1, 2


def _rows(seed: int, n: tuple[int, int, int] = (600, 600, 15)) -> HeldOut:
    """Rows taken for an easy class, a hard one, and one of few rows; the hard one is wrong more often."""
    random = np.random.default_rng(seed)
    best = np.repeat([EASY, HARD, RARE], n)
    confidence = random.beta(np.where(best == HARD, 3, 8), 2)
    wrong = random.random(len(best)) < np.where(best == HARD, 0.5, 0.02) * (1 - confidence)
    return held_out(
        confidence, ~wrong, np.empty(0), "held-out", best=best, outside_best=np.empty(0, dtype=np.int64)
    )


REDRAWS = 1_000


def _hard_truth() -> tuple[np.ndarray, np.ndarray]:
    """Of very many rows taken for the hard class: confidences (n,), ascending, and the risk from each on."""
    truth = _rows(10_000, (10, 200_000, 10)).of(np.array([HARD]))
    n_above = np.arange(len(truth.confidence), 0, -1)
    return truth.confidence, np.cumsum(~truth.correct[::-1])[::-1] / n_above


def test_each_large_class_keeps_the_promise_of_risk_and_one_threshold_for_all_does_not() -> None:
    confidence, risk = _hard_truth()

    def broken(seed: int, *, per_class: bool) -> bool:
        threshold = fit_threshold(AtRisk(0.05, 0.9, per_class=per_class), _rows(seed), seed)
        first = int(np.searchsorted(confidence, threshold.cuts(np.array([HARD]))[0]))
        return first < len(risk) and float(risk[first]) > 0.05

    # 10 % of the draws may break it
    share = np.mean([broken(seed, per_class=True) for seed in range(REDRAWS)])
    assert share <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / REDRAWS)
    assert np.mean([broken(seed, per_class=False) for seed in range(100)]) > 0.5


def test_each_large_class_keeps_the_share_of_texts_asked_for() -> None:
    truth = _rows(10_000, (100_000, 100_000, 10))
    own = {code: truth.of(np.array([code])).confidence for code in (EASY, HARD)}
    kept = {EASY: [], HARD: []}
    for seed in range(REDRAWS):
        cuts = fit_threshold(AtCoverage(0.9, per_class=True), _rows(seed)).cuts(np.array([EASY, HARD]))
        for code, cut in zip(kept, cuts, strict=True):
            kept[code].append(1 - np.searchsorted(own[code], cut) / len(own[code]))
    for shares in kept.values():
        # the redraws and the truth each add their noise
        assert np.mean(shares) == pytest.approx(0.9, abs=0.004)
    common = fit_threshold(AtCoverage(0.9), _rows(0)).value
    assert (own[HARD] >= common).mean() < 0.85


def test_small_classes_share_a_threshold_and_the_sentence_says_so() -> None:
    rows = _rows(1)
    threshold = fit_threshold(AtCoverage(0.9, per_class=True), rows)
    assert [one.code for one in threshold.by_class] == [EASY, HARD]
    assert threshold.value == fit_threshold(AtCoverage(0.9), rows.of(np.array([RARE]))).value
    assert threshold.cuts(np.array([RARE, HARD, EASY, RARE])).tolist() == [
        threshold.value, threshold.by_class[1].value, threshold.by_class[0].value, threshold.value,
    ]  # fmt: skip
    sentence = threshold.sentence()
    assert sentence.startswith(
        "By held-out rows that the model did not learn from, each of 2 classes that 600 of them or more were "
    )
    assert "at least 90 % of the in-scope texts taken for it are kept" in sentence
    assert "For all other classes together: A text is rejected when its confidence is below" in sentence


def test_what_cannot_be_shown_of_a_class_rejects_its_texts_alone() -> None:
    rows = _rows(2)
    hopeless = HeldOut(rows.confidence, rows.correct & (rows.best != HARD), source="held-out", best=rows.best)
    threshold = fit_threshold(AtRisk(0.05, per_class=True), hopeless)
    assert threshold.cuts(np.array([HARD]))[0] == math.inf
    assert threshold.cuts(np.array([EASY]))[0] < 1
    # 15 rows cannot show 5 % of anything
    assert threshold.value == math.inf
    assert "texts taken for 1 of them are all rejected" in threshold.sentence()
    assert (
        "needs at least 59 held-out rows that the model did not learn from, and only 15 were taken for them"
        in threshold.sentence()
    )


def test_out_of_scope_rows_are_errors_of_the_class_they_look_like() -> None:
    random = np.random.default_rng(0)
    rows = held_out(
        random.random(800), np.ones(800, dtype=bool), random.random(100), "held-out",
        best=np.arange(800) % 2, outside_best=np.zeros(100, dtype=np.int64),
    )  # fmt: skip
    threshold = fit_threshold(AtRisk(0.05, per_class=True), rows)
    own = {one.code: one for one in threshold.by_class}
    assert own[0].value == math.inf
    assert own[1].value == -math.inf
    assert own[0].n_held_out == 500


def test_a_class_that_mostly_out_of_scope_rows_look_like_has_too_few_for_a_coverage_of_its_own() -> None:
    random = np.random.default_rng(0)
    rows = held_out(
        random.uniform(0.5, 1, 340), np.ones(340, dtype=bool), random.uniform(0, 0.3, 60), "cross-fit",
        best=np.repeat([0, 1, 2], [300, 10, 30]), outside_best=np.ones(60, dtype=np.int64),
    )  # fmt: skip
    threshold = fit_threshold(AtCoverage(0.95, per_class=True), rows)
    assert [one.code for one in threshold.by_class] == [0]
    # classes 1 and 2 have rows enough together
    assert threshold.n_held_out == 40
    assert (rows.outside < threshold.cuts(rows.outside_best)).all()
    assert "each of 1 class that 300 of them" in threshold.sentence()
    assert "held-out" not in threshold.sentence()
    # to a risk they count
    assert [one.code for one in fit_threshold(AtRisk(0.05, per_class=True), rows).by_class] == [0]
    assert rows.taken_for(outside=True) == {0: 300, 1: 70, 2: 30}


def test_decisions_go_by_the_class_a_text_is_taken_for() -> None:
    belief = np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.2, 0.8]])
    scores = scores_from_dense(belief, np.array([0.5, 0.5, 0.3, 0.3]))
    rows = _rows(3)
    threshold = fit_threshold(AtCoverage(0.9, per_class=True), rows)
    cuts = threshold.cuts(scores.best)
    assert (accepted(scores, threshold) == (scores.confidence >= cuts)).all()
    labels = decide(scores, np.array(["easy", "hard"], dtype=object), threshold)
    assert ((labels == "<rejected>") == (scores.confidence < cuts)).all()


def test_rules_are_named_and_read() -> None:
    for text, rule in (
        ("coverage:0.9:per-class", AtCoverage(0.9, per_class=True)),
        ("risk:0.05:0.95:per-class", AtRisk(0.05, per_class=True)),
    ):
        assert parse_rule(text) == rule
        assert str(rule) == text
    assert parse_rule("risk:0.05:per-class") == AtRisk(0.05, per_class=True)
    for text in ("similarity:0.5:per-class", "per-class", "none:per-class", "coverage:per-class"):
        with pytest.raises(ParameterError, match="may end in ':per-class'"):
            parse_rule(text)
    assert fit_threshold(AtSimilarity(0.5), HeldOut()).cuts(np.array([0, 1])).tolist() == [0.5, 0.5]


def test_too_few_rows_in_all_are_refused() -> None:
    with pytest.raises(DataError, match="needs at least 59 held-out rows"):
        fit_threshold(AtRisk(0.05, per_class=True), _rows(0, (20, 20, 10)))
