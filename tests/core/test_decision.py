"""Rejection: the coverage promise, and never more than the data can carry."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.core.decision import REJECTED, accepted, decide
from textgraft.core.held_out import HeldOut, Source, held_out
from textgraft.core.rules import AtCoverage, AtRisk, AtSimilarity, Rule, parse_rule
from textgraft.core.scores import scores_from_dense
from textgraft.core.thresholds import Threshold, fit_threshold
from textgraft.errors import DataError, ParameterError


def _rows(confidence: np.ndarray, source: Source, n_uncovered_classes: int = 0) -> HeldOut:
    right = np.ones(len(confidence), dtype=bool)
    return held_out(confidence, right, np.empty(0), source, n_uncovered_classes)


COVERAGES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])
CONFIDENCES = st.lists(st.floats(-1, 1), max_size=200).map(np.array)


@pytest.mark.parametrize(
    ("n", "value"),
    # hand-counted: the threshold is the floor(0.05 (n + 1))-th smallest of 1, 2, …, n
    [
        (18, -math.inf),
        (19, 1.0),
        (20, 1.0),
        (38, 1.0),
        (39, 2.0),
        (58, 2.0),
        (59, 3.0),
        (99, 5.0),
        (199, 10.0),
    ],
)
def test_thresholds_counted_by_hand(n: int, value: float) -> None:
    confidence = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    assert fit_threshold(AtCoverage(0.95), _rows(confidence, "held-out")).value == value


@pytest.mark.parametrize(
    ("coverage", "n", "rank"), [(0.9, 9, 1), (0.9, 8, 0), (0.8, 4, 1), (0.7, 9, 3), (0.99, 99, 1)]
)
def test_binary_rounding_loses_no_rank(coverage: float, n: int, rank: int) -> None:
    value = fit_threshold(AtCoverage(coverage), _rows(np.arange(1.0, n + 1), "held-out")).value
    assert value == (rank or -math.inf)


@given(CONFIDENCES, COVERAGES)
def test_no_more_calibration_rows_are_rejected_than_promised(confidence: np.ndarray, coverage: float) -> None:
    n = len(confidence)
    value = fit_threshold(AtCoverage(coverage), _rows(confidence, "held-out")).value
    allowed = math.floor(round((1 - coverage) * (n + 1), 9))
    assert (confidence < value).sum() <= max(0, allowed - 1)


@given(st.integers(1, 400), COVERAGES)
def test_the_rule_rejects_as_much_as_the_promise_allows(n: int, coverage: float) -> None:
    # without ties exactly rank - 1 rows lie below the threshold: no slack is given away
    value = fit_threshold(AtCoverage(coverage), _rows(np.arange(float(n)), "held-out")).value
    rank = math.floor(round((1 - coverage) * (n + 1), 9))
    assert (np.arange(n) < value).sum() == max(0, rank - 1)


@given(CONFIDENCES, COVERAGES)
def test_a_rule_asks_for_exactly_the_rows_it_needs(confidence: np.ndarray, coverage: float) -> None:
    rule = AtCoverage(coverage)
    value = fit_threshold(rule, _rows(confidence, "held-out")).value
    assert (value > -math.inf) == (len(confidence) >= rule.rows_needed)


@given(st.floats(0.01, 0.999))
def test_rows_needed_is_the_fewest(coverage: float) -> None:
    rule = AtCoverage(coverage)
    needed = rule.rows_needed
    assert fit_threshold(rule, _rows(np.arange(float(needed)), "held-out")).value > -math.inf
    if needed:
        assert fit_threshold(rule, _rows(np.arange(float(needed - 1)), "held-out")).value == -math.inf


@pytest.mark.parametrize(("coverage", "n"), [(0.95, 19), (0.95, 50), (0.9, 25), (0.8, 200)])
def test_coverage_holds_on_average_over_exchangeable_draws(coverage: float, n: int) -> None:
    random = np.random.default_rng(0)
    draws, new = 4_000, 50
    # coarse values too, so that ties occur
    sample = np.round(random.beta(5, 2, size=(draws, n + new)), 2)
    kept = np.array(
        [
            (row[n:] >= fit_threshold(AtCoverage(coverage), _rows(row[:n], "held-out")).value).mean()
            for row in sample
        ]
    )
    noise = 3 * kept.std() / math.sqrt(draws)
    assert kept.mean() >= coverage - noise
    # and it is no empty promise: what is kept is near what was asked for
    assert kept.mean() <= coverage + 1 / (n + 1) + 0.02 + noise


@pytest.mark.parametrize("n", [19, 40, 200])
def test_coverage_without_ties_is_the_exact_conformal_one(n: int) -> None:
    random = np.random.default_rng(1)
    sample = random.normal(size=(20_000, n + 1))
    kept = [row[n] >= fit_threshold(AtCoverage(0.95), _rows(row[:n], "held-out")).value for row in sample]
    exact = 1 - math.floor(round(0.05 * (n + 1), 9)) / (n + 1)
    assert np.mean(kept) == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / len(kept)))


def test_equal_confidences_are_all_kept() -> None:
    threshold = fit_threshold(AtCoverage(0.95), _rows(np.full(100, 0.7), "held-out"))
    assert threshold.value == 0.7
    scores = scores_from_dense(np.array([[0.6, 0.4]] * 3), np.array([0.7, np.nextafter(0.7, 0), 0.71]))
    assert list(accepted(scores, threshold)) == [True, False, True]


def test_too_few_rows_reject_nothing_and_say_so() -> None:
    threshold = fit_threshold(AtCoverage(0.95), _rows(np.array([0.1] * 18), "held-out"))
    assert threshold.value == -math.inf
    sentence = threshold.sentence()
    assert "Nothing is rejected" in sentence
    assert "at least 19" in sentence
    assert "18" in sentence
    assert "guarantee" not in sentence


@pytest.mark.parametrize(("source", "promised"), [("held-out", True), ("valid", True), ("cross-fit", False)])
def test_a_guarantee_is_stated_only_where_it_holds(source: str, promised: bool) -> None:
    threshold = fit_threshold(AtCoverage(0.9), _rows(np.arange(100.0), source))  # type: ignore[arg-type]
    assert threshold.guaranteed is promised
    assert ("finite-sample guarantee" in threshold.sentence()) is promised
    assert ("an estimate, not a guarantee" in threshold.sentence()) is not promised
    assert "100 " in threshold.sentence()
    assert "90 %" in threshold.sentence()


def test_a_fixed_cut_and_no_rule_promise_nothing() -> None:
    cut = fit_threshold(AtSimilarity(0.3), _rows(np.arange(5.0), "held-out"))
    assert (cut.value, cut.guaranteed, cut.n_held_out) == (0.3, False, 0)
    assert "without a guarantee" in cut.sentence()
    none = fit_threshold(None, _rows(np.arange(5.0), "held-out"))
    assert (none.value, none.guaranteed) == (-math.inf, False)
    assert "Nothing is rejected" in none.sentence()


@pytest.mark.parametrize("rule", [AtCoverage(0.4), AtRisk(0.05), AtCoverage(0.4, per_class=True)])
@pytest.mark.parametrize("inside", [True, False])
def test_a_confidence_that_is_no_number_fits_no_rule(rule: Rule, inside: bool) -> None:
    sound, broken = np.linspace(0, 1, 150), np.full(50, math.nan)
    rows = held_out(
        np.concatenate([sound, broken]) if inside else sound,
        np.ones(200 if inside else 150, dtype=bool),
        np.empty(0) if inside else broken,
        "held-out",
        best=np.zeros(200 if inside else 150, dtype=np.int64),
        outside_best=np.zeros(0 if inside else 50, dtype=np.int64),
    )
    with pytest.raises(DataError, match="found none for 50 of 200 rows"):
        fit_threshold(rule, rows)


def test_uncovered_classes_are_said() -> None:
    confidence = np.arange(100.0)
    assert (
        "7 classes of a single row"
        in fit_threshold(AtCoverage(0.9), _rows(confidence, "held-out", 7)).sentence()
    )
    one = fit_threshold(AtCoverage(0.9), _rows(confidence, "held-out", 1)).sentence()
    assert one.endswith("; 1 class of a single row could not be held out and is not covered.")
    assert "single row" not in fit_threshold(AtCoverage(0.9), _rows(confidence, "held-out", 0)).sentence()


def test_decide_gives_the_best_class_or_the_reserved_word() -> None:
    scores = scores_from_dense(np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]]), np.array([0.9, 0.2, 0.5]))
    classes = np.array(["a", "b"], dtype=object)
    labels = decide(scores, classes, Threshold(AtSimilarity(0.5), 0.5, 0, "none"))
    assert list(labels) == ["b", REJECTED, "a"]
    assert list(classes) == ["a", "b"]
    assert list(decide(scores, classes, fit_threshold(None, _rows(np.empty(0), "none")))) == ["b", "a", "a"]


@given(
    st.one_of(
        st.none(), COVERAGES.map(AtCoverage), st.integers(-100, 100).map(lambda n: AtSimilarity(n / 100))
    )
)
def test_a_rule_is_read_back_from_its_words(rule: Rule | None) -> None:
    assert parse_rule(str(rule or "none")) == rule


@pytest.mark.parametrize(
    "rule",
    [AtSimilarity(0.123456789), AtSimilarity(-1 / 3), AtCoverage(0.9999999), AtCoverage(1 / 3)],
    ids=str,
)
def test_a_rule_of_many_digits_is_read_back_exactly(rule: Rule) -> None:
    # a saved classifier keeps its rule as these words
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    "text", ["", "coverage", "coverage:", "coverage:x", "Coverage:0.9", "0.9", "none:1", "risky:0.05"]
)
def test_other_words_are_refused_and_shown(text: str) -> None:
    with pytest.raises(ParameterError, match="Expected a rejection rule") as caught:
        parse_rule(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, 95, math.nan, math.inf])
def test_a_coverage_lies_between_0_and_1(share: float) -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        AtCoverage(share)


@pytest.mark.parametrize("cut", [-1.01, 1.01, 85, math.nan, math.inf])
def test_a_similarity_lies_between_minus_1_and_1(cut: float) -> None:
    with pytest.raises(ParameterError, match="from -1 to 1"):
        AtSimilarity(cut)
