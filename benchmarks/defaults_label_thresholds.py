"""How far the threshold of a rare label is drawn towards the one all share: chosen on training rows.

    python benchmarks/defaults_label_thresholds.py

Of the training rows of each set of ``multilabel.py`` three fifths are learned, one fifth fits the
thresholds and one fifth is scored; three draws. ``0`` is Yang's SCut, ``inf`` one threshold for all.
"""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

import textgraft as tg
from common import store
from multilabel import clinc150, trec
from textgraft.core.label_sets import indicators
from textgraft.core.label_thresholds import fit_label_thresholds

SEEDS = (0, 1, 2)
CANDIDATES = (0.0, 5.0, 20.0, 80.0, math.inf)
METHODS = {"tfidf": tg.TfidfClassifier, "linear": tg.LinearClassifier, "knn": tg.KNNClassifier}


def measured(method: str, texts: list[str], labels: list[list[str]], seed: int) -> dict[float, Any]:
    """Micro- and macro-F1 of every candidate."""
    fifth = np.random.default_rng(seed).permutation(len(texts)) % 5
    learned = np.flatnonzero(fifth < 3)
    clf = METHODS[method]().fit([texts[row] for row in learned], [labels[row] for row in learned])
    known = set(clf.classes_)
    belief, true = {}, {}
    for part in (3, 4):
        some = np.flatnonzero(fifth == part)
        belief[part] = clf.predict_proba([texts[row] for row in some])
        true[part] = indicators([[one for one in labels[row] if one in known] for row in some], clf.classes_)
    found = {}
    for candidate in CANDIDATES:
        thresholds = fit_label_thresholds(belief[3], true[3], "valid", candidate).values
        given = belief[4] >= thresholds
        found[candidate] = [
            float(f1_score(true[4], given, average=average, zero_division=0))
            for average in ("micro", "macro")
        ]
    return found


def main() -> None:
    table = []
    for name, make in (("trec", trec), ("clinc150", clinc150)):
        texts, labels = make("train")
        for method in METHODS:
            runs = [measured(method, texts, labels, seed) for seed in SEEDS]
            for candidate in CANDIDATES:
                micro, macro = zip(*(run[candidate] for run in runs), strict=True)
                table.append(
                    {
                        "data": name,
                        "method": method,
                        "common_rows": str(candidate),
                        "micro_f1": round(statistics.mean(micro), 4),
                        "macro_f1": round(statistics.mean(macro), 4),
                    }
                )
                print(table[-1], flush=True)
            store("defaults_label_thresholds", {"table": table})


if __name__ == "__main__":
    main()
