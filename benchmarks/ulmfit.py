"""ULMFiT on real data, three seeds: what each stage is worth, and what each part of the recipe is.

    python benchmarks/ulmfit.py                       the cells that are missing, one after another
    python benchmarks/ulmfit.py arms:trec parts …     some of them: arms, parts, or arms:DATA and parts:DATA

Arms: random weights; the packaged model as it is; adapted on the labelled texts; adapted on labelled and
unlabelled texts. Parts: the adapted arm with one part of the recipe switched off at a time. The same rows and
seeds in every column. Each cell is stored as soon as it is done, so a stopped run goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch

from common import mean_and_spread, rows, store, stored_rows, texts_alone
from textgraft.methods import method_class

SEEDS = (0, 1, 2)

SIZES: dict[str, tuple[str, int | None]] = {
    "trec": ("trec", None),
    "imdb-100": ("imdb", 100),
    "imdb-500": ("imdb", 500),
    "imdb-5000": ("imdb", 5_000),
}
"""Task → data, and how many labels; ``None`` is all."""

TESTED = 5_000
"""Rows of a test file that are asked, evenly spaced; all of a shorter one."""

UNLABELLED = {"imdb": 1_000}
"""Unlabelled reviews that the last arm reads besides, drawn by seed."""

ARMS: dict[str, dict[str, Any]] = {
    "from scratch": {"scratch": True, "adapt": 0},
    "packaged": {"adapt": 0},
    "adapted": {},
    "adapted, unlabelled too": {},
}
PARTS: dict[str, dict[str, Any]] = {
    "whole recipe": {},
    "no gradual unfreezing": {"gradual": False},
    "no discriminative rates": {"factor": 1.0},
    "rates shrinking by 1.5, not 2.6": {"factor": 1.5},
    "constant rates": {"schedule": "constant"},
    "last state only": {"pool": "last"},
    "no adapting": {"adapt": 0},
}
PARTS_OF = ("trec", "imdb-500")


def lesson(task: str, seed: int, unlabelled: bool) -> tuple[list[str], list[str]]:
    """Training rows of a task; of a part, as many of each class, drawn by seed."""
    data, size = SIZES[task]
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    draw = np.random.default_rng(seed)
    if size is not None:
        names = np.unique(labels)
        some = [draw.permutation(np.flatnonzero(labels == name))[: size // len(names)] for name in names]
        chosen = draw.permutation(np.concatenate(some))
        texts, labels = texts[chosen], labels[chosen]
    if unlabelled and data in UNLABELLED:
        more = texts_alone(f"{data}_unsup")
        drawn = [more[row] for row in draw.permutation(len(more))[: UNLABELLED[data]]]
        return [*texts, *drawn], [*labels, *[""] * len(drawn)]
    return list(texts), list(labels)


def once(task: str, parameters: dict[str, Any], unlabelled: bool, seed: int) -> dict[str, Any]:
    """One fit and one score."""
    texts, labels = rows(f"{SIZES[task][0]}_test")
    asked = np.unique(np.linspace(0, len(texts) - 1, min(TESTED, len(texts))).astype(int))
    began = time.perf_counter()
    classifier = method_class("ulmfit")(seed=seed, **parameters).fit(*lesson(task, seed, unlabelled))
    fitted = time.perf_counter()
    accuracy = classifier.score([texts[row] for row in asked], [labels[row] for row in asked])
    return {
        "accuracy": round(float(accuracy), 4),
        "tested": len(asked),
        "threads": torch.get_num_threads(),
        "fit_seconds": round(fitted - began, 1),
        "test_seconds": round(time.perf_counter() - fitted, 1),
        "notes": list(classifier.learned_.training.notes),
    }


def measure(kind: str, task: str) -> None:
    """Every cell of a table in a process of its own; stored after each."""
    stored = f"ulmfit_{kind}_{task}"
    cells = {row["name"]: row for row in stored_rows(stored)}
    for seed in SEEDS:
        for name, parameters in (ARMS if kind == "arms" else PARTS).items():
            unlabelled = name.endswith("unlabelled too")
            if unlabelled and SIZES[task][0] not in UNLABELLED:
                continue
            row = cells.setdefault(name, {"name": name, "parameters": parameters, "runs": []})
            if len(row["runs"]) > seed:
                continue
            asked = json.dumps([task, parameters, unlabelled, seed])
            done = subprocess.run(
                [sys.executable, __file__, "--once", asked], stdout=subprocess.PIPE, text=True, check=True
            )
            row["runs"].append({"seed": seed} | json.loads(done.stdout.splitlines()[-1]))
            accuracies = [run["accuracy"] for run in row["runs"]]
            row |= mean_and_spread(accuracies)
            print(kind, task, name, seed, accuracies[-1], row["runs"][-1]["fit_seconds"], flush=True)
            store(stored, {"task": task, "table": list(cells.values())})


def main() -> None:
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(once(*json.loads(sys.argv[2]))))
        return
    tables = [("arms", task) for task in SIZES] + [("parts", task) for task in PARTS_OF]
    wanted = sys.argv[1:]
    for kind, task in tables:
        if not wanted or kind in wanted or f"{kind}:{task}" in wanted:
            measure(kind, task)


if __name__ == "__main__":
    main()
