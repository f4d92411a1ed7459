"""Intervals hold what they are said to hold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score, roc_curve

import textgraft as tg
from textgraft.experiments.score_intervals import (
    macro_f1_draws,
    macro_f1_interval,
    micro_f1_draws,
    share_interval,
)
from textgraft.experiments.separation import separation, separation_draws


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


def test_micro_f1_of_drawn_rows_is_that_of_rows_drawn_one_by_one() -> None:
    draw = np.random.default_rng(0)
    kept = draw.random(80) < 0.8
    right = kept & (draw.random(80) < 0.7)
    one_by_one = []
    for _ in range(4_000):
        rows = draw.integers(0, 80, 80)
        one_by_one.append(2 * right[rows].sum() / (kept[rows].sum() + 80))
    found = micro_f1_draws(right, kept, seed=1, draws=4_000)
    levels = (0.025, 0.25, 0.5, 0.75, 0.975)
    assert np.quantile(found, levels) == pytest.approx(np.quantile(one_by_one, levels), abs=0.012)


def confidences(n: int, m: int, ties: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    inside, outside = draw.normal(1, 1, n), draw.normal(0, 1, m)
    return (inside.round(), outside.round()) if ties else (inside, outside)


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (20, 3), (37, 60)])
def test_separation_is_that_of_scikit_learn(n: int, m: int, ties: bool) -> None:
    inside, outside = confidences(n, m, ties, n)
    positive = np.arange(n + m) < n
    every = np.concatenate([inside, outside])
    fpr, tpr, _ = roc_curve(positive, every, drop_intermediate=False)
    expected = roc_auc_score(positive, every), fpr[np.argmax(tpr >= 0.95)]
    assert separation(inside, outside) == pytest.approx(expected)


@pytest.mark.parametrize("measure", [0, 1])
def test_intervals_of_separation_hold_what_many_more_rows_show(measure: int) -> None:
    many = separation(*confidences(200_000, 200_000, False, 0))[measure]
    held = 0
    for seed in range(1, 101):
        drawn = separation_draws(*confidences(200, 150, False, seed), seed, 200)[:, measure]
        low, high = np.quantile(drawn, (0.025, 0.975))
        held += low <= many <= high
    assert 88 <= held <= 99
