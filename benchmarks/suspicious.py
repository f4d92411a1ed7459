"""How many of the most suspicious labels are wrong, where some were made wrong on purpose.

    python benchmarks/suspicious.py
    python benchmarks/suspicious.py trec:tfidf …     some rows of the table again

Of the training file of banking77, and of two others, 5 % of the labels are replaced by another class
drawn at random; of the 100 most suspicious rows those count that were replaced. Labels that were wrong
before count as a miss, so the true precision is a little higher.
"""

from __future__ import annotations

import sys

import numpy as np

from common import mean_and_spread, rows, store, stored_rows
from textgraft.experiments.suspicious import suspicious_labels
from textgraft.methods import method_class

SEEDS = (0, 1, 2)
SHARE, MOST = 0.05, 100
DATA = ("banking77", "trec", "clinc150")
METHODS = ("linear", "tfidf", "knn")
ASKED = {"banking77": 0.80}


def precision(method: str, data: str, seed: int) -> float:
    """Share of the most suspicious rows whose label was replaced."""
    texts, labels = rows(f"{data}_train")
    draw = np.random.default_rng(seed)
    names = sorted(set(labels) - {"oos"})
    inside = np.array([label != "oos" for label in labels])
    flipped = draw.permutation(np.flatnonzero(inside))[: round(SHARE * inside.sum())]
    for row in flipped:
        labels[row] = draw.choice([name for name in names if name != labels[row]])
    clf = method_class(method)(oos_labels=("oos",), seed=seed)
    found = suspicious_labels(clf, texts, labels, most=MOST)
    return float(np.isin([one.row for one in found.suspects], flipped).mean())


def main() -> None:
    table = {(row["data"], row["method"]): row for row in stored_rows("suspicious")}
    for data, method in [(data, method) for data in DATA for method in METHODS]:
        if len(sys.argv) > 1 and f"{data}:{method}" not in sys.argv:
            continue
        found = [precision(method, data, seed) for seed in SEEDS]
        table[data, method] = {
            "data": data,
            "method": method,
            "asked": ASKED.get(data),
            **mean_and_spread(found, "precision"),
            "by_seed": found,
        }
        print(table[data, method], flush=True)
        store("suspicious", {"share": SHARE, "most": MOST, "table": list(table.values())})


if __name__ == "__main__":
    main()
