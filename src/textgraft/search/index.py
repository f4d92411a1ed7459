"""The interface of a search index, and which one to build."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from textgraft.core.neighbours import Neighbours

EXACT_UP_TO = 100_000
"""Stored rows up to which ``auto`` searches exactly. Beyond, one search on two cores takes longer
than encoding the text that is searched for (``benchmarks/search.py``)."""


KINDS = ("auto", "exact", "approximate")


class Index(Protocol):
    """Stored vectors (m, d) of length 1, searched by cosine similarity; larger is nearer."""

    @property
    def vectors(self) -> np.ndarray:
        """What is stored."""

    def graph_bytes(self) -> np.ndarray | None:
        """What the index built over the vectors (uint8), or None if it builds nothing."""

    def search(self, vectors: np.ndarray, k: int) -> Neighbours:
        """The min(k, m) nearest of m stored rows for each of n vectors (n, d)."""


def build_index(vectors: np.ndarray, kind: str, graph: np.ndarray | None = None) -> Index:
    """An index over vectors (m, d) float32 of length 1.

    Args:
        vectors: what is searched.
        kind: ``exact``, ``approximate``, or ``auto``: exact up to :data:`EXACT_UP_TO` rows or
            where usearch is not installed.
        graph: an approximate index saved before, as bytes.

    Raises:
        MissingExtraError: ``approximate`` without usearch.
    """
    from textgraft.search.exact import ExactIndex

    able = importlib.util.find_spec("usearch") is not None
    if kind == "approximate" or (kind == "auto" and len(vectors) > EXACT_UP_TO and able):
        from textgraft.search.hnsw import HNSWIndex

        return HNSWIndex.build(vectors) if graph is None else HNSWIndex.restore(vectors, graph)
    return ExactIndex(vectors)


def index_to_arrays(index: Index) -> dict[str, np.ndarray]:
    """What to keep of an index: ``vectors``, and ``graph`` if it has one."""
    graph = index.graph_bytes()
    return {"vectors": index.vectors} | ({} if graph is None else {"graph": graph})


def index_from_arrays(arrays: Mapping[str, np.ndarray]) -> Index:
    """The inverse of :func:`index_to_arrays`; other arrays may lie there too."""
    kind = "approximate" if "graph" in arrays else "exact"
    return build_index(arrays["vectors"], kind, arrays.get("graph"))
