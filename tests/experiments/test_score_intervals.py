"""Intervals hold what they are said to hold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

import textgraft as tg
from textgraft.experiments.score_intervals import macro_f1_draws, macro_f1_interval, share_interval


def test_one_draw_of_macro_f1_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    truth, said = draw.choice(list("abcd"), 60).astype(object), draw.choice(list("abcd"), 60).astype(object)
    said[:7] = tg.REJECTED
    rows = np.random.default_rng(5).integers(0, 60, 60)
    present = sorted({*truth[rows], *said[rows]} - {tg.REJECTED})
    expected = f1_score(truth[rows], said[rows], labels=present, average="macro", zero_division=0)
    assert macro_f1_draws(truth, said, seed=5, draws=1) == pytest.approx([expected])


def test_intervals_of_macro_f1_hold_what_many_more_rows_show() -> None:
    draw = np.random.default_rng(0)

    def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
        truth = draw.choice(list("abc"), n, p=[0.5, 0.3, 0.2])
        return truth.astype(object), np.where(draw.random(n) < 0.7, truth, "a").astype(object)

    truth, said = rows(200_000)
    many = f1_score(truth, said, average="macro")
    intervals = [macro_f1_interval(*rows(150), seed=seed, draws=200) or (2, 2) for seed in range(100)]
    # 88 of a hundred hold it with near certainty, and hardly all would if they were too wide
    assert 88 <= sum(low <= many <= high for low, high in intervals) <= 99


def test_the_same_seed_gives_the_same_interval() -> None:
    truth, said = np.array(list("aabb"), dtype=object), np.array(list("abbb"), dtype=object)
    assert macro_f1_interval(truth, said, 1) == macro_f1_interval(truth, said, 1)
    assert macro_f1_interval(truth, said, 1) is not None


def test_draws_that_agree_show_no_interval() -> None:
    truth = np.array(list("aabb"), dtype=object)
    rejected = np.full(4, tg.REJECTED, dtype=object)
    assert macro_f1_draws(truth, truth, 1).tolist() == [1.0] * 1_000
    assert macro_f1_draws(truth, rejected, 1).tolist() == [0.0] * 1_000
    assert macro_f1_interval(truth, truth, 1) is None


def test_no_rows_have_no_interval() -> None:
    assert share_interval(np.array([], dtype=bool)) is None
    assert share_interval(np.array([True])) == pytest.approx((0.2065, 1.0), abs=1e-3)
