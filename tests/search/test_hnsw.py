"""Approximate search: near enough to exact, and the same again after saving."""

from __future__ import annotations

import numpy as np
import pytest

from textgraft.search.exact import ExactIndex
from textgraft.search.hnsw import HNSWIndex
from textgraft.search.index import KINDS, build_index


@pytest.fixture(scope="module")
def clustered() -> tuple[np.ndarray, np.ndarray]:
    """5,000 stored vectors and 300 queries around 200 centres: harder than a uniform cloud."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(200, 48))

    def draw(n: int) -> np.ndarray:
        vectors = centres[random.integers(0, 200, n)] + 0.3 * random.normal(size=(n, 48))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    return draw(5_000), draw(300)


@pytest.fixture(scope="module")
def index(clustered: tuple[np.ndarray, np.ndarray]) -> HNSWIndex:
    return HNSWIndex.build(clustered[0])


@pytest.mark.parametrize("k", [1, 5, 20])
def test_recall_against_exact_search(
    index: HNSWIndex, clustered: tuple[np.ndarray, np.ndarray], k: int
) -> None:
    stored, queries = clustered
    found, true = index.search(queries, k), ExactIndex(stored).search(queries, k)
    hits = [
        len(set(a) & set(b)) for a, b in zip(found.positions.tolist(), true.positions.tolist(), strict=True)
    ]
    assert sum(hits) / true.positions.size >= 0.95


def test_similarities_are_exact_and_fall(index: HNSWIndex, clustered: tuple[np.ndarray, np.ndarray]) -> None:
    stored, queries = clustered
    found = index.search(queries, 10)
    true = np.einsum("nd,nkd->nk", queries, stored[found.positions])
    assert np.allclose(found.similarities, true, atol=1e-6)
    assert (np.diff(found.similarities, axis=1) <= 0).all()
    assert all(len(set(row)) == 10 for row in found.positions.tolist())
    assert found.positions.dtype == np.int64


def test_a_restored_graph_answers_identically(
    index: HNSWIndex, clustered: tuple[np.ndarray, np.ndarray]
) -> None:
    stored, queries = clustered
    restored = HNSWIndex.restore(stored, index.graph_bytes())
    before, after = index.search(queries, 10), restored.search(queries, 10)
    assert np.array_equal(before.positions, after.positions)
    assert np.array_equal(before.similarities, after.similarities)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_queries_keep_their_shape(
    index: HNSWIndex, clustered: tuple[np.ndarray, np.ndarray], n: int
) -> None:
    assert index.search(clustered[1][:n], 3).positions.shape == (n, 3)


@pytest.mark.parametrize("m", [1, 2, 7])
def test_more_neighbours_than_rows_are_all_rows(clustered: tuple[np.ndarray, np.ndarray], m: int) -> None:
    stored, queries = clustered
    found = HNSWIndex.build(stored[:m]).search(queries[:3], 20)
    assert [sorted(row) for row in found.positions.tolist()] == [list(range(m))] * 3


def test_many_equal_vectors_are_each_found_once() -> None:
    # training files repeat texts; a graph of equal points must not lose or double them
    vectors = np.tile(np.eye(1, 8, dtype=np.float32), (300, 1))
    found = HNSWIndex.build(vectors).search(vectors[:2], 20)
    assert all(len(set(row)) == 20 for row in found.positions.tolist())
    assert (found.similarities == 1).all()


def test_kinds_build_what_they_say(
    clustered: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = clustered[0][:50]
    assert isinstance(build_index(few, "exact"), ExactIndex)
    assert isinstance(build_index(few, "auto"), ExactIndex)
    assert isinstance(build_index(few, "approximate"), HNSWIndex)
    monkeypatch.setattr("textgraft.search.index.EXACT_UP_TO", 49)
    assert isinstance(build_index(few, "auto"), HNSWIndex)
    assert isinstance(build_index(few, "exact"), ExactIndex)
    assert set(KINDS) == {"auto", "exact", "approximate"}


def test_only_a_graph_has_bytes(index: HNSWIndex, clustered: tuple[np.ndarray, np.ndarray]) -> None:
    assert build_index(clustered[0][:5], "exact").graph_bytes() is None
    assert index.graph_bytes().dtype == np.uint8
    assert np.shares_memory(index.vectors, clustered[0])


def test_a_saved_graph_is_used_and_not_built_again(
    index: HNSWIndex, clustered: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = index.graph_bytes()
    monkeypatch.setattr(HNSWIndex, "build", None)
    restored = build_index(clustered[0], "approximate", saved)
    assert np.array_equal(restored.search(clustered[1], 3).positions, index.search(clustered[1], 3).positions)
