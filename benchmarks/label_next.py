"""What labels are worth that were asked for, beside labels of texts drawn at random.

    python benchmarks/label_next.py

A classifier begins with a few rows of each class. In each of three rounds so many texts of the training file
get their labels: drawn at random; those of the smallest margin; of ten times as many of these, those farthest
from one another (Gonzalez, 1985; Sener and Savarese, 2018); or those that ``textgraft next`` chooses.
Accuracy is that on the test file.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from common import rows, store
from textgraft import LinearClassifier
from textgraft.experiments.label_next import CANDIDATES_EACH, label_next

SEEDS = (0, 1, 2, 3, 4)
ROUNDS = 3
DATA = {"banking77": (2, 77), "clinc150": (2, 150), "trec": (10, 60)}
"""Rows of each class to begin with, and texts labelled in a round."""

Choose = Callable[[LinearClassifier, list[str], int, np.random.Generator], list[int]]


def at_random(clf: LinearClassifier, texts: list[str], k: int, draw: np.random.Generator) -> list[int]:
    return [int(row) for row in draw.choice(len(texts), k, replace=False)]


def least_sure(clf: LinearClassifier, texts: list[str], k: int, draw: np.random.Generator) -> list[int]:
    values = clf.predict_scores(texts, most=2).values
    return [int(row) for row in np.argsort(values[:, 0] - values[:, 1], kind="stable")[:k]]


def farthest(clf: LinearClassifier, texts: list[str], k: int, draw: np.random.Generator) -> list[int]:
    asked = least_sure(clf, texts, CANDIDATES_EACH * k, draw)
    similarities = clf.similarities([texts[row] for row in asked])
    chosen = [0]
    while len(chosen) < k:
        chosen.append(int(similarities[:, chosen].max(axis=1).argmin()))
    return [asked[at] for at in chosen]


def chosen(clf: LinearClassifier, texts: list[str], k: int, draw: np.random.Generator) -> list[int]:
    return [one.row for one in label_next(clf, texts, k=k).wanted]


WAYS: dict[str, Choose] = {
    "random": at_random,
    "smallest margin": least_sure,
    "farthest": farthest,
    "next": chosen,
}


def accuracies(data: str, way: str, seed: int) -> list[float]:
    """Accuracy at the beginning and after each round."""
    each, k = DATA[data]
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    inside = labels != "oos"
    texts, labels = texts[inside], labels[inside]
    test_texts, test_labels = (np.array(column, dtype=object) for column in rows(f"{data}_test"))
    tested = test_labels != "oos"
    draw = np.random.default_rng(seed)
    first = [draw.choice(np.flatnonzero(labels == name), each, replace=False) for name in np.unique(labels)]
    have, found = np.concatenate(first), []
    for number in range(ROUNDS + 1):
        clf = LinearClassifier(reject=None, seed=seed).fit(texts[have].tolist(), labels[have].tolist())
        found.append(round(clf.score(test_texts[tested].tolist(), test_labels[tested]), 4))
        if number < ROUNDS:
            left = np.setdiff1d(np.arange(len(texts)), have)
            have = np.concatenate([have, left[WAYS[way](clf, texts[left].tolist(), k, draw)]])
    return found


def main() -> None:
    table = []
    for data, (each, k) in DATA.items():
        for way in WAYS:
            by_seed = [accuracies(data, way, seed) for seed in SEEDS]
            rounds = list(zip(*by_seed, strict=True))
            table.append(
                {
                    "data": data,
                    "rows_of_each_class": each,
                    "labels_a_round": k,
                    "way": way,
                    "accuracy": [round(statistics.mean(one), 4) for one in rounds],
                    "spread": [round(statistics.stdev(one), 4) for one in rounds],
                    "by_seed": by_seed,
                }
            )
            print(table[-1], flush=True)
            store("label_next", {"rounds": ROUNDS, "table": table})


if __name__ == "__main__":
    main()
