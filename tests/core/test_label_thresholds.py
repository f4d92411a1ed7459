"""Thresholds of labels, fitted on held-out rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from textgraft.core.label_thresholds import (
    COMMON_ROWS,
    POOR_F1,
    best_threshold,
    decide_labels,
    fit_label_thresholds,
)
from textgraft.core.scores import keep_best, scores_of_labels

BELIEF = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
ROWS = st.lists(st.tuples(BELIEF, st.booleans()), min_size=1, max_size=40).filter(
    lambda rows: any(true and belief > 0 for belief, true in rows)
)


@given(ROWS)
def test_no_other_threshold_has_a_better_f1(rows):
    belief, true = np.array([b for b, _ in rows]), np.array([t for _, t in rows])
    threshold, f1 = best_threshold(belief, true)
    assert threshold > 0
    assert f1_score(true, belief >= threshold, zero_division=0.0) == pytest.approx(f1)
    others = [cut for cut in np.unique(belief) if cut > 0]
    assert f1 >= max(f1_score(true, belief >= cut, zero_division=0.0) for cut in others) - 1e-12


def test_a_threshold_lies_between_beliefs_that_were_seen():
    belief, true = np.array([0.9, 0.8, 0.4, 0.1]), np.array([True, True, False, False])
    assert best_threshold(belief, true) == (pytest.approx(0.6), 1.0)


def test_what_is_never_believed_is_never_claimed():
    zeros = np.zeros((30, 1))
    fitted = fit_label_thresholds(zeros, np.ones((30, 1)), "valid")
    assert fitted.values[0] > 0
    assert list(decide_labels(scores_of_labels(zeros[:1]), np.array(["a"], dtype=object), fitted)) == [()]


def _held_out(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A label told well at 0.3, one told well at 0.7, one that cannot be told, one of few rows."""
    random = np.random.default_rng(seed)
    true = random.random((n, 4)) < [0.3, 0.3, 0.0, 0.0]
    true[:5, 3] = True
    middle, noise = np.array([0.3, 0.7, 0.0, 0.5]), random.normal(0, 0.05, (n, 4))
    belief = np.clip(middle + noise + np.where(true, 0.2, -0.2), 0, 1)
    belief[:, 2] = 0.3 * random.random(n)
    # the least believed rows: whoever claims them all claims every other row too
    true[np.argsort(belief[:, 2])[:12], 2] = True
    return belief, true


def test_a_threshold_is_its_own_or_the_common_one_by_the_rows_of_the_label():
    belief, true = _held_out()
    found = fit_label_thresholds(belief, true, "held-out")
    assert found.common == best_threshold(belief.ravel(), true.ravel())[0]
    assert list(found.positives) == list(true.sum(axis=0))
    own = [best_threshold(belief[:, label], true[:, label])[0] for label in range(4)]
    for label in (0, 1):
        # more than a hundred rows have it
        assert found.values[label] == pytest.approx(own[label], abs=0.05)
    log_odds = [math.log(value / (1 - value)) for value in (found.common, own[3], found.values[3])]
    assert found.positives[3] == 5
    assert log_odds[2] == pytest.approx((COMMON_ROWS * log_odds[0] + 5 * log_odds[1]) / (COMMON_ROWS + 5))
    sentence = found.sentence()
    assert "400 held-out rows" in sentence
    assert "2 of 4 labels have fewer than 20" in sentence
    assert f"{found.common:.3g}" in sentence


def test_a_label_that_cannot_be_told_is_seldom_claimed():
    belief, true = _held_out()
    assert best_threshold(belief[:, 2], true[:, 2])[1] < POOR_F1
    found = fit_label_thresholds(belief, true, "held-out")
    assert (belief[:, 2] >= found.values[2]).sum() <= 1
    # also where it is believed more than others
    raised = belief.copy()
    raised[:, 2] += 0.65
    found = fit_label_thresholds(raised, true, "held-out")
    assert found.values[2] == raised[:, 2].max()


@given(ROWS, ROWS)
def test_thresholds_can_be_reached_and_lie_between_the_common_one_and_their_own(first, second):
    n = min(len(first), len(second))
    belief = np.array([[a[0], b[0]] for a, b in zip(first[:n], second[:n], strict=True)])
    true = np.array([[a[1], b[1]] for a, b in zip(first[:n], second[:n], strict=True)])
    found = fit_label_thresholds(belief, true, "valid")
    assert ((found.values > 0) & (found.values <= 1)).all()
    for label in range(2):
        if true[:, label].any() and found.common < 0.999:
            own, f1 = best_threshold(belief[:, label], true[:, label])
            low, high = sorted((own, found.common))
            assert f1 < POOR_F1 or max(low, 1e-6) - 1e-9 <= found.values[label] <= high + 2e-6
        elif not true[:, label].any():
            assert found.values[label] == found.common


def test_without_rows_or_labels_to_fit_on_the_middle_is_taken():
    for belief, true in ((np.empty((0, 2)), np.empty((0, 2))), (np.full((3, 2), 0.4), np.zeros((3, 2)))):
        found = fit_label_thresholds(belief, true, "none")
        assert list(found.values) == [0.5, 0.5]
        assert "no rows were held out" in found.sentence()


def test_belief_in_labels_is_never_spread_over_others():
    belief = np.array([[0.9, 0.8, 0.1], [0.0, 0.2, 0.0]])
    scores = scores_of_labels(belief)
    assert np.array_equal(scores.by_class, belief)
    assert list(scores.confidence) == [0.9, 0.2]
    assert keep_best(scores, 1).by_class.tolist() == [[0.9, 0, 0], [0, 0.2, 0]]
    assert np.array_equal(scores.some(np.array([1])).by_class, belief[1:])


def test_labels_are_answered_in_the_order_of_classes_and_a_blank_text_has_none():
    found = fit_label_thresholds(np.empty((0, 3)), np.empty((0, 3)), "none")
    scores = scores_of_labels(np.array([[0.6, 0.1, 0.9], [0.9, 0.9, 0.9]]), np.array([0.9, -1.0]))
    assert list(decide_labels(scores, np.array(["a", "b", "c"], dtype=object), found)) == [("a", "c"), ()]
