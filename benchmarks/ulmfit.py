"""ULMFiT on real data, three seeds: what each stage is worth, and what each part of the recipe is.

    python benchmarks/ulmfit.py                       the cells that are missing, seed after seed
    python benchmarks/ulmfit.py arms:trec parts …     some of them: arms, parts, or arms:TASK and parts:TASK
    python benchmarks/ulmfit.py --seeds=0 …           of one seed, or several: 0,1
    python benchmarks/ulmfit.py --skip ARM …          all but a column, say the dearest

Arms: random weights; the packaged model as it is; adapted on the labelled texts; adapted on labelled and
unlabelled texts. Parts: the adapted arm with one part of the recipe switched off at a time. The same rows and
seeds in every column. Each cell is stored as soon as it is done, so a stopped run goes on.

With unlabelled texts, the model is adapted once a seed by ``textgraft adapt``, to all reviews, and serves
every number of labels: adapting reads no label, and a review is read whether its label counts or not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from common import CACHE, last_line, mean_and_spread, rows, store, stored_rows, texts_alone
from textgraft.language.packaged import find_language_model
from textgraft.methods import method_class
from textgraft.methods.ulmfit_recipes import usual_recipe

SEEDS = (0, 1, 2)

UNLABELLED = "adapted, unlabelled too"

ARMS: dict[str, dict[str, Any]] = {
    "from scratch": {"scratch": True, "adapt": 0},
    "packaged": {"adapt": 0},
    "adapted": {},
    UNLABELLED: {"adapt": 0},
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


@dataclass(frozen=True)
class Task:
    """What is learned and asked.

    Attributes:
        data: name of the data set.
        labels: how many, of each class as many; ``None`` is all.
        asked: rows of the test file, evenly spaced; ``None`` is all.
        arms: of :data:`ARMS`.
        parts: whether parts are switched off on it.
    """

    data: str
    labels: int | None
    asked: int | None = None
    arms: tuple[str, ...] = tuple(ARMS)
    parts: bool = False


TASKS = {
    "trec": Task("trec", None, arms=("from scratch", "packaged", "adapted"), parts=True),
    "imdb-100": Task("imdb", 100, asked=5_000),
    "imdb-500": Task("imdb", 500, asked=5_000, parts=True),
    "imdb": Task("imdb", None, arms=(UNLABELLED,)),
    "imdb-5000": Task("imdb", 5_000, asked=5_000),
}


def lesson(task: Task, seed: int) -> tuple[list[str], list[str]]:
    """Training rows of a task; of a part, as many of each class, drawn by seed."""
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{task.data}_train"))
    if task.labels is not None:
        draw = np.random.default_rng(seed)
        names = np.unique(labels)
        each = task.labels // len(names)
        some = [draw.permutation(np.flatnonzero(labels == name))[:each] for name in names]
        chosen = draw.permutation(np.concatenate(some))
        texts, labels = texts[chosen], labels[chosen]
    return list(texts), list(labels)


def packaged_name() -> str:
    """What tells the packaged model from another."""
    return find_language_model("english").fingerprint()[:12]


def adapted_once(data: str, seed: int) -> tuple[str, dict[str, Any]]:
    """The packaged model, adapted to all texts of a data set as ``fit`` would: its folder, and what it says.

    It is kept for the next fit, and made anew where the packaged one is another.
    """
    kept = CACHE / "adapted" / f"{data} {seed} {packaged_name()}"
    folder, said = kept / "texts.lm", kept / "said.json"
    if not said.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        texts = [*rows(f"{data}_train")[0], *texts_alone(f"{data}_unsup")]
        pq.write_table(pa.table({"text": texts}), kept / "texts.parquet")
        epochs = usual_recipe(len(texts)).adapt
        words = ["adapt", str(kept / "texts.parquet"), "--from", "english", "--to", str(folder)]
        numbers = ["--epochs", str(epochs), "--seed", str(seed), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "textgraft", *words, *numbers],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        said.write_text(done.stdout)
    summary = json.loads(said.read_text())
    return str(folder), {"adapted": {name: summary[name] for name in ("seconds", "perplexity", "notes")}}


def once(kind: str, name: str, parameters: dict[str, Any], seed: int, arm: str) -> dict[str, Any]:
    """One fit and one score."""
    task = TASKS[name]
    texts, labels = rows(f"{task.data}_test")
    asked = np.unique(np.linspace(0, len(texts) - 1, min(task.asked or len(texts), len(texts))).astype(int))
    about: dict[str, Any] = {}
    run = CACHE / "runs" / f"ulmfit {kind} {name} {arm} {seed}"
    resumed = run.is_dir()
    if arm == UNLABELLED:
        folder, about = adapted_once(task.data, seed)
        parameters = parameters | {"language_model": folder}
    began = time.perf_counter()
    classifier = method_class("ulmfit")(seed=seed, **parameters)
    classifier.fit(*lesson(task, seed), run=run)
    fitted = time.perf_counter()
    accuracy = classifier.score([texts[row] for row in asked], [labels[row] for row in asked])
    shutil.rmtree(run)
    return {
        "accuracy": round(float(accuracy), 4),
        "tested": len(asked),
        "threads": torch.get_num_threads(),
        "fit_seconds": round(fitted - began, 1),
        "resumed": resumed,
        "test_seconds": round(time.perf_counter() - fitted, 1),
        "notes": list(classifier.learned_.training.notes),
    } | about


def measure(kind: str, name: str, seed: int, packaged: str, skipped: list[str]) -> None:
    """Every cell of a table for one seed, each in a process of its own; stored after each."""
    stored, task = f"ulmfit_{kind}_{name}", TASKS[name]
    # what another packaged model gave is no row of this table
    cells = {row["name"]: row for row in stored_rows(stored) if row.get("packaged") == packaged}
    of = {arm: ARMS[arm] for arm in task.arms} if kind == "arms" else PARTS
    for arm, parameters in of.items():
        new = {"name": arm, "parameters": parameters, "packaged": packaged, "runs": []}
        row = cells.get(arm, new)
        if arm in skipped or any(run["seed"] == seed for run in row["runs"]):
            continue
        asked = json.dumps([kind, name, parameters, seed, arm])
        found = last_line([sys.executable, __file__, "--once", asked])
        row["runs"].append({"seed": seed} | found)
        accuracies = [run["accuracy"] for run in row["runs"]]
        row |= mean_and_spread(accuracies)
        print(kind, name, arm, seed, found["accuracy"], found["fit_seconds"], flush=True)
        cells[arm] = row
        store(stored, {"task": name, "table": [cells[arm] for arm in of if arm in cells]})


def main() -> None:
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(once(*json.loads(sys.argv[2]))))
        return
    tables = [("arms", name) for name in TASKS] + [("parts", name) for name in TASKS if TASKS[name].parts]
    parser = argparse.ArgumentParser()
    parser.add_argument("wanted", nargs="*")
    parser.add_argument("--seeds", type=lambda said: [int(seed) for seed in said.split(",")], default=SEEDS)
    parser.add_argument("--skip", action="append", default=[], choices=[*ARMS, *PARTS])
    given = parser.parse_args()
    packaged = packaged_name()
    for seed in given.seeds:
        for kind, name in tables:
            if not given.wanted or {kind, f"{kind}:{name}"} & set(given.wanted):
                measure(kind, name, seed, packaged, given.skip)


if __name__ == "__main__":
    main()
