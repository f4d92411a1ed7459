"""Batches: every row once, and never more padding than the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.batches import (
    padded_ids,
    padding_share,
    shuffled_batches,
    split_by_length,
    token_batches,
)

LENGTHS = st.lists(st.integers(0, 60), max_size=80).map(lambda lengths: np.array(lengths, dtype=np.int64))


@given(LENGTHS, st.integers(1, 200))
def test_every_row_comes_exactly_once(lengths: np.ndarray, budget: int) -> None:
    rows = [int(row) for batch in token_batches(lengths, budget) for row in batch]
    assert sorted(rows) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 200))
def test_padded_size_stays_within_the_budget_and_batches_are_full(lengths: np.ndarray, budget: int) -> None:
    batches = list(token_batches(lengths, budget))
    for place, batch in enumerate(batches):
        longest = max(1, int(lengths[batch].max()))
        assert len(batch) == 1 or len(batch) * longest <= budget
        if place < len(batches) - 1:
            assert (len(batch) + 1) * longest > budget


@given(LENGTHS, st.integers(1, 200))
def test_longest_first(lengths: np.ndarray, budget: int) -> None:
    in_order = [int(lengths[row]) for batch in token_batches(lengths, budget) for row in batch]
    assert in_order == sorted(in_order, reverse=True)


def test_a_text_longer_than_the_budget_is_alone() -> None:
    batches = [list(batch) for batch in token_batches(np.array([3, 100, 3, 2]), 9)]
    assert batches == [[1], [0, 2, 3]]


@given(LENGTHS, st.integers(1, 30), st.integers(0, 5))
def test_shuffled_batches_hold_every_row_once_and_none_is_too_large(
    lengths: np.ndarray, batch_size: int, seed: int
) -> None:
    batches = shuffled_batches(lengths, batch_size, np.random.default_rng(seed))
    assert sorted(int(row) for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in batches)
    # at most the first and the last batch of the order are incomplete
    assert sum(len(batch) < batch_size for batch in batches) <= 2


@pytest.mark.parametrize("length", [0, 1, 20])
def test_texts_of_one_length_meet_in_other_company_each_time(length: int) -> None:
    draw = np.random.default_rng(0)
    lengths = np.full(64, length)
    companies = [frozenset(batch.tolist()) for _ in range(2) for batch in shuffled_batches(lengths, 32, draw)]
    assert len(set(companies)) == len(companies)


@given(LENGTHS, st.integers(0, 100))
def test_parts_hold_every_position_once_and_pad_no_more_than_allowed(
    lengths: np.ndarray, overhead: int
) -> None:
    parts = split_by_length(lengths, overhead)
    assert sorted(int(at) for part in parts for at in part) == list(range(len(lengths)))
    for part in parts:
        if len(part):
            assert len(part) * int(lengths[part].max()) - int(lengths[part].sum()) <= overhead


def test_parts_in_numbers() -> None:
    assert [part.tolist() for part in split_by_length(np.array([5, 30, 6, 29]), 4)] == [[1, 3], [2, 0]]
    assert [part.tolist() for part in split_by_length(np.array([5, 30, 6, 29]), 100)] == [[1, 3, 2, 0]]


def test_padding_in_numbers() -> None:
    assert padding_share(np.array([4, 2, 6]), [np.array([0, 1]), np.array([2])]) == pytest.approx(2 / 14)
    assert padding_share(np.array([], dtype=np.int64), []) == 0.0


@given(st.lists(st.lists(st.integers(1, 9), max_size=6), max_size=8))
def test_padded_ids_hold_the_ids_under_the_mask_and_the_pad_elsewhere(ids: list[list[int]]) -> None:
    padded, mask = padded_ids(ids, 77)
    assert padded.shape == mask.shape == (len(ids), max([1, *map(len, ids)]))
    for row, (values, seen) in zip(ids, zip(padded, mask, strict=True), strict=True):
        assert values[seen].tolist() == row
        assert (values[~seen] == 77).all()
