"""Belief in several labels corrected by held-out rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit, logit

from textgraft.core.label_belief import label_calibration_error, log_odds
from textgraft.methods.rejection import label_judging
from textgraft.methods.rejection.judging import FEWEST_ROWS
from textgraft.methods.rejection.label_judging import fit_label_belief

Rows = tuple[np.ndarray, np.ndarray]


def _told(n: int, c: int, too_sure: float, shift: float, seed: int = 0) -> Rows:
    """Labels drawn from a belief, which is then told too surely and shifted."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-1.5, 2.0, (n, c))
    return expit((odds - shift) * too_sure), (draw.random((n, c)) < expit(odds)).astype(np.int64)


@pytest.mark.parametrize(("too_sure", "shift"), [(0.5, 1.0), (1.0, 0.0), (3.0, -1.0), (3.0, 2.0)])
def test_temperature_and_shift_are_found_again(too_sure: float, shift: float) -> None:
    belief = fit_label_belief(*_told(4_000, 5, too_sure, shift), "held-out")
    assert belief.temperature == pytest.approx(too_sure, rel=0.06)
    assert belief.shift == pytest.approx(shift, abs=0.08)
    assert belief.floor < 0.02
    assert (belief.rows, belief.source) == (4_000, "held-out")
    assert belief.error_after is not None
    assert belief.error_after < 0.015
    if (too_sure, shift) != (1.0, 0.0):
        assert belief.error_before is not None
        assert belief.error_before > 4 * belief.error_after


def test_errors_at_random_make_a_floor() -> None:
    told, true = _told(4_000, 5, 1.0, 0.0)
    draw = np.random.default_rng(1)
    usual = true.mean(axis=0)
    lost = draw.random(true.shape) < 0.2
    belief = fit_label_belief(told, np.where(lost, draw.random(true.shape) < usual, true), "held-out")
    assert belief.floor == pytest.approx(0.2, abs=0.03)
    assert belief.temperature == pytest.approx(1.0, abs=0.1)


def test_other_rows_are_believed_as_they_are() -> None:
    belief = fit_label_belief(*_told(300, 8, 4.0, -1.0), "held-out")
    others, true = _told(3_000, 8, 4.0, -1.0, seed=1)
    before, after = (label_calibration_error(one, true) for one in (others, belief.corrected(others)))
    assert before is not None
    assert after is not None
    assert before > 0.12
    assert after < 0.04


@pytest.mark.parametrize("n", [60, 200])
def test_rows_that_are_all_right_are_no_certainty(n: int) -> None:
    true = np.random.default_rng(0).random((n, 4)) < 0.3
    belief = fit_label_belief(np.where(true, 0.9, 0.05), true.astype(int), "held-out")
    sure = belief.corrected(np.array([[1.0] * 4, [0.0] * 4]))
    assert sure[0].max() < 1 - 0.5 / (n + 2)
    assert sure[1].min() > 0
    # an even chance is still near one
    assert 0.4 < belief.corrected(np.full((1, 4), 0.5)).min() < 0.75


def test_votes_that_all_agree_are_doubted() -> None:
    draw = np.random.default_rng(0)
    votes = (draw.random((1_000, 3)) < 0.3).astype(float)
    true = np.where(draw.random((1_000, 3)) < 0.2, 1 - votes, votes).astype(int)
    sure = fit_label_belief(votes, true, "held-out").corrected(np.array([[0.0] * 3, [1.0] * 3]))
    assert sure[1] == pytest.approx(np.full(3, 0.8), abs=0.06)
    assert sure[0] == pytest.approx(np.full(3, 0.2), abs=0.06)


def test_too_few_rows_or_no_label_at_all_correct_nothing() -> None:
    told, true = _told(FEWEST_ROWS - 1, 3, 2.0, 0.0)
    assert fit_label_belief(told, true, "held-out").corrected(told) is told
    told, true = _told(FEWEST_ROWS, 3, 2.0, 0.0)
    assert fit_label_belief(told, np.zeros_like(true), "held-out").rows == 0
    assert fit_label_belief(told, true, "held-out").rows == FEWEST_ROWS


def test_the_slope_is_that_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    found = label_judging.minimize

    def spy(surprise: object, start: np.ndarray, **others: object) -> object:
        seen.append(surprise)
        return found(surprise, start, **others)

    monkeypatch.setattr(label_judging, "minimize", spy)
    told, true = _told(80, 4, 2.0, 1.0)
    fit_label_belief(told, true, "held-out")
    for point in ([0.0, 0.0, -5.0], [0.7, -1.0, 0.5], [-0.5, 2.0, -1.0]):
        error = check_grad(lambda at: seen[0](at)[0], lambda at: seen[0](at)[1], np.array(point))
        assert error < 1e-5


def test_rows_in_between_are_left_out_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    told, true = _told(4_000, 5, 2.0, 1.0)
    monkeypatch.setattr(label_judging, "MOST_PAIRS", 5_000)
    belief = fit_label_belief(told, true, "held-out")
    few = fit_label_belief(told[::4], true[::4], "held-out")
    assert belief.temperature == pytest.approx(few.temperature, rel=0.02)
    assert belief.shift == pytest.approx(few.shift, abs=0.02)
    assert belief.rows == 4_000


def test_log_odds_are_those_of_scipy() -> None:
    some = np.array([1e-6, 0.25, 0.5, 0.999])
    assert log_odds(some) == pytest.approx(logit(some))
