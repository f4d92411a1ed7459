"""Intervals: they cover what is true, and a difference knows what two methods have in common."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from textgraft.experiments.intervals import accuracy, macro_f1, resample


def _answers(random, truth, rate):
    wrong = random.random(len(truth)) > rate
    return np.where(wrong, (truth + 1) % 3, truth)


def test_measures_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 5, 200), random.integers(0, 7, 200)
    weights = random.integers(0, 3, 200).astype(float)
    rows = np.repeat(np.arange(200), weights.astype(int))
    assert accuracy(truth, predicted, weights) == pytest.approx(np.mean(truth[rows] == predicted[rows]))
    expected = f1_score(truth[rows], predicted[rows], average="macro")
    assert macro_f1(truth, predicted, weights) == pytest.approx(expected)


@pytest.mark.parametrize("same_rows", [False, True])
def test_intervals_cover_the_true_score_though_seeds_differ(same_rows):
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        shared = random.integers(0, 3, 100)
        truth = [shared if same_rows else random.integers(0, 3, 100) for _ in range(5)]
        answers = {
            seed: _answers(random, rows, 0.8 + random.normal(0, 0.02)) for seed, rows in enumerate(truth)
        }
        arm = ("m", "all")
        n_rows = 100 if same_rows else 500
        found = resample(truth, {arm: answers}, accuracy, same_rows=same_rows, n_rows=n_rows, n_draws=100)
        interval = found.contrast({arm: 1.0})
        covered += interval.low <= 0.8 <= interval.high
    assert covered >= 54


def test_a_difference_on_the_same_rows_is_known_better_than_either_score():
    random = np.random.default_rng(2)
    truth = [random.integers(0, 3, 300)]
    first = _answers(random, truth[0], 0.7)
    second = first.copy()
    second[:15] = truth[0][:15]
    arms = {("first", "all"): {0: first}, ("second", "all"): {0: second}}
    found = resample(truth, arms, accuracy, same_rows=True, n_rows=300)
    alone = found.contrast({("second", "all"): 1.0})
    both = found.contrast({("second", "all"): 1.0, ("first", "all"): -1.0})
    assert both.value == pytest.approx(np.mean(second == truth[0]) - np.mean(first == truth[0]))
    assert 0 <= both.low < both.value < both.high < 0.05
    assert both.half < alone.half / 2


def test_held_out_folds_may_differ_in_rows_and_are_drawn_each_by_itself():
    truth = [np.zeros(10, dtype=int), np.zeros(40, dtype=int)]
    half = {seed: np.arange(len(rows)) % 2 for seed, rows in enumerate(truth)}
    found = resample(truth, {("a", "8"): half}, accuracy, same_rows=False, n_rows=50)
    interval = found.contrast({("a", "8"): 1.0})
    assert interval.low < interval.value == 0.5 < interval.high


def test_a_method_that_failed_with_one_seed_is_compared_on_the_others():
    truth = [np.zeros(50, dtype=int)] * 3
    right, wrong = np.zeros(50, dtype=int), np.ones(50, dtype=int)
    arms = {("a", "8"): {0: right, 1: wrong, 2: wrong}, ("b", "8"): {0: right}}
    found = resample(truth, arms, accuracy, same_rows=True, n_rows=50)
    assert found.contrast({("a", "8"): 1.0}).value == pytest.approx(1 / 3)
    assert found.contrast({("a", "8"): 1.0, ("b", "8"): -1.0}).value == 0.0


@pytest.mark.parametrize("score", [accuracy, macro_f1])
def test_few_rows_that_are_all_right_are_no_certainty(score):
    truth = [np.array([0, 1, 2])] * 3
    right = dict(enumerate(truth))
    arms = {("a", "8"): right, ("a", "16"): right, ("b", "16"): right}
    found = resample(truth, arms, score, same_rows=False, n_rows=9)
    alone = found.contrast({("a", "8"): 1.0})
    assert (alone.value, alone.high) == (1.0, 1.0)
    # Wilson's interval for 9 of 9
    assert alone.low == pytest.approx(0.70, abs=0.005)
    beside = found.contrast({("a", "16"): 1.0, ("b", "16"): -1.0})
    assert (beside.value, beside.low, beside.high) == pytest.approx((0, -1 / 3, 1 / 3))
    # a doubling less a difference: a row can add to both
    over = found.contrast({("a", "16"): 1.5, ("a", "8"): -0.5, ("b", "16"): -1.0})
    assert (over.low, over.high) == pytest.approx((-0.5, 0.5))


def test_a_difference_on_all_rows_stays_within_what_can_be():
    truth = [np.zeros(4, dtype=int)]
    arms = {("a", "all"): {0: truth[0]}, ("b", "all"): {0: truth[0] + 1}}
    found = resample(truth, arms, accuracy, same_rows=True, n_rows=4)
    ahead = found.contrast({("a", "all"): 1.0, ("b", "all"): -1.0})
    assert (ahead.value, ahead.low, ahead.high) == pytest.approx((1, 0.25, 1))
