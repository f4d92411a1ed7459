"""Accuracy of every trained method on real data, seeds 0–2, beside what is known.

    python benchmarks/trained.py                     all rows of the table, one after another
    python benchmarks/trained.py finetune:trec …     some of them

Each fit is stored as soon as it is done, in benchmarks/results, so a stopped run goes on with
the seeds that are missing; ``--again`` makes rows anew. A fit on the long reviews keeps
checkpoints, from which a stopped one goes on; its seconds are then those of its last part.
Seconds are those of the threads that ``OMP_NUM_THREADS`` allows (stored with them), and of a
machine that may have had other work.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from typing import Any

import torch

import textgraft as tg
from common import CACHE, last_line, mean_and_spread, rows, store, stored_rows
from textgraft.methods import method_class

SEEDS = (0, 1, 2)

REACH: dict[str, tuple[str, dict[str, Any], str, float]] = {
    "finetune:fewshot_commits": ("finetune", {}, "fewshot_commits", 0.955),
    "finetune:trec": ("finetune", {}, "trec", 0.966),
    "finetune:banking77": ("finetune", {}, "banking77", 0.940),
    "finetune:clinc150": ("finetune", {}, "clinc150", 0.967),
    "finetune:imdb": ("finetune", {}, "imdb", 0.915),
    "word-gru:imdb": ("word-gru", {}, "imdb", 0.880),
    "transformer-gru:imdb": ("transformer-gru", {}, "imdb", 0.90),
}
"""Name → method, parameters, data, accuracy asked for; siamese, pair and ulmfit have scripts of their own."""


def once(name: str, seed: int) -> dict[str, Any]:
    """One fit and one evaluation."""
    method, parameters, data, _ = REACH[name]
    run = CACHE / "runs" / f"{name.replace(':', '_')}_{seed}" if data == "imdb" else None
    resumed = run is not None and run.is_dir()
    began = time.perf_counter()
    texts, labels = rows(f"{data}_train")
    classifier = method_class(method)(oos_labels=("oos",), seed=seed, **parameters)
    classifier.fit(texts, labels, run=run)
    fitted = time.perf_counter()
    result = tg.evaluate(classifier, *rows(f"{data}_test"))
    if run is not None:
        shutil.rmtree(run)
    return {
        "accuracy": round(result.accuracy, 4),
        "auroc": None if result.auroc is None else round(result.auroc, 4),
        "fpr_at_95_tpr": None if result.fpr_at_95_tpr is None else round(result.fpr_at_95_tpr, 4),
        "threads": torch.get_num_threads(),
        "fit_seconds": round(fitted - began, 1),
        "resumed": resumed,
        "test_seconds": round(time.perf_counter() - fitted, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "notes": list(classifier.learned_.training.notes),
    }


def measure(name: str, again: bool) -> None:
    """Every seed in a process of its own, so that memory is one fit's; stored after each."""
    method, parameters, data, reach = REACH[name]
    stored = f"trained_{name.replace(':', '_')}"
    # runs with other parameters, such as defaults of before, are not runs of this row
    before = [row for row in stored_rows(stored) if row["parameters"] == parameters and not again]
    runs = before[0]["runs"] if before else []
    for seed in SEEDS[len(runs) :]:
        found = last_line([sys.executable, __file__, "--once", name, str(seed)])
        runs.append({"seed": seed} | found)
        print(name, runs[-1], flush=True)
        accuracies = [run["accuracy"] for run in runs]
        row = {
            "method": method,
            "parameters": parameters,
            "data": data,
            "reach": reach,
            **mean_and_spread(accuracies),
            "by_seed": accuracies,
            "runs": runs,
        }
        store(stored, {"table": [row]})


def main() -> None:
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(once(sys.argv[2], int(sys.argv[3]))))
        return
    for name in [name for name in sys.argv[1:] if not name.startswith("--")] or list(REACH):
        measure(name, "--again" in sys.argv)


if __name__ == "__main__":
    main()
