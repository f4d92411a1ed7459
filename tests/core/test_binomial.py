"""Statements about a rate from a count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from textgraft.core.binomial import lower_tail, rows_needed, upper_bound, wilson_interval


@given(st.integers(1, 3_000), st.floats(0, 1.2), st.floats(0.001, 0.999))
def test_the_tail_is_that_of_scipy(n: int, share: float, rate: float) -> None:
    errors = int(share * n)
    assert lower_tail(errors, n, rate) == pytest.approx(stats.binom.cdf(errors, n, rate), abs=1e-9)


@pytest.mark.parametrize(("errors", "n"), [(0, 10), (3, 59), (40, 1_000), (5_000, 100_000), (7, 7), (0, 1)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_bound_is_that_of_clopper_and_pearson(errors: int, n: int, confidence: float) -> None:
    expected = 1.0 if errors == n else stats.beta.ppf(confidence, errors + 1, n - errors)
    assert upper_bound(errors, n, confidence) == pytest.approx(expected, abs=1e-9)


def test_a_million_rows_are_counted_exactly() -> None:
    assert lower_tail(49_600, 1_000_000, 0.05) == pytest.approx(
        stats.binom.cdf(49_600, 10**6, 0.05), rel=1e-6
    )


# 0.95 ** 59 is the first below 0.05
@pytest.mark.parametrize(
    ("rate", "confidence", "errors", "n"), [(0.05, 0.95, 0, 59), (0.05, 0.95, 1, 93), (0.5, 0.5, 0, 1)]
)
def test_rows_needed_counted_by_hand(rate: float, confidence: float, errors: int, n: int) -> None:
    assert rows_needed(rate, confidence, errors) == n


@given(st.sampled_from([0.01, 0.05, 0.1, 0.3]), st.sampled_from([0.8, 0.9, 0.95, 0.99]), st.integers(0, 20))
def test_rows_needed_are_enough_and_no_more(rate: float, confidence: float, errors: int) -> None:
    n = rows_needed(rate, confidence, errors)
    assert stats.binom.cdf(errors, n, rate) <= 1 - confidence + 1e-12
    assert stats.binom.cdf(errors, n - 1, rate) > 1 - confidence - 1e-12


def test_no_error_has_no_tail() -> None:
    assert lower_tail(-1, 5, 0.1) == 0.0
    assert np.isclose(lower_tail(0, 5, 0.1), 0.9**5)


@given(st.integers(1, 5_000), st.floats(0, 1))
def test_the_interval_is_that_of_wilson(n: int, part: float) -> None:
    right = int(part * n)
    low, high = wilson_interval(right / n, n)
    expected = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    # 1.96 is the usual short form of the quantile
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-4)
    assert low <= right / n <= high
