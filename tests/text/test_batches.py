"""Batches: every row once, and never more padding than the budget."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.batches import token_batches

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
