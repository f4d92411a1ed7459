"""Choose the defaults of fine-tuning by the number of rows, on training rows of several data sets.

    python benchmarks/defaults_finetune.py             few rows
    python benchmarks/defaults_finetune.py --larger    4,000 rows
    python benchmarks/defaults_finetune.py --larger 4  the candidate of that number alone

Candidates that are stored already are left as they are.
Tasks are drawn from training files; what is not drawn is what they are scored on. No test file
is read.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from common import rows, store, stored_rows
from textgraft.methods import method_class

TASKS = (("banking77", 8, 12), ("clinc150", 12, 8), ("trec", 6, 16))
"""Data, classes, rows a class."""

CANDIDATES: tuple[dict[str, Any], ...] = (
    {"contrast": 8, "epochs": 4, "rate": 1e-4, "smoothing": 0.0},
    {"contrast": 16, "epochs": 4, "rate": 1e-4, "smoothing": 0.0},
    {"contrast": 8, "epochs": 4, "rate": 2e-4, "smoothing": 0.0},
    {"contrast": 16, "epochs": 4, "rate": 2e-4, "smoothing": 0.0},
    {"contrast": 8, "epochs": 0, "rate": 2e-4},
    {"contrast": 12, "epochs": 0, "rate": 1e-4},
    {"contrast": 16, "epochs": 0, "rate": 2e-4},
    {"contrast": 8, "epochs": 0, "rate": 4e-4},
)
MOST_SCORED = 500

LARGER = ("trec", "banking77", "clinc150")
LARGER_ROWS = 4_000
LARGER_CANDIDATES: tuple[dict[str, Any], ...] = (
    {"epochs": 4, "rate": 2e-4, "smoothing": 0.0},
    {"epochs": 6, "rate": 2e-4, "smoothing": 0.0},
    {"epochs": 4, "rate": 4e-4, "smoothing": 0.0},
    {"epochs": 6, "rate": 1e-4, "smoothing": 0.0},
    {"epochs": 6, "rate": 1e-4, "smoothing": 0.1},
    {"epochs": 6, "rate": 1e-4, "train": "everything", "smoothing": 0.0},
    {"epochs": 10, "rate": 1e-4, "smoothing": 0.1},
    {"contrast": 3, "epochs": 6, "rate": 1e-4, "smoothing": 0.1},
)


def task(data: str, n_classes: int, per_class: int, seed: int) -> tuple[list[str], ...]:
    """Texts and labels to learn from, and to be scored on."""
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    draw = np.random.default_rng(seed)
    chosen = draw.permutation([name for name in np.unique(labels) if name != "oos"])[:n_classes]
    learns = np.concatenate([draw.permutation(np.flatnonzero(labels == name))[:per_class] for name in chosen])
    rest = np.setdiff1d(np.flatnonzero(np.isin(labels, chosen)), learns)
    scored = draw.permutation(rest)[:MOST_SCORED]
    return list(texts[learns]), list(labels[learns]), list(texts[scored]), list(labels[scored])


def larger_task(data: str, seed: int) -> tuple[list[str], ...]:
    """Texts and labels of all classes to learn from, and to be scored on."""
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    order = np.random.default_rng(seed).permutation(np.flatnonzero(labels != "oos"))
    learns, scored = order[:LARGER_ROWS], order[LARGER_ROWS : LARGER_ROWS + 2_000]
    return list(texts[learns]), list(labels[learns]), list(texts[scored]), list(labels[scored])


def main() -> None:
    if "--larger" in sys.argv:
        tasks = [larger_task(data, seed) for seed, data in enumerate(LARGER)]
        about = [(data, LARGER_ROWS) for data in LARGER]
        compare("finetune", "defaults_finetune_larger", about, tasks, LARGER_CANDIDATES)
    else:
        tasks = [task(*one, seed) for seed, one in enumerate(TASKS)]
        compare("finetune", "defaults_finetune", list(TASKS), tasks, CANDIDATES)


def compare(
    method: str,
    stored: str,
    about: list[tuple[Any, ...]],
    tasks: list[tuple[list[str], ...]],
    candidates: tuple[dict[str, Any], ...],
) -> None:
    """Fit every candidate on every task, and store the table after each."""
    alone = [int(word) for word in sys.argv[1:] if word.isdigit()]
    names = [one[0] for one in about]
    for parameters in [candidates[number] for number in alone] or candidates:
        if any(row["parameters"] == parameters for row in stored_rows(stored)):
            continue
        began, scores = time.perf_counter(), []
        for texts, labels, more_texts, more_labels in tasks:
            clf = method_class(method)(**parameters).fit(texts, labels)
            scores.append(round(float(clf.score(more_texts, more_labels)), 4))
        seconds = round(time.perf_counter() - began)
        row = {
            "parameters": parameters,
            "accuracy": dict(zip(names, scores, strict=True)),
            "mean": round(float(np.mean(scores)), 4),
            "seconds": seconds,
        }
        print(row, flush=True)
        # read again, since another candidate may have been stored meanwhile
        store(stored, {"tasks": about, "table": [*stored_rows(stored), row]})


if __name__ == "__main__":
    main()
