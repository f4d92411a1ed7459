"""Kept words keep their vectors; new ones start at the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import ParameterError
from textgraft.text.vocabulary_transfer import transfer_vocabulary

WORDS = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=20, unique=True)


@given(WORDS, WORDS)
def test_kept_words_keep_their_vectors_and_new_ones_are_the_mean(old: list[str], new: list[str]) -> None:
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(len(old), 3)).astype(np.float32)
    bias = draw.normal(size=len(old)).astype(np.float32)
    before = matrix.copy()
    moved = transfer_vocabulary(old, matrix, new, bias)
    assert moved.matrix.shape == (len(new), 3)
    assert moved.matrix.dtype == matrix.dtype
    assert moved.bias is not None
    assert moved.bias.shape == (len(new),)
    for row, word in enumerate(new):
        at = old.index(word) if word in old else None
        expected = matrix.mean(axis=0) if at is None else matrix[at]
        assert moved.matrix[row] == pytest.approx(expected, abs=1e-6)
        assert moved.bias[row] == pytest.approx(bias.mean() if at is None else bias[at], abs=1e-6)
    assert (moved.kept, moved.new) == (len(set(old) & set(new)), len(set(new) - set(old)))
    assert (matrix == before).all()


def test_the_same_words_give_the_same_matrix() -> None:
    matrix = np.arange(6.0).reshape(3, 2)
    moved = transfer_vocabulary(["a", "b", "c"], matrix, ["a", "b", "c"])
    assert (moved.matrix == matrix).all()
    assert moved.bias is None
    assert not np.shares_memory(moved.matrix, matrix)


def test_the_mean_of_many_half_numbers_is_finite() -> None:
    matrix = np.full((60_000, 1), 2.0, dtype=np.float16)
    moved = transfer_vocabulary([str(n) for n in range(60_000)], matrix, ["new"])
    assert moved.matrix.tolist() == [[2.0]]
    assert moved.matrix.dtype == np.float16


def test_no_new_words_give_no_rows() -> None:
    moved = transfer_vocabulary(["a"], np.ones((1, 4)), [])
    assert moved.matrix.shape == (0, 4)
    assert (moved.kept, moved.new) == (0, 0)


def test_shapes_that_do_not_fit_are_refused_at_once() -> None:
    with pytest.raises(
        ParameterError, match=r"matrix \(2, d\), found \(3, 4\); expected a bias \(2,\), found \(1,\)"
    ):
        transfer_vocabulary(["a", "b"], np.ones((3, 4)), ["a"], np.ones(1))
    with pytest.raises(ParameterError, match="found none"):
        transfer_vocabulary([], np.ones((0, 4)), ["a"])
