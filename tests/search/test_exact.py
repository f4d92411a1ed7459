"""Exact search against NumPy, wherever the blocks end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.search import exact
from textgraft.search.exact import ExactIndex


def _unit(n: int, d: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(1, 40), st.integers(0, 20), st.integers(1, 50), st.integers(1, 6), st.integers(0, 99))
def test_the_k_nearest_are_those_of_brute_force(m: int, n: int, k: int, d: int, seed: int) -> None:
    stored, queries = _unit(m, d, seed), _unit(n, d, seed + 1)
    found = ExactIndex(stored).search(queries, k)
    everything = queries @ stored.T
    expected = -np.sort(-everything, axis=1)[:, :k]
    assert found.positions.shape == found.similarities.shape == (n, min(k, m))
    assert np.allclose(found.similarities, expected, atol=1e-6)
    assert np.allclose(np.take_along_axis(everything, found.positions, 1), found.similarities, atol=1e-6)
    assert all(len(set(row)) == len(row) for row in found.positions.tolist())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 20))
def test_equal_similarities_are_in_order_of_position(values: list[int], k: int) -> None:
    stored = np.array(values, np.float32)[:, None]
    found = ExactIndex(stored).search(np.ones((1, 1), np.float32), k)
    pairs = list(zip((-found.similarities[0]).tolist(), found.positions[0].tolist(), strict=True))
    assert pairs == sorted(pairs)


@pytest.mark.parametrize("entries", [1, 49, 50, 51, 100, 349, 350, 351, 10_000])
def test_where_a_block_ends_changes_nothing(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    stored, queries = _unit(50, 8, 0), _unit(7, 8, 1)
    whole = ExactIndex(stored).search(queries, 5)
    monkeypatch.setattr(exact, "SIMILARITIES_AT_ONCE", entries)
    blocked = ExactIndex(stored).search(queries, 5)
    assert np.array_equal(blocked.positions, whole.positions)
    assert np.allclose(blocked.similarities, whole.similarities, atol=1e-6)


def test_no_queries_are_no_neighbours() -> None:
    found = ExactIndex(_unit(5, 3, 0)).search(np.empty((0, 3), np.float32), 2)
    assert found.positions.shape == (0, 2)


def test_results_have_the_types_that_are_promised() -> None:
    found = ExactIndex(_unit(5, 3, 0)).search(_unit(2, 3, 1), 2)
    assert (found.positions.dtype, found.similarities.dtype) == (np.int64, np.float32)
