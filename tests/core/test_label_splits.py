"""Splits of rows with several labels: every label has its share in every part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textgraft.core.label_splits import dealt_parts
from textgraft.core.splits import fold_numbers, holdout_rows

TARGETS = arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 6)), elements=st.integers(0, 1))


def _skewed(n: int, seed: int) -> np.ndarray:
    """Labels of very different frequency, some of which come together."""
    random = np.random.default_rng(seed)
    targets = (random.random((n, 5)) < [0.6, 0.2, 0.05, 0.02, 0.01]).astype(np.uint8)
    targets[:, 3] &= targets[:, 0]
    return targets


@pytest.mark.parametrize("seed", range(3))
def test_every_fold_has_its_share_of_every_label(seed):
    targets = _skewed(1_000, seed)
    folds = fold_numbers(targets, 5, seed)
    by_fold = np.array([targets[folds == fold].sum(axis=0) for fold in range(5)])
    # a plain random split is off by several times as much
    assert (abs(by_fold - targets.sum(axis=0) / 5) <= np.maximum(2, 0.02 * targets.sum(axis=0))).all()
    sizes = np.bincount(folds, minlength=5)
    assert sizes.min() >= 180
    assert sizes.sum() == 1_000


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_share_of_every_label_is_held_out(share):
    targets = _skewed(1_000, 7)
    held = holdout_rows(targets, share, 0)
    assert held.mean() == pytest.approx(share, abs=0.03)
    assert np.allclose(targets[held].sum(axis=0), share * targets.sum(axis=0), atol=2.5)


@given(TARGETS, st.sampled_from([0.1, 0.4, 0.5]), st.integers(0, 3))
def test_every_label_is_left_to_learn_from(targets, share, seed):
    held = holdout_rows(targets, share, seed)
    assert not held.all()
    assert np.array_equal(targets[~held].any(axis=0), targets.any(axis=0))
    assert np.array_equal(held, holdout_rows(targets, share, seed))


@given(TARGETS, st.integers(0, 3))
def test_every_row_is_dealt_and_the_seed_decides(targets, seed):
    folds = dealt_parts(targets, np.full(5, 0.2), seed)
    assert ((folds >= 0) & (folds < 5)).all()
    assert np.array_equal(folds, dealt_parts(targets, np.full(5, 0.2), seed))


def test_rows_of_no_label_are_spread_too():
    folds = dealt_parts(np.zeros((50, 2), dtype=np.uint8), np.full(5, 0.2), 0)
    assert list(np.bincount(folds)) == [10] * 5
