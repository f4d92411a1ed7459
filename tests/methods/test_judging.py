"""Belief corrected by held-out rows."""

from __future__ import annotations

import numpy as np
import pytest

from textgraft.core.belief import Belief, corrected
from textgraft.core.scores import Scores, scores_from_dense
from textgraft.methods.rejection.judging import FEWEST_ROWS, Judged, fit_belief, judge


def _told(n: int, c: int, too_sure: float, seed: int = 0) -> Judged:
    """Rows whose classes are drawn from a belief, which is then told too surely."""
    draw = np.random.default_rng(seed)
    true = draw.dirichlet(np.full(c, 0.5), size=n)
    codes = np.array([draw.choice(c, p=row) for row in true])
    told = true**too_sure
    told /= told.sum(axis=1, keepdims=True)
    return judge(scores_from_dense(told, told.max(axis=1)), codes)


@pytest.mark.parametrize(("too_sure", "c"), [(0.5, 5), (1.0, 5), (2.0, 5), (4.0, 5), (4.0, 20), (8.0, 20)])
def test_the_temperature_is_found_again(too_sure: float, c: int) -> None:
    belief = fit_belief(_told(20_000 if c == 5 else 5_000, c, too_sure), "held-out")
    assert belief.temperature == pytest.approx(too_sure, rel=0.06)
    assert belief.floor < 0.02
    assert belief.error_after is not None
    assert belief.error_after < 0.012
    assert belief.error_before is not None
    if too_sure != 1.0:
        assert belief.error_before > 4 * belief.error_after


def test_neighbours_that_all_agree_are_not_believed_without_doubt() -> None:
    n = 1_000
    codes = np.zeros(n, dtype=int)
    codes[:200] = 1
    sure = Scores(np.zeros((n, 1), dtype=int), np.ones((n, 1)), np.ones(n), 4)
    belief = fit_belief(judge(sure, codes), "held-out")
    # 80 % are right, so 1 - floor + floor / 4 is 0.8
    assert 1 - belief.floor * 3 / 4 == pytest.approx(0.8, abs=0.01)
    assert belief.error_before == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize("c", [2, 5])
def test_rows_that_are_all_right_are_no_certainty(c: int) -> None:
    n = 60
    told = np.full((n, c), 0.1 / (c - 1))
    told[:, 0] = 0.9
    judged = judge(scores_from_dense(told, told.max(axis=1)), np.zeros(n, dtype=int))
    belief = fit_belief(judged, "held-out")
    sure = Scores(np.array([[0]]), np.array([[1.0]]), np.ones(1), c)
    assert corrected(sure, belief).values[0, 0] == pytest.approx(1 - 1 / (n + 2))
    # an even chance between two classes is still near one, not 0.999
    unsure = Scores(np.array([[0, 1]]), np.array([[0.55, 0.45]]), np.ones(1), c)
    assert corrected(unsure, belief).values[0, 0] < 0.65


@pytest.mark.parametrize("n", [50, 100, 200])
def test_belief_that_is_right_loses_less_than_a_share_of_a_row_by_few_rows(n: int) -> None:
    """On average over draws, log loss on new rows grows by less than 1 / n; by 14 / n without the prior."""

    def drawn(n: int, seed: int) -> tuple[Scores, np.ndarray]:
        draw = np.random.default_rng(seed)
        sure = np.clip(draw.beta(30, 1, size=n), 0.4, 1 - 1e-6)
        told = np.stack([sure, (1 - sure) / 2, (1 - sure) / 2], axis=1)
        codes = (told.cumsum(axis=1) < draw.random((n, 1))).sum(axis=1)
        return scores_from_dense(told, sure), codes

    def loss(scores: Scores) -> float:
        return float(-np.log(scores.belief_in(codes)).mean())

    fresh, codes = drawn(20_000, 0)
    after = [loss(corrected(fresh, fit_belief(judge(*drawn(n, seed)), "held-out"))) for seed in range(1, 31)]
    assert np.mean(after) - loss(fresh) < 1 / n


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 2.0, 4.0])
def test_500_rows_hardly_feel_the_prior(too_sure: float) -> None:
    few = _told(500, 5, too_sure)
    often = few.some(np.tile(np.arange(500), 40))
    # from one draw of 500 rows to another the temperature varies by 5 to 6 %
    assert fit_belief(few, "held-out").temperature == pytest.approx(
        fit_belief(often, "held-out").temperature, rel=0.02
    )


def test_few_rows_say_nothing() -> None:
    assert fit_belief(_told(FEWEST_ROWS - 1, 3, 4.0), "held-out") == Belief()
    assert fit_belief(_told(FEWEST_ROWS, 3, 4.0), "held-out").rows == FEWEST_ROWS
