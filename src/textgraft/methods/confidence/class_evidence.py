"""The training texts by class: which of them a text is near to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from textgraft.methods.confidence.gaussians import Gaussians
from textgraft.methods.evidence import cosines

MOST_ROWS_COMPARED = 1_000
"""Training texts of a class that a text is compared with; bounds the cost of a confidence."""

MOST_ROWS_MEASURED = 50_000
"""Training texts that Gaussians are fitted to; more change nothing that can be seen."""

COSINES_AT_ONCE = 16_000_000
"""Similarities computed together: 64 MB, however many texts are stored."""

NEIGHBOURS = 5
"""Nearest training texts whose similarity is averaged, where their class does not matter."""


@dataclass(frozen=True)
class ClassEvidence:
    """The training texts, by class.

    Attributes:
        vectors: (n, d) float16 rows of length 1.
        codes: (n,) class codes.
        n_classes: c.
        outside: (o, d) likewise of out-of-scope rows that were learned from, perhaps none.
    """

    vectors: np.ndarray
    codes: np.ndarray
    n_classes: int
    outside: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float16))

    @cached_property
    def rows_of_class(self) -> list[np.ndarray]:
        """Rows of each class that a text is compared with: all, or evenly spaced ones of very many."""
        order = np.argsort(self.codes, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(self.codes, minlength=self.n_classes))[:-1])
        return [_spread(rows, MOST_ROWS_COMPARED) for rows in groups]

    @cached_property
    def gaussians(self) -> Gaussians:
        """One Gaussian a class, of a shape that all share."""
        rows = _spread(np.arange(len(self.codes)), MOST_ROWS_MEASURED)
        return Gaussians.of(self.vectors[rows].astype(np.float32), self.codes[rows])

    def nearest(self, vectors: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(n,) cosine similarity of each vector (n, d) to the nearest training text of its class."""
        nearest = np.zeros(len(vectors), dtype=np.float32)
        for code in np.unique(codes):
            asked, stored = np.flatnonzero(codes == code), self.rows_of_class[code]
            nearest[asked] = cosines(vectors[asked], self.vectors[stored]).max(axis=1)
        return nearest

    def neighbours(self, vectors: np.ndarray) -> np.ndarray:
        """(n,) mean cosine similarity to the :data:`NEIGHBOURS` nearest training texts of any class."""
        return mean_of_nearest(vectors, self.vectors, NEIGHBOURS)

    def nearest_outside(self, vectors: np.ndarray) -> np.ndarray:
        """(n,) cosine similarity to the nearest out-of-scope row that was learned from."""
        return mean_of_nearest(vectors, self.outside, 1)


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, most).astype(int)] if len(rows) > most else rows


def mean_of_nearest(vectors: np.ndarray, stored: np.ndarray, k: int) -> np.ndarray:
    """(n,) mean cosine similarity of each vector (n, d) to the k nearest of those stored (m, d), m ≥ 1."""
    k, step = min(k, len(stored)), max(1, COSINES_AT_ONCE // len(stored))
    parts = [np.empty(0, dtype=np.float32)]
    for start in range(0, len(vectors), step):
        similar = cosines(vectors[start : start + step], stored)
        parts.append(np.partition(similar, -k, axis=1)[:, -k:].mean(axis=1))
    return np.concatenate(parts)
