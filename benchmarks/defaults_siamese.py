"""Choose the defaults of `siamese` by cross-validation on few training rows of several data sets.

    python benchmarks/defaults_siamese.py                    the projection over a frozen encoder
    python benchmarks/defaults_siamese.py --train-encoder    an encoder that learns

Both run on ``use``.

Few rows a class are drawn from a training file and other rows of the same file are answered;
`fewshot_commits` has only 100 training rows, which take turns in five folds, twice. Test
files are never opened. A candidate is judged by its mean accuracy over data sets; on commits
alone one standard error is about 1 point.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
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

ENCODER_CANDIDATES: list[dict[str, Any]] = [
    {"train_encoder": False},
    {"train_encoder": True, "encoder_rate": 1e-4, "epochs": 10},
    {"train_encoder": True, "encoder_rate": 3e-4, "epochs": 10},
    {"train_encoder": True, "encoder_rate": 1e-3, "epochs": 10},
    {"train_encoder": True, "encoder_rate": 3e-4, "epochs": 20},
]

ENCODER_SETS = {"banking77": (8, 12, 50, 2), "trec": (6, 16, 70, 2), "clinc150": (12, 8, 40, 2)}
"""Smaller, since every fit trains an encoder; commits are left out, where candidates come out alike."""

Rows = tuple[np.ndarray, np.ndarray]


def splits() -> Iterator[tuple[str, Rows, Rows]]:
    """Name, rows to learn from and rows to answer."""
    texts, labels = _arrays("fewshot_commits")
    for draw in DRAWS:
        folds = fold_numbers(np.unique(labels, return_inverse=True)[1], 5, seed=draw)
        for fold in range(5):
            learns = folds != fold
            yield "fewshot_commits", (texts[learns], labels[learns]), (texts[~learns], labels[~learns])
    yield from drawn_splits(SETS)


def drawn_splits(sets: dict[str, tuple[int, int, int, int]]) -> Iterator[tuple[str, Rows, Rows]]:
    """Likewise, of data with many rows."""
    for name, (n_classes, n_learn, n_answer, n_draws) in sets.items():
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


def judge(encoder: Any, arguments: dict[str, Any], some: Iterable[tuple[str, Rows, Rows]]) -> dict[str, Any]:
    """Accuracy by data set, their mean, and seconds for all fits."""
    found: dict[str, list[float]] = {}
    seconds = 0.0
    for seed, (name, learn, answer) in enumerate(some):
        began = time.perf_counter()
        classifier = SiameseClassifier(encoder, seed=seed, **arguments).fit(*learn)
        seconds += time.perf_counter() - began
        found.setdefault(name, []).append(classifier.score(*answer))
    by_set = {name: round(float(np.mean(values)), 4) for name, values in found.items()}
    mean = round(float(np.mean(list(by_set.values()))), 4)
    return {"arguments": arguments, "mean": mean, "by_set": by_set, "fit_seconds": round(seconds, 1)}


def main() -> None:
    thaw = "--train-encoder" in sys.argv
    encoder = load_encoder("use", cache=CACHE)
    defaults = {
        key: value
        for key, value in SiameseClassifier().get_params().items()
        if key not in ("encoder", "reject", "oos_labels", "holdout", "seed")
    }
    table = []
    for arguments in ENCODER_CANDIDATES if thaw else CANDIDATES:
        table.append(judge(encoder, arguments, drawn_splits(ENCODER_SETS) if thaw else splits()))
        print(table[-1], flush=True)
        store(
            "defaults_siamese_encoder" if thaw else "defaults_siamese",
            {"encoder": "use", "defaults": defaults, "candidates": table},
        )


if __name__ == "__main__":
    main()
