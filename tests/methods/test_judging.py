"""Belief corrected by held-out rows."""

from __future__ import annotations

import numpy as np
import pytest

from textgraft.core.belief import Belief
from textgraft.core.scores import Scores, scores_from_dense
from textgraft.methods.judging import FEWEST_ROWS, Judged, fit_belief, judge


def _told(n: int, c: int, too_sure: float, seed: int = 0) -> Judged:
    """Rows whose classes are drawn from a belief, which is then told too surely."""
    draw = np.random.default_rng(seed)
    true = draw.dirichlet(np.full(c, 0.5), size=n)
    codes = np.array([draw.choice(c, p=row) for row in true])
    told = true**too_sure
    told /= told.sum(axis=1, keepdims=True)
    return judge(scores_from_dense(told, told.max(axis=1)), codes)


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_is_found_again(too_sure: float) -> None:
    belief = fit_belief(_told(20_000, 5, too_sure), "held-out")
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


def test_few_rows_say_nothing() -> None:
    assert fit_belief(_told(FEWEST_ROWS - 1, 3, 4.0), "held-out") == Belief()
    assert fit_belief(_told(FEWEST_ROWS, 3, 4.0), "held-out").rows == FEWEST_ROWS
