"""Risk: few errors among accepted texts, at the promised rate; and a broken rule is caught."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from textgraft.core.binomial import lower_tail, rows_needed
from textgraft.core.held_out import HeldOut, held_out
from textgraft.core.risk import controlled_threshold, least_risk, rows_to_bear
from textgraft.core.rules import AtCoverage, AtRisk, parse_rule
from textgraft.core.thresholds import fit_threshold
from textgraft.errors import DataError, ParameterError

REDRAWS = 1_000

# errors by confidence u in (0, 1): rate base + slope (1 - u)^3, so risk is known exactly
SHAPES = {
    "good": (0.002, 0.2),
    "usual": (0.005, 0.5),
    "weak": (0.03, 0.5),
    "flat, just too bad": (0.0501, 0.0),
    "the surest worst, just too bad": (0.058, -0.03),
}


def _drawn(shape: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences (n,) and errors (n,)."""
    base, slope = SHAPES[shape]
    draw = np.random.default_rng(seed)
    confidence = draw.uniform(size=n)
    return confidence, draw.uniform(size=n) < base + slope * (1 - confidence) ** 3


def _true_risk(shape: str, threshold: float) -> float:
    """Errors among texts of at least that confidence: the mean of the rate over (threshold, 1)."""
    base, slope = SHAPES[shape]
    return base + slope * (1 - max(threshold, 0.0)) ** 3 / 4


def _broken(confidence: np.ndarray, wrong: np.ndarray, max_error: float) -> float | None:
    """The loosest threshold whose counted risk is low enough: what people do, and no guarantee."""
    order = np.argsort(-confidence)
    risk = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(risk <= max_error)
    return float(confidence[order[good[-1]]]) if len(good) else None


def _share_broken(shape: str, n: int, rule: str) -> float:
    """Share of redraws in which the true risk is above the promised 5 %."""
    broken = 0
    for seed in range(REDRAWS):
        confidence, wrong = _drawn(shape, n, seed)
        if rule == "broken":
            threshold = _broken(confidence, wrong, 0.05)
        else:
            threshold, _ = controlled_threshold(confidence, wrong, np.zeros(n, dtype=bool), 0.05, 0.95, seed)
        broken += threshold is not None and _true_risk(shape, threshold) > 0.05
    return broken / REDRAWS


# 95 % confidence may fail in 5 % of redraws; 1,000 of them count that to within 0.7 points (one deviation)
MOST_BROKEN = 0.05 + 3 * math.sqrt(0.05 * 0.95 / REDRAWS)


@pytest.mark.parametrize("n", [90, 130, 400, 2_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_promise_holds_at_the_promised_rate(shape: str, n: int) -> None:
    assert _share_broken(shape, n, "risk") <= MOST_BROKEN


def test_a_rule_that_only_counts_is_caught() -> None:
    assert _share_broken("usual", 400, "broken") > 0.3


def test_flawless_rows_are_never_refused_however_many_there_are() -> None:
    for n in range(59, 401):
        none = np.zeros(n, dtype=bool)
        confidence = np.random.default_rng(n).uniform(size=n)
        found, tested = controlled_threshold(confidence, none, none, 0.05, 0.95, seed=n)
        assert (found, tested.accepted) == (-math.inf, tested.rows)


def test_much_is_accepted_where_little_is_wrong() -> None:
    # the loosest cut with a true risk of 5 % accepts 71 %
    found = [
        controlled_threshold(*_drawn("usual", 5_000, seed), np.zeros(5_000, bool), 0.05, 0.95, seed)[0]
        for seed in range(20)
    ]
    assert np.mean([1.0 if cut is None else cut for cut in found]) < 0.37


def _rows(n: int, n_wrong: int, n_outside: int = 0) -> HeldOut:
    """The least sure are wrong; out-of-scope rows lie below them all."""
    confidence = np.linspace(0.5, 1.0, n)
    return held_out(confidence, np.arange(n) >= n_wrong, np.linspace(0.0, 0.4, n_outside), "held-out")


@pytest.mark.parametrize(
    ("n", "value"), [(59, -math.inf), (100, -math.inf), (400, -math.inf), (5_000, -math.inf)]
)
def test_without_any_error_nothing_is_rejected(n: int, value: float) -> None:
    threshold = fit_threshold(AtRisk(0.05), _rows(n, 0))
    assert threshold.value == value
    assert threshold.sentence().startswith(
        "Nothing is rejected: at most 5 % errors among accepted texts, with 95 % confid"
    )
    assert "none of them out of scope, so nothing is said of such texts" in threshold.sentence()


def test_out_of_scope_rows_are_errors_when_accepted() -> None:
    threshold = fit_threshold(AtRisk(0.05), _rows(1_000, 0, 300))
    assert 0.3 < threshold.value <= 0.55
    assert threshold.tested is not None
    assert 230 <= threshold.tested.outside <= 250
    assert f"from, {threshold.tested.outside} of them out of scope;" in threshold.sentence()
    assert threshold.guaranteed


def test_the_share_of_accepted_in_scope_rows_is_said() -> None:
    # ten of the rows out of scope lie above all others, the rest below them
    inside, outside = np.linspace(0.5, 0.6, 1_000), np.r_[np.full(10, 0.9), np.linspace(0.0, 0.4, 290)]
    threshold = fit_threshold(AtRisk(0.05), held_out(inside, np.ones(1_000, bool), outside, "held-out"))
    tested = threshold.tested
    assert tested is not None
    assert tested.accepted_outside == tested.wrong > 0
    assert tested.coverage == (tested.accepted - tested.wrong) / (tested.rows - tested.outside)
    said = f"{tested.accepted:,} of these are accepted ({100 * tested.coverage:.3g} % of those in scope), "
    assert said in threshold.sentence()
    # older models did not count it
    older = replace(threshold, tested=replace(tested, accepted_outside=None))
    assert f"{tested.accepted:,} of these are accepted, {tested.wrong} wrongly." in older.sentence()


def test_too_few_rows_are_refused_and_counted() -> None:
    with pytest.raises(
        DataError, match="needs at least 59 held-out rows, even if none is wrong, and 58 could be had"
    ):
        fit_threshold(AtRisk(0.05), _rows(58, 0))
    with pytest.raises(DataError, match="At most 1 % errors with 99 % confidence needs at least 459 held"):
        fit_threshold(AtRisk(0.01, 0.99), _rows(458, 0))


def test_everything_is_rejected_where_the_risk_cannot_be_had() -> None:
    confidence = np.linspace(0, 1, 600)
    rows = held_out(confidence, np.arange(600) % 4 > 0, np.empty(0), "held-out")
    threshold = fit_threshold(AtRisk(0.05), rows)
    assert threshold.value == math.inf
    sentence = threshold.sentence()
    assert sentence.startswith(
        "Every text is rejected: at most 5 % errors among accepted texts could not be shown"
    )
    assert threshold.least is not None
    assert 0.25 < threshold.least <= 0.45
    assert f"risk:{threshold.least:g} could be promised" in sentence
    assert threshold.tested is not None
    needed = rows_needed(0.05, 0.95, threshold.tested.wrong)
    assert needed > threshold.tested.accepted
    assert f"so many can only be borne by {needed:,} accepted rows or more" in sentence
    # and what is said can be had is had
    assert fit_threshold(AtRisk(threshold.least), rows).value < math.inf


def test_so_many_errors_are_said_to_need_more_rows_than_were_accepted() -> None:
    # 38 errors among 1,000 rows pass where the whole level is at hand, and fail where half is kept
    assert rows_to_bear(38, 999, 0.05, 0.95) == rows_needed(0.05, 0.95, 38) <= 1_000
    assert rows_to_bear(38, 1_000, 0.05, 0.95) == rows_needed(0.05, 0.975, 38) > 1_000


def test_no_risk_can_be_had_of_a_guess() -> None:
    rows = held_out(np.linspace(0, 1, 600), np.arange(600) % 10 == 0, np.empty(0), "cross-fit")
    assert least_risk(rows.confidence, ~rows.correct, np.zeros(600, bool), 0.05, 0.95, 0) is None
    assert "no risk up to 50 % could be promised" in fit_threshold(AtRisk(0.05), rows).sentence()


def test_a_risk_that_could_be_promised_is_larger_than_the_one_asked_for() -> None:
    # of these rows 5 % can be shown, and 6 % not, whose thresholds lie elsewhere
    random = np.random.default_rng(115)
    confidence = random.random(600)
    rows = held_out(confidence, random.random(600) <= 0.5 + 0.5 * confidence**0.5, np.empty(0), "held-out")
    assert fit_threshold(AtRisk(0.05), rows).value < math.inf
    refused = fit_threshold(AtRisk(0.06), rows)
    assert refused.value == math.inf
    assert refused.least == 0.07


def test_cross_fitted_rows_estimate() -> None:
    rows = held_out(np.linspace(0, 1, 600), np.ones(600, dtype=bool), np.empty(0), "cross-fit", 3)
    threshold = fit_threshold(AtRisk(0.05), rows)
    assert not threshold.guaranteed
    assert "as far as 480 rows, each scored by a model that did not see it, " in threshold.sentence()
    assert "an estimate, not a guarantee" in threshold.sentence()
    assert "3 classes of a single row could not be held out" in threshold.sentence()


def test_the_test_is_exact() -> None:
    for n_wrong in range(12):
        rows = _rows(110, n_wrong)
        passes = lower_tail(n_wrong, 110, 0.05) <= 0.05
        assert (fit_threshold(AtRisk(0.05), rows).value == -math.inf) == passes


def test_one_seed_gives_one_threshold() -> None:
    confidence, wrong = _drawn("usual", 2_000, 0)
    rows = held_out(confidence, ~wrong, np.empty(0), "valid")
    assert fit_threshold(AtRisk(0.05), rows, 3) == fit_threshold(AtRisk(0.05), rows, 3)


def test_equal_confidences_are_accepted_together() -> None:
    rows = held_out(np.full(500, 0.7), np.arange(500) >= 3, np.empty(0), "held-out")
    threshold = fit_threshold(AtRisk(0.05), rows)
    assert threshold.tested is not None
    assert threshold.tested.accepted == threshold.tested.rows


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("risk:0.05", AtRisk(0.05)),
        ("risk:0.1:0.9", AtRisk(0.1, 0.9)),
        (" risk:0.05:0.95 ", AtRisk(0.05, 0.95)),
    ],
)
def test_a_risk_is_read_and_written(text: str, rule: AtRisk) -> None:
    assert parse_rule(text) == rule
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        "risk",
        "risk:",
        "risk:x",
        "risk:0.05:0.9:1",
        "risk:0",
        "risk:1",
        "risk:0.05:1",
        "risk:0.05:0.4",
        "coverage:0.9:0.9",
        "none:1",
    ],
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_rule(text)


def test_a_coverage_needs_no_judgement() -> None:
    assert fit_threshold(AtCoverage(0.9), HeldOut(np.arange(99.0), source="valid")).value == 9.0
