"""Exact against approximate search, by number of stored rows: where should `auto` switch?

    python benchmarks/search.py

Vectors are those of the 74,736 icd10 descriptions; larger stores are filled up with points
between pairs of them, so that neighbourhoods stay as crowded as real ones. A query is one
text alone, as a service sees it, and a block of 1,000, as a file is.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from common import own_encoder, rows, store
from textgraft.methods.evidence import unit_rows
from textgraft.search.exact import ExactIndex
from textgraft.search.hnsw import HNSWIndex

SIZES = (10_000, 50_000, 100_000, 200_000, 300_000)
K = 20


def stored(vectors: np.ndarray, size: int) -> np.ndarray:
    """``size`` rows: real ones first, then normalised mixtures of real pairs."""
    random = np.random.default_rng(0)
    if size <= len(vectors):
        return vectors[random.permutation(len(vectors))[:size]]
    first, second = random.integers(0, len(vectors), (2, size - len(vectors)))
    share = random.random((size - len(vectors), 1)).astype(np.float32)
    return np.concatenate([vectors, unit_rows(share * vectors[first] + (1 - share) * vectors[second])])


def timed(index: Any, queries: np.ndarray) -> tuple[float, float]:
    """Milliseconds of one query alone, and of one in a block."""
    alone = []
    for query in queries[:50]:
        began = time.perf_counter()
        index.search(query[None], K)
        alone.append(time.perf_counter() - began)
    began = time.perf_counter()
    index.search(queries, K)
    block = (time.perf_counter() - began) / len(queries)
    return float(np.median(alone)) * 1e3, block * 1e3


def main() -> None:
    encoder = own_encoder("knn")
    vectors = unit_rows(encoder.encode(rows("icd10_train")[0]))
    queries = unit_rows(encoder.encode(rows("icd10_test")[0][:1_000]))
    table = []
    for size in SIZES:
        store_vectors = stored(vectors, size)
        exact = ExactIndex(store_vectors)
        began = time.perf_counter()
        graph = HNSWIndex.build(store_vectors)
        build = time.perf_counter() - began
        truth, found = exact.search(queries, K).positions, graph.search(queries, K).positions
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(truth, found, strict=True)])
        (exact_alone, exact_block), (graph_alone, graph_block) = timed(exact, queries), timed(graph, queries)
        row = {
            "rows": size,
            "exact_ms_alone": round(exact_alone, 2),
            "exact_ms_in_block": round(exact_block, 3),
            "approximate_ms_alone": round(graph_alone, 2),
            "approximate_ms_in_block": round(graph_block, 3),
            "approximate_build_seconds": round(build, 1),
            "recall_at_20": round(float(recall), 4),
            "same_nearest": round(float((truth[:, 0] == found[:, 0]).mean()), 4),
        }
        print(row, flush=True)
        table.append(row)
    store("search", {"k": K, "table": table})


if __name__ == "__main__":
    main()
