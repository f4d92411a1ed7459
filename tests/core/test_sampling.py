"""Pairs drawn from class codes: never of the wrong kind, for every row, in linear time."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from textgraft.core.sampling import NOBODY, ClassRows, drawn_rows, hard_negatives

CODES = st.lists(st.integers(-3, 4), min_size=1, max_size=30).map(np.array)
SEEDS = st.integers(0, 1_000)


@given(CODES, SEEDS)
def test_a_mate_is_another_row_of_the_same_class(codes: np.ndarray, seed: int) -> None:
    classes, rows = ClassRows(codes), np.arange(len(codes))
    mates = classes.mates(rows, 4, np.random.default_rng(seed))
    assert mates.shape == (len(codes), 4)
    for row, found in zip(rows, mates, strict=True):
        alone = (codes == codes[row]).sum() == 1
        assert classes.has_mate[row] == (not alone)
        assert all(mate == NOBODY for mate in found) if alone else True
        assert alone or all(codes[mate] == codes[row] and mate not in (row, NOBODY) for mate in found)


@given(CODES, SEEDS)
def test_a_stranger_is_never_of_the_same_class(codes: np.ndarray, seed: int) -> None:
    strangers = ClassRows(codes).strangers(np.arange(len(codes)), 4, np.random.default_rng(seed))
    for code, found in zip(codes, strangers, strict=True):
        only = (codes == code).all()
        assert all(row == NOBODY for row in found) if only else all(codes[row] != code for row in found)


@given(CODES, SEEDS, st.integers(1, 6), st.integers(1, 8))
def test_a_hard_negative_is_never_of_the_same_class(codes: np.ndarray, seed: int, n: int, k: int) -> None:
    draw, rows = np.random.default_rng(seed), np.arange(len(codes))
    nearest = draw.integers(NOBODY, len(codes), (len(codes), k))
    found = hard_negatives(ClassRows(codes), rows, nearest, n, draw)
    assert found.shape == (len(codes), n)
    for code, some in zip(codes, found, strict=True):
        assert (codes == code).all() or all(row != NOBODY and codes[row] != code for row in some)


@given(CODES, SEEDS)
def test_every_row_with_a_mate_gets_one_and_the_same_seed_the_same(codes: np.ndarray, seed: int) -> None:
    classes, rows = ClassRows(codes), np.arange(len(codes))
    first, again = (classes.mates(rows, 2, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal((first != NOBODY).all(axis=1), classes.has_mate)


def test_all_mates_and_all_strangers_are_as_likely() -> None:
    codes = np.array([0, 1, 0, 2, 0, 1])
    classes, draw = ClassRows(codes), np.random.default_rng(0)
    mates = classes.mates(np.array([2]), 8_000, draw)[0]
    assert np.allclose(np.bincount(mates, minlength=6) / 8_000, [0.5, 0, 0, 0, 0.5, 0], atol=0.03)
    strangers = classes.strangers(np.array([5]), 8_000, draw)[0]
    assert np.allclose(np.bincount(strangers, minlength=6) / 8_000, [0.25, 0, 0.25, 0.25, 0.25, 0], atol=0.03)


def test_hard_negatives_come_from_the_nearest_while_there_are_enough() -> None:
    classes = ClassRows(np.array([0, 0, 1, 2, 3, 4, 5, 6]))
    found = hard_negatives(classes, np.array([0]), np.array([[0, 1, 2, 3, 4]]), 3, np.random.default_rng(1))
    assert sorted(found[0]) == [2, 3, 4]


def test_drawn_rows_are_all_of_them_or_as_many_as_asked() -> None:
    draw, rows = np.random.default_rng(0), np.arange(5, 50)
    assert np.array_equal(drawn_rows(rows, 100, draw), rows)
    some = drawn_rows(rows, 10, draw)
    assert len(set(some)) == 10
    assert set(some) <= set(rows)


def test_memory_grows_with_the_rows_and_not_with_their_square() -> None:
    n = 50_000
    codes = np.arange(n) // 2
    tracemalloc.start()
    try:
        classes, rows = ClassRows(codes), np.arange(n)
        draw = np.random.default_rng(0)
        classes.mates(rows, 2, draw)
        classes.strangers(rows, 2, draw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * 8 * 40
