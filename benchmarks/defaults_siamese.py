"""Choose the defaults of `siamese` by cross-validation on few training rows of several data sets.

    python benchmarks/defaults_siamese.py [ENCODER]

Few rows a class are drawn from a training file and other rows of the same file are answered;
`fewshot_commits` has only 100 training rows, which take turns in five folds, twice. Test
files are never opened. A candidate is judged by its mean accuracy over data sets; on commits
alone one standard error is about 1 point.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from common import CACHE, rows, store
from textgraft.core.splits import fold_numbers
from textgraft.encoders import load_encoder
from textgraft.methods.siamese import SiameseClassifier

DRAWS = (0, 1)

SETS = {
    # data: (classes drawn, rows of each to learn from, rows of each to answer, draws)
    "banking77": (12, 12, 100, 2),
    "trec": (6, 20, 300, 2),
    "clinc150": (30, 10, 50, 1),
}

CANDIDATES: list[dict[str, Any]] = [
    {},
    {"loss": "triplet"},
    {"loss": "triplet", "margin": 0.2},
    {"rate": 5e-3},
    {"heads": 1},
    {"dropout": 0.5},
    {"widths": "128"},
    {"k": 1},
]

Rows = tuple[np.ndarray, np.ndarray]


def splits() -> Iterator[tuple[str, Rows, Rows]]:
    """Name, rows to learn from and rows to answer."""
    texts, labels = _arrays("fewshot_commits")
    for draw in DRAWS:
        folds = fold_numbers(np.unique(labels, return_inverse=True)[1], 5, seed=draw)
        for fold in range(5):
            learns = folds != fold
            yield "fewshot_commits", (texts[learns], labels[learns]), (texts[~learns], labels[~learns])
    for name, (n_classes, n_learn, n_answer, n_draws) in SETS.items():
        texts, labels = _arrays(name.split()[0])
        for draw in range(n_draws):
            random = np.random.default_rng(draw)
            learn, answer = [], []
            for label in random.permutation(np.unique(labels))[:n_classes]:
                some = random.permutation(np.flatnonzero(labels == label))
                learn.append(some[:n_learn])
                answer.append(some[n_learn : n_learn + n_answer])
            a, b = np.concatenate(learn), np.concatenate(answer)
            yield name, (texts[a], labels[a]), (texts[b], labels[b])


def _arrays(name: str) -> Rows:
    texts, labels = rows(f"{name}_train")
    in_scope = np.array(labels) != "oos"
    return np.array(texts, dtype=object)[in_scope], np.array(labels, dtype=object)[in_scope]


def judge(encoder: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Accuracy by data set, their mean, and seconds for all fits."""
    found: dict[str, list[float]] = {}
    seconds = 0.0
    for seed, (name, learn, answer) in enumerate(splits()):
        began = time.perf_counter()
        classifier = SiameseClassifier(encoder, seed=seed, **arguments).fit(*learn)
        seconds += time.perf_counter() - began
        found.setdefault(name, []).append(classifier.score(*answer))
    by_set = {name: round(float(np.mean(values)), 4) for name, values in found.items()}
    mean = round(float(np.mean(list(by_set.values()))), 4)
    return {"arguments": arguments, "mean": mean, "by_set": by_set, "fit_seconds": round(seconds, 1)}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "use"
    encoder = load_encoder(name, cache=CACHE)
    defaults = {
        key: value
        for key, value in SiameseClassifier().get_params().items()
        if key not in ("encoder", "reject", "oos_labels", "holdout", "seed")
    }
    table = []
    for arguments in CANDIDATES:
        table.append(judge(encoder, arguments))
        print(table[-1], flush=True)
        store("defaults_siamese", {"encoder": name, "defaults": defaults, "candidates": table})


if __name__ == "__main__":
    main()
