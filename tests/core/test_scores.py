"""Scores: the same belief dense and sparse, in blocks and whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from textgraft.core.scores import (
    Scores,
    checked_scores,
    join_scores,
    scatter_scores,
    scores_from_dense,
    scores_of_labels,
)
from textgraft.errors import WeightsError

BELIEF = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(0, 1)
)


@given(BELIEF)
def test_dense_belief_comes_back_unchanged(belief: np.ndarray) -> None:
    scores = scores_from_dense(belief, belief.max(axis=1))
    assert np.array_equal(scores.by_class, belief)
    assert np.array_equal(scores.best, belief.argmax(axis=1))
    assert (np.diff(scores.values, axis=1) <= 0).all()


def test_unused_places_believe_nothing() -> None:
    scores = Scores(np.array([[2, -1], [0, 1]]), np.array([[1.0, 0.0], [0.7, 0.3]]), np.ones(2), 4)
    assert np.array_equal(scores.by_class, [[0, 0, 1, 0], [0.7, 0.3, 0, 0]])


@given(BELIEF, st.integers(0, 8))
def test_blocks_joined_are_the_whole(belief: np.ndarray, cut: int) -> None:
    whole = scores_from_dense(belief, belief.max(axis=1))
    parts = [scores_from_dense(part, part.max(axis=1)) for part in (belief[:cut], belief[cut:]) if len(part)]
    joined = join_scores(parts, belief.shape[1])
    assert np.array_equal(joined.by_class, whole.by_class)
    assert np.array_equal(joined.confidence, whole.confidence)


def test_blocks_of_different_width_join() -> None:
    narrow = Scores(np.array([[1]]), np.array([[1.0]]), np.array([0.5]), 3)
    wide = Scores(np.array([[2, 0]]), np.array([[0.6, 0.4]]), np.array([0.9]), 3)
    joined = join_scores([narrow, wide], 3)
    assert np.array_equal(joined.codes, [[1, -1], [2, 0]])
    assert np.array_equal(joined.by_class, [[0, 1, 0], [0.4, 0, 0.6]])


def test_no_blocks_are_no_rows() -> None:
    empty = join_scores([], 5)
    assert len(empty) == 0
    assert empty.by_class.shape == (0, 5)
    assert empty.best.shape == (0,)


def test_rows_without_content_are_of_the_usual_class_with_the_lowest_confidence() -> None:
    scores = scores_from_dense(np.array([[0.2, 0.8]]), np.array([0.8]))
    spread = scatter_scores(scores, np.array([1]), 3, usual=1)
    assert np.allclose(spread.by_class, [[0, 1], [0.2, 0.8], [0, 1]])
    assert np.array_equal(spread.confidence, [-1, 0.8, -1])
    assert np.array_equal(spread.best, [1, 1, 1])


@pytest.mark.parametrize("width", [1, 2, 3])
def test_belief_in_a_row_without_content_is_1(width: int) -> None:
    nothing = Scores(np.empty((0, width), np.int64), np.empty((0, width)), np.empty(0), 3)
    spread = scatter_scores(nothing, np.empty(0, np.int64), 2, usual=1)
    assert np.array_equal(spread.values.sum(axis=1), [1, 1])
    assert np.array_equal(spread.best, [1, 1])


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_no_finite_number_is_refused_and_counted(number: float) -> None:
    belief, confidence = np.full((5, 2), 0.5), np.full(5, 0.7)
    sound = scores_from_dense(belief, confidence)
    assert checked_scores(sound, "knn") is sound
    confidence[[1, 4]] = number
    with pytest.raises(WeightsError, match="method knn, found others for 2 of 5 texts, the first number 2"):
        checked_scores(scores_from_dense(belief, confidence), "knn")
    belief[2] = number
    with pytest.raises(WeightsError, match="method tfidf, found others for 1 of 5 texts, the first number 3"):
        checked_scores(scores_of_labels(belief, np.zeros(5)), "tfidf")
