"""Whether ``auto`` should prefer a blend that is as good, on some training rows of several data sets.

    python benchmarks/defaults_auto.py

From each training file some rows of some classes are drawn to choose by, and others of the same file judge
the choice. Test files are never opened. ``cheapest`` is the one-standard-error rule alone, ``chosen`` what
``auto`` takes, ``best`` the rung that was best on the other rows, which nobody can know. Fewer than 300 rows
are few.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

import numpy as np

from common import own_encoder, rows, store
from textgraft.experiments.auto.fitting import choose
from textgraft.experiments.ladder import LADDER, Candidate

DRAWS = (
    ("banking77", 77, 20),
    ("trec", 6, 80),
    ("clinc150", 150, 15),
    ("imdb", 2, 250),
    ("ru_cedr_emotion", 6, 100),
    ("banking77", 8, 12),
    ("banking77", 20, 5),
    ("trec", 6, 15),
    ("trec", 6, 40),
    ("clinc150", 10, 10),
    ("imdb", 2, 50),
    ("ru_cedr_emotion", 6, 20),
)
"""Data set, classes drawn, rows of each to learn from."""

SEEDS = (0, 1, 2)
FEW = 300
MOST_JUDGING = {"imdb": 500}


def ladder() -> list[Candidate]:
    """All rungs but fine-tuning, which no few rows make as cheap as the others."""
    return [
        replace(one, parameters={**one.parameters, "encoder": own_encoder(one.method, **one.parameters)})
        if one.takes_encoder
        else one
        for one in LADDER
        if one.method != "finetune"
    ]


def draw(data: str, n_classes: int, per_class: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Texts and labels to choose by, and others to judge by."""
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    random = np.random.default_rng(seed)
    classes = random.permutation([name for name in np.unique(labels) if name != "oos"])[:n_classes]
    learned = np.concatenate(
        [random.permutation(np.flatnonzero(labels == name))[:per_class] for name in classes]
    )
    others = np.setdiff1d(np.flatnonzero(np.isin(labels, classes)), learned)
    judging = random.permutation(others)[: MOST_JUDGING.get(data, 600 if len(learned) < FEW else 2_000)]
    return (
        [list(texts[learned]), list(labels[learned])],
        [list(texts[judging]), list(labels[judging])],
    )


def once(data: str, n_classes: int, per_class: int, seed: int, rungs: list[Candidate]) -> dict[str, Any]:
    few, others = draw(data, n_classes, per_class, seed)
    choice, _ = choose(*few, budget=600.0, seed=seed, ladder=rungs)
    accuracy = {one.name: round(float(one.make(seed).fit(*few).score(*others)), 4) for one in rungs}
    return {
        "data": data,
        "rows": len(few[0]),
        "seed": seed,
        "cheapest": choice.cheapest,
        "chosen": choice.chosen,
        "accuracy": accuracy,
    }


def means(table: list[dict[str, Any]], rungs: list[Candidate]) -> dict[str, float]:
    """Mean accuracy on the other rows, by rule and by rung."""
    if not table:
        return {}
    found = {rule: [row["accuracy"][row[rule]] for row in table] for rule in ("cheapest", "chosen")}
    found["best"] = [max(row["accuracy"].values()) for row in table]
    found |= {f"always {one.name}": [row["accuracy"][one.name] for row in table] for one in rungs}
    return {name: round(statistics.mean(values), 4) for name, values in found.items()}


def main() -> None:
    rungs, table = ladder(), []
    for data, n_classes, per_class in DRAWS:
        for seed in SEEDS:
            table.append(once(data, n_classes, per_class, seed, rungs))
            print(table[-1], flush=True)
            few = [row for row in table if row["rows"] < FEW]
            many = [row for row in table if row["rows"] >= FEW]
            store("defaults_auto", {"few": means(few, rungs), "many": means(many, rungs), "table": table})


if __name__ == "__main__":
    main()
