"""Splits: shares, seeds, and classes of a single row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.core.splits import fold_numbers, holdout_rows

CODES = st.lists(st.integers(0, 6), max_size=60).map(lambda codes: np.array(codes, dtype=np.int64))


@given(CODES, st.floats(0, 0.5), st.integers(0, 5))
def test_every_class_keeps_a_row_and_gives_its_share(codes: np.ndarray, share: float, seed: int) -> None:
    held = holdout_rows(codes, share, seed)
    for code in np.unique(codes):
        rows = codes == code
        assert (rows & ~held).sum() >= 1
        assert (held & rows).sum() <= np.ceil(share * rows.sum())
        assert (held & rows).sum() >= min(np.floor(share * rows.sum()), rows.sum() - 1)


def test_single_row_classes_are_never_held_out() -> None:
    codes = np.r_[np.zeros(100, np.int64), np.arange(1, 50)]
    for seed in range(20):
        assert not holdout_rows(codes, 0.5, seed)[100:].any()
        assert (fold_numbers(codes, 5, seed)[100:] == -1).all()


@pytest.mark.parametrize("size", [2, 3, 7])
def test_many_small_classes_give_the_share_asked_for(size: int) -> None:
    codes = np.repeat(np.arange(3_000), size)
    assert holdout_rows(codes, 0.1, 0).mean() == pytest.approx(0.1, abs=0.01)


def test_large_classes_give_exactly_their_share() -> None:
    held = holdout_rows(np.repeat([0, 1], [100, 50]), 0.2, 3)
    assert (held[:100].sum(), held[100:].sum()) == (20, 10)


def test_the_seed_decides_and_nothing_else() -> None:
    codes = np.repeat(np.arange(5), 20)
    assert np.array_equal(holdout_rows(codes, 0.3, 1), holdout_rows(codes, 0.3, 1))
    assert not np.array_equal(holdout_rows(codes, 0.3, 1), holdout_rows(codes, 0.3, 2))
    assert np.array_equal(fold_numbers(codes, 5, 1), fold_numbers(codes, 5, 1))
    assert not np.array_equal(fold_numbers(codes, 5, 1), fold_numbers(codes, 5, 2))


@given(CODES, st.integers(2, 6), st.integers(0, 5))
def test_folds_spread_every_class_and_leave_each_learnable(
    codes: np.ndarray, n_folds: int, seed: int
) -> None:
    folds = fold_numbers(codes, n_folds, seed)
    assert folds.shape == codes.shape
    assert (folds < n_folds).all()
    sizes = np.bincount(folds[folds >= 0], minlength=n_folds)
    assert sizes.max(initial=0) - sizes.min(initial=len(codes)) <= 1 or not len(codes)
    for code in np.unique(codes):
        mine = folds[codes == code]
        if len(mine) == 1:
            assert mine[0] == -1
            continue
        counts = np.bincount(mine, minlength=n_folds)
        assert counts.max() - counts.min() <= 1
        assert counts.max() < len(mine)


def test_no_rows_are_no_split() -> None:
    nothing = np.empty(0, np.int64)
    assert holdout_rows(nothing, 0.2, 0).shape == (0,)
    assert fold_numbers(nothing, 5, 0).shape == (0,)
