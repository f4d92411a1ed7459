"""Approximate search over a navigable graph, by usearch.

HNSW: Malkov and Yashunin, "Efficient and Robust Approximate Nearest Neighbor Search Using
Hierarchical Navigable Small World Graphs", 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from textgraft.core.neighbours import Neighbours
from textgraft.errors import MissingExtraError

CONNECTIVITY = 16
EXPANSION_BUILD = 128
EXPANSION_SEARCH = 128
"""Graph degree and breadth of search; recall against exact is in ``benchmarks/results``."""


@dataclass(frozen=True)
class HNSWIndex:
    """Candidates from the graph, their similarities exact from the stored vectors."""

    vectors: np.ndarray
    graph: Any

    @classmethod
    def build(cls, vectors: np.ndarray) -> HNSWIndex:
        """A graph over vectors (m, d) float32 of length 1."""
        graph = _empty_graph(vectors.shape[1])
        graph.add(np.arange(len(vectors)), vectors)
        return cls(vectors, graph)

    @classmethod
    def restore(cls, vectors: np.ndarray, saved: np.ndarray) -> HNSWIndex:
        """The graph that :meth:`graph_bytes` gave, so that a loaded model answers identically."""
        graph = _empty_graph(vectors.shape[1])
        graph.load(saved.tobytes())
        return cls(vectors, graph)

    def graph_bytes(self) -> np.ndarray:
        """The graph (uint8)."""
        return np.frombuffer(self.graph.save(), dtype=np.uint8)

    def search(self, vectors: np.ndarray, k: int) -> Neighbours:
        """The (nearly always) min(k, m) nearest stored rows of each of n vectors."""
        k = min(k, len(self.vectors))
        found = self.graph.search(vectors, k)
        positions = np.asarray(found.keys, dtype=np.int64).reshape(len(vectors), k)
        similarities = np.einsum("nd,nkd->nk", vectors, self.vectors[positions])
        order = np.argsort(-similarities, axis=1, kind="stable")
        return Neighbours(
            np.take_along_axis(positions, order, axis=1),
            np.take_along_axis(similarities, order, axis=1),
        )


def _empty_graph(dim: int) -> Any:
    try:
        from usearch.index import Index
    except ImportError:
        raise MissingExtraError.of("Approximate search", "ann") from None
    return Index(
        ndim=dim,
        metric="cos",
        dtype="bf16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_BUILD,
        expansion_search=EXPANSION_SEARCH,
    )
