"""Choose the defaults of the recurrent methods, on training rows of several data sets.

    python benchmarks/defaults_gru.py                    few rows, then 4,000
    python benchmarks/defaults_gru.py word-gru:4000 …    some of the tables

Rows are drawn from training files; what is not drawn is what they are scored on. No test file is
read. Fits that are stored already are left as they are.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from common import rows, store, stored_rows
from textgraft.methods import method_class

DATA = ("trec", "banking77", "clinc150", "imdb")
SCORED = 2_000

TABLES: dict[str, tuple[str, int, tuple[dict[str, Any], ...]]] = {
    "word-gru:4000": (
        "word-gru",
        4_000,
        (
            {},
            {"dropout": 0.5},
            {"rate": 1e-3},
            {"rate": 4e-3},
            {"epochs": 20},
            {"epochs": 20, "dropout": 0.5},
            {"hidden": 256},
        ),
    ),
    "word-gru:400": (
        "word-gru",
        400,
        ({}, {"dropout": 0.5}, {"rate": 1e-3}, {"rate": 4e-3}, {"epochs": 15}, {"epochs": 60}),
    ),
    "transformer-gru:states": ("transformer-gru", 4_000, ({}, {"states": "last"})),
    "transformer-gru:400": (
        "transformer-gru",
        400,
        ({}, {"dropout": 0.5}, {"rate": 1e-3}, {"rate": 4e-3}, {"epochs": 15}),
    ),
}
"""Name → method, rows learned, candidates; the first is as people have it."""


def drawn(data: str, n_rows: int, seed: int) -> tuple[list[str], ...]:
    """Texts and labels to learn from, and to be scored on; out-of-scope rows are left out."""
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    order = np.random.default_rng(seed).permutation(np.flatnonzero(labels != "oos"))
    # one row of each class first, so that each can be learned
    _, first = np.unique(labels[order], return_index=True)
    order = np.concatenate([order[first], np.delete(order, first)])
    learns, scored = order[:n_rows], order[n_rows : n_rows + SCORED]
    return list(texts[learns]), list(labels[learns]), list(texts[scored]), list(labels[scored])


def compare(name: str) -> None:
    """Every candidate on every data set; stored after each fit."""
    method, n_rows, candidates = TABLES[name]
    stored = f"defaults_{name.replace(':', '_')}"
    table = stored_rows(stored)
    for data in DATA:
        texts, labels, more_texts, more_labels = drawn(data, n_rows, 0)
        for parameters in candidates:
            if any((row["data"], row["parameters"]) == (data, parameters) for row in table):
                continue
            began = time.perf_counter()
            clf = method_class(method)(**parameters).fit(texts, labels)
            row = {
                "data": data,
                "parameters": parameters,
                "accuracy": round(float(clf.score(more_texts, more_labels)), 4),
                "seconds": round(time.perf_counter() - began),
            }
            print(name, row, flush=True)
            table.append(row)
            store(stored, {"method": method, "rows": n_rows, "scored": SCORED, "table": table})


def main() -> None:
    for name in sys.argv[1:] or TABLES:
        compare(name)


if __name__ == "__main__":
    main()
