"""Batches for the loop: every row once an epoch, always the same, with little padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.batches import padding_share
from textgraft.training.batches import PART_OVERHEAD, SORTED_FROM, ArrayBatches, TokenBatches, WholeBatches


def texts(lengths: list[int] | np.ndarray) -> list[list[int]]:
    return [list(range(1, int(length) + 1)) for length in lengths]


def make(kind: str, lengths: list[int] | np.ndarray, batch_size: int = 8, seed: int = 0) -> Any:
    codes = np.arange(len(lengths)) % 3
    if kind == "array":
        return ArrayBatches(np.zeros((len(lengths), 2), dtype=np.float32), codes, batch_size, seed)
    if kind == "whole":
        return WholeBatches(texts(lengths), codes, batch_size, seed)
    return TokenBatches(texts(lengths), codes, batch_size, seed, shuffle=kind == "tokens")


KINDS = ["tokens", "unshuffled", "whole", "array"]


def rows_of(batches: Any, epoch: int) -> list[int]:
    return [int(row) for step in batches.steps(epoch) for part in step for row in part]


@pytest.mark.parametrize("kind", KINDS)
@given(
    lengths=st.lists(st.integers(0, 200), max_size=60), batch_size=st.integers(1, 20), epoch=st.integers(0, 3)
)
def test_every_row_comes_once_an_epoch_and_no_batch_is_too_large(
    kind: str, lengths: list[int], batch_size: int, epoch: int
) -> None:
    batches = make(kind, lengths, batch_size)
    assert sorted(rows_of(batches, epoch)) == list(range(len(lengths)))
    assert all(0 < sum(map(len, step)) <= batch_size for step in batches.steps(epoch))


@pytest.mark.parametrize("kind", ["tokens", "whole", "array"])
@pytest.mark.parametrize("n", [100, SORTED_FROM])
def test_seed_and_epoch_decide_the_order(kind: str, n: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 50, n)
    first = rows_of(make(kind, lengths), 0)
    assert first == rows_of(make(kind, lengths), 0)
    assert first != rows_of(make(kind, lengths), 1)
    assert first != rows_of(make(kind, lengths, seed=1), 0)


def test_unshuffled_rows_come_in_order_of_length_in_every_epoch() -> None:
    batches = make("unshuffled", [5, 1, 3, 2], 2)
    assert rows_of(batches, 0) == rows_of(batches, 7) == [1, 3, 2, 0]


def realistic_lengths(n: int, mean: float) -> np.ndarray:
    """Lengths of queries or reviews are about log-normal."""
    return np.clip(np.random.default_rng(1).lognormal(mean, 0.7, n), 3, 256).astype(np.int64)


@pytest.mark.parametrize("n", [SORTED_FROM, 10_000])
@pytest.mark.parametrize("mean", [2.5, 3.5, 4.5])
def test_of_many_rows_less_than_a_twentieth_is_padding(n: int, mean: float) -> None:
    lengths = realistic_lengths(n, mean)
    steps = make("tokens", lengths, 32).steps(0)
    parts = [part for step in steps for part in step]
    assert padding_share(lengths, parts) < 0.05
    assert len(parts) < 1.2 * len(steps)


@pytest.mark.parametrize("mean", [2.5, 3.5, 4.5])
def test_few_rows_meet_in_any_company_and_pad_less_than_a_part_costs(mean: float) -> None:
    lengths = realistic_lengths(300, mean)
    steps = make("tokens", lengths, 32).steps(0)
    for part in (part for step in steps for part in step):
        assert len(part) * lengths[part].max() - lengths[part].sum() <= PART_OVERHEAD

    def cost(batches: list[list[np.ndarray]]) -> int:
        return sum(len(part) * int(lengths[part].max()) + PART_OVERHEAD for step in batches for part in step)

    # splitting pays
    assert cost(steps) <= cost([[np.concatenate(step)] for step in steps])


def test_a_batch_of_tokens() -> None:
    batch = make("tokens", [2, 0, 3]).take(np.array([2, 0]), 0)
    assert batch.ids.tolist() == [[1, 2, 3], [1, 2, 0]]
    assert batch.mask.tolist() == [[True, True, True], [True, True, False]]
    assert batch.codes.tolist() == [2, 0]


def test_codes_of_any_integer_type_become_what_torch_takes() -> None:
    batches = TokenBatches(texts([1, 2]), np.array([0, 1], dtype=np.int32), 2, 0)
    assert batches.take(np.array([0, 1]), 0).codes.dtype == torch.int64


def test_some_rows_only() -> None:
    some = make("tokens", [1, 2, 3, 4]).some(np.array([True, False, True, False]))
    assert some.ids == texts([1, 3])
    assert some.codes.tolist() == [0, 2]


def test_a_whole_batch_comes_in_parts_of_like_length() -> None:
    batches = make("whole", [200, 2, 199, 3], 4)
    ((rows,),) = batches.steps(0)
    parts = batches.take(rows, 0)
    assert [part.ids.shape for part in parts] == [(2, 200), (2, 3)]


def test_of_a_network_that_leaves_padding_out_batches_are_one_part() -> None:
    ids = texts([200, 2, 199, 3])
    many = TokenBatches(ids, np.zeros(4, dtype=np.int64), 4, 0, in_parts=False)
    ((rows,),) = many.steps(0)
    assert sorted(rows) == [0, 1, 2, 3]
    assert many.some(np.array([True, False, True, True])).steps(0)[0][0].shape == (3,)
    whole = WholeBatches(ids, np.zeros(4, dtype=np.int64), 4, 0, in_parts=False)
    assert [part.ids.shape for part in whole.take(rows, 0)] == [(4, 200)]


def test_rows_of_an_array() -> None:
    batches = ArrayBatches(np.arange(6, dtype=np.float32).reshape(3, 2), np.array([4, 5, 6]), 2, 0)
    rows, codes = batches.take(np.array([2, 0]), 0)
    assert rows.tolist() == [[4, 5], [0, 1]]
    assert codes.tolist() == [6, 4]
