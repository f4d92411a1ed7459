"""The training texts nearest to a text: why it was decided so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

Matrix: TypeAlias = "np.ndarray | sp.csr_array"
"""(m, d) rows of length 1 (or 0), dense or sparse."""

ROWS_AT_ONCE = 65_536
"""Stored rows compared at once; bounds the memory of reading float16 rows as float32."""


@dataclass(frozen=True)
class Neighbour:
    """One training text that speaks for or against a decision."""

    text: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Explanation:
    """Why a text got its label: the decision and the nearest training texts.

    Attributes:
        label: what was decided, perhaps ``REJECTED``.
        best: the most believed class, also when it was rejected.
        threshold: ``None`` when nothing, or everything, is rejected.
    """

    text: str
    label: str
    best: str
    confidence: float
    threshold: float | None
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class LabelsNeighbour(Neighbour):
    """A training text with several labels, or none; ``label`` says them for a person."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class LabelsExplanation(Explanation):
    """Why a text got its labels; ``label`` says them for a person, and no threshold rejects.

    Attributes:
        labels: what was decided, perhaps nothing.
        belief: in every label, most believed first.
    """

    labels: tuple[str, ...]
    belief: dict[str, float]


def cosines(queries: Matrix, rows: Matrix) -> np.ndarray:
    """Cosine similarities (n, m) of rows of length 1."""
    if not isinstance(queries, np.ndarray):
        return np.asarray((queries @ rows.T).toarray(), dtype=np.float32)
    parts = [
        queries @ rows[start : start + ROWS_AT_ONCE].astype(np.float32).T
        for start in range(0, rows.shape[0], ROWS_AT_ONCE)
    ]
    return np.concatenate(parts, axis=1)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows (n, d) float32 divided by their length; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)
