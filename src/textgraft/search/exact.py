"""Exact search: one matrix product, a block of queries at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.core.neighbours import Neighbours

SIMILARITIES_AT_ONCE = 16_000_000
"""Entries of a block's similarity matrix: 64 MB, however many rows are stored."""


@dataclass(frozen=True)
class ExactIndex:
    """All similarities, keeping the k largest.

    Attributes:
        vectors: (m, d) float32, rows of length 1.
    """

    vectors: np.ndarray

    def graph_bytes(self) -> None:
        """Nothing is built."""
        return

    def search(self, vectors: np.ndarray, k: int) -> Neighbours:
        """The min(k, m) nearest stored rows of each of n vectors."""
        k = min(k, len(self.vectors))
        positions = np.empty((len(vectors), k), dtype=np.int64)
        similarities = np.empty((len(vectors), k), dtype=np.float32)
        size = max(1, SIMILARITIES_AT_ONCE // len(self.vectors))
        for start in range(0, len(vectors), size):
            block = vectors[start : start + size] @ self.vectors.T
            best = _largest(block, k)
            found = np.take_along_axis(block, best, axis=1)
            order = np.argsort(-found, axis=1, kind="stable")
            rows = slice(start, start + len(block))
            positions[rows] = np.take_along_axis(best, order, axis=1)
            similarities[rows] = np.take_along_axis(found, order, axis=1)
        return Neighbours(positions, similarities)


def _largest(block: np.ndarray, k: int) -> np.ndarray:
    """Columns (n, k) of the k largest entries of each row, in ascending order of column."""
    if k == block.shape[1]:
        return np.tile(np.arange(k), (len(block), 1))
    return np.sort(np.argpartition(block, -k, axis=1)[:, -k:], axis=1)
