"""Accuracy of every trained method on real data, seeds 0–2, beside what is known.

    python benchmarks/trained.py                     all rows of the table, one after another
    python benchmarks/trained.py finetune:trec …     some of them
    python benchmarks/trained.py --setfit            SetFit beside finetune on fewshot_commits

Each row is stored as soon as it is done, in benchmarks/results, so a stopped run goes
on with what is missing; ``--again`` makes rows anew.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import textgraft as tg
from common import RESULTS, rows, store
from textgraft.methods import method_class

SEEDS = (0, 1, 2)

REACH: dict[str, tuple[str, dict[str, Any], str, float]] = {
    "siamese:fewshot_commits": ("siamese", {"encoder": "use"}, "fewshot_commits", 0.90),
    "finetune:fewshot_commits": ("finetune", {}, "fewshot_commits", 0.955),
    "finetune:trec": ("finetune", {}, "trec", 0.966),
    "finetune:banking77": ("finetune", {}, "banking77", 0.940),
    "finetune:clinc150": ("finetune", {}, "clinc150", 0.967),
    "finetune:imdb": ("finetune", {}, "imdb", 0.915),
    "word-gru:imdb": ("word-gru", {}, "imdb", 0.880),
    "transformer-gru:imdb": ("transformer-gru", {}, "imdb", 0.90),
}
"""Name → method, parameters, data, accuracy asked for."""


def once(name: str, seed: int) -> dict[str, Any]:
    """One fit and one evaluation."""
    method, parameters, data, _ = REACH[name]
    began = time.perf_counter()
    classifier = method_class(method)(oos_labels=("oos",), seed=seed, **parameters).fit(
        *rows(f"{data}_train")
    )
    fitted = time.perf_counter()
    result = tg.evaluate(classifier, *rows(f"{data}_test"))
    return {
        "accuracy": round(result.accuracy, 4),
        "auroc": None if result.auroc is None else round(result.auroc, 4),
        "fit_seconds": round(fitted - began, 1),
        "test_seconds": round(time.perf_counter() - fitted, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "notes": list(classifier.learned_.training.notes),
    }


def measured(name: str) -> dict[str, Any]:
    """All seeds, each in a process of its own, so that memory is one fit's."""
    method, parameters, data, reach = REACH[name]
    runs = []
    for seed in SEEDS:
        done = subprocess.run(
            [sys.executable, __file__, "--once", name, str(seed)], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        print(name, seed, runs[-1], flush=True)
    accuracies = [run["accuracy"] for run in runs]
    return {
        "method": method,
        "parameters": parameters,
        "data": data,
        "reach": reach,
        "accuracy": round(statistics.mean(accuracies), 4),
        "spread": round(statistics.stdev(accuracies), 4),
        "by_seed": accuracies,
        "runs": runs,
    }


def main() -> None:
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(once(sys.argv[2], int(sys.argv[3]))))
        return
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")] or list(REACH)
    for name in wanted:
        stored = f"trained_{name.replace(':', '_')}"
        if (RESULTS / f"{stored}.json").is_file() and "--again" not in sys.argv:
            continue
        store(stored, {"table": [measured(name)]})


if __name__ == "__main__":
    main()
