"""What ``fit -m auto`` chooses within ten minutes, beside the best single method that was measured.

    python benchmarks/auto.py                      every data set, three seeds
    python benchmarks/auto.py trec banking77       some of them
    python benchmarks/auto.py --budget 3m trec     another budget

Needs a machine with nothing else to do: a budget is time. The accuracy is that of the test file,
which the choice never sees. The best single method is looked up in the stored results of ``frozen.py``
and ``trained.py``, however long it took there. Stored after each fit; ``--again`` makes rows anew.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any

import torch

import textgraft as tg
from common import RESULTS, commit, mean_and_spread, rows, store, stored_rows
from textgraft.encoders import CACHE_VARIABLE
from textgraft.experiments.auto.fitting import fit_auto

SEEDS = (0, 1, 2)
DATA = ("fewshot_commits", "trec", "banking77", "clinc150", "imdb")
ALLOWED = 0.01
"""How far below the best single method it may be."""


def best_single(data: str) -> dict[str, Any]:
    """The best method of the ladder that was measured on the test file."""
    single = [row for row in stored_rows("frozen") if row["data"] == data]
    for path in sorted(RESULTS.glob(f"trained_*_{data}.json")):
        single += stored_rows(path.stem)
    best = max(single, key=lambda row: row["accuracy"])
    return {"method": best["method"], "accuracy": best["accuracy"]}


def once(data: str, budget: str, seed: int) -> dict[str, Any]:
    """One choice and one evaluation."""
    # vectors of an earlier run would be a gift of minutes
    with tempfile.TemporaryDirectory() as os.environ[CACHE_VARIABLE]:
        began = time.monotonic()
        classifier, choice = fit_auto(*rows(f"{data}_train"), budget=budget, oos_labels=("oos",), seed=seed)
        seconds = time.monotonic() - began
        result = tg.evaluate(classifier, *rows(f"{data}_test"))
    return {
        "seed": seed,
        # of each, since they may be hours and changes apart
        "commit": commit(),
        "accuracy": round(result.accuracy, 4),
        "chosen": choice.chosen,
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "said": choice.sentences(),
    }


def summed(row: dict[str, Any]) -> dict[str, Any]:
    """A data set's runs, and how far they are behind the best single method as it is stored now."""
    best, found = best_single(row["data"]), mean_and_spread([run["accuracy"] for run in row["runs"]])
    return row | found | {"best_single": best, "behind": round(best["accuracy"] - found["accuracy"], 4)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="*", default=DATA)
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    name = "auto" if asked.budget == "10m" else f"auto_{asked.budget}"
    cells = {} if asked.again else {row["data"]: row for row in stored_rows(name)}
    for seed in SEEDS:
        for data in asked.data:
            row = cells.setdefault(data, {"data": data, "allowed": ALLOWED, "runs": []})
            if len(row["runs"]) > seed:
                continue
            row["runs"].append(once(data, asked.budget, seed))
            cells[data] = summed(row)
            print(data, row["runs"][-1], cells[data]["behind"], flush=True)
            store(name, {"budget": asked.budget, "table": list(cells.values())})
    # single methods may have been measured again since
    store(name, {"budget": asked.budget, "table": [summed(row) for row in cells.values()]})


if __name__ == "__main__":
    main()
