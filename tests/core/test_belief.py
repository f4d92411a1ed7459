"""Belief that means what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.core.belief import Belief, calibration_error, corrected, reliability, tempered
from textgraft.core.scores import Scores, scores_from_dense

TEMPERATURES, FLOORS = st.floats(0.05, 20), st.floats(0, 0.5)


def _dense(seed: int, n: int = 20, c: int = 6) -> Scores:
    belief = np.random.default_rng(seed).dirichlet(np.full(c, 0.3), size=n)
    return scores_from_dense(belief, belief.max(axis=1))


def test_powers_worked_by_hand() -> None:
    # the roots of 0.64 and 0.36 are 0.8 and 0.6; a tenth is shared by four classes
    found = tempered(np.array([[0.64, 0.36]]), 2.0, 0.1, 4)
    assert np.allclose(found, [[0.9 * 0.8 / 1.4 + 0.025, 0.9 * 0.6 / 1.4 + 0.025]])


@given(st.integers(0, 99), TEMPERATURES, FLOORS)
def test_corrected_belief_is_belief_in_the_same_order(seed: int, temperature: float, floor: float) -> None:
    scores = _dense(seed)
    found = corrected(scores, Belief(temperature, floor, rows=1))
    assert np.array_equal(found.codes, scores.codes)
    assert np.array_equal(found.confidence, scores.confidence)
    assert np.allclose(found.by_class.sum(axis=1), 1)
    assert (np.diff(found.values, axis=1) <= 1e-12).all()
    assert (found.values >= floor / 6 - 1e-12).all()


def test_classes_that_are_not_listed_share_the_floor() -> None:
    scores = Scores(np.array([[2, -1], [0, 3]]), np.array([[1.0, 0.0], [0.5, 0.5]]), np.ones(2), 5)
    found = corrected(scores, Belief(3.0, 0.1, rows=1)).by_class
    assert np.allclose(found, [[0.02, 0.02, 0.92, 0.02, 0.02], [0.47, 0.02, 0.02, 0.47, 0.02]])


def test_without_rows_belief_stays() -> None:
    scores = _dense(0)
    assert corrected(scores, Belief()) is scores
    assert "method's own" in Belief().sentence()


def test_what_was_done_is_said() -> None:
    said = Belief(1.25, 0.004, 200, 0.0612, 0.0207).sentence()
    assert "200 held-out rows that the model did not learn from (temperature 1.25, 0.4 % spread" in said
    assert "0.061 before, 0.021 after" in said
    crossed = Belief(1.25, 0.004, 200, 0.0612, 0.0207, "cross-fit").sentence()
    assert "calibrated on 200 rows, each scored by a model that did not see it (temp" in crossed
    assert "held-out" not in crossed


def test_errors_counted_by_hand() -> None:
    belief = np.array([0.9, 0.92, 0.5, 0.52])
    correct = np.array([True, False, True, True])
    # two groups of two: |0.91 - 0.5| and |0.51 - 1|
    assert calibration_error(belief, correct) == pytest.approx((0.41 + 0.49) / 2)
    low, high = reliability(belief, correct)
    assert (low.rows, low.right, high.rows, high.right) == (2, 1.0, 2, 0.5)


def test_belief_of_1_belongs_to_the_last_group() -> None:
    (only,) = reliability(np.array([1.0, 0.99]), np.array([True, True]))
    assert only.rows == 2


def test_no_rows_have_no_error() -> None:
    assert calibration_error(np.empty(0), np.empty(0, dtype=bool)) == 0.0
    assert reliability(np.empty(0), np.empty(0, dtype=bool)) == ()
