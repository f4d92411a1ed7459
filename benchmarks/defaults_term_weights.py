"""Up to how many classes should terms weigh more that tell a class from the others?

    python benchmarks/defaults_term_weights.py

``tfidf`` with ``term_weights`` ``idf`` and ``naive-bayes`` on the same rows: random classes of training files
with many, 8 and 40 rows of each, judged on up to 60 more of each; and files of few classes whole, cut into
five parts of which two are judged, also read as words alone. Test files are never opened. Stored after each
cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import textgraft as tg
from common import rows, store, stored_rows
from textgraft.core.splits import fold_numbers
from textgraft.experiments.ladder import LADDER

WEIGHTS = ("idf", "naive-bayes")
MANY, N_CLASSES, SHOTS, JUDGED = ("banking77", "clinc150"), (2, 3, 6, 12, 25, 50), (8, 40), 60
FEW = ("fewshot_commits", "trec", "ru_cedr_emotion", "imdb")
DRAWS = 12
FOLDS = 5

(WORDS,) = (one for one in LADDER if one.name == "tfidf words")
READS: dict[str, dict[str, Any]] = {"words and characters": {}, "words": dict(WORDS.parameters)}

Split = tuple[np.ndarray, np.ndarray]


def in_scope(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Texts and labels of a training file."""
    texts, labels = (np.array(column, dtype=object) for column in rows(f"{data}_train"))
    return texts[labels != "oos"], labels[labels != "oos"]


def draws(labels: np.ndarray, n_classes: int, shot: int) -> Iterator[Split]:
    """Rows to learn from and to judge: some of random classes."""
    names = np.unique(labels)
    for seed in range(DRAWS if n_classes < 25 else DRAWS // 3):
        random = np.random.default_rng(seed)
        chosen = random.permutation(names)[:n_classes]
        shuffled = [random.permutation(np.flatnonzero(labels == name)) for name in chosen]
        yield (
            np.concatenate([of[:shot] for of in shuffled]),
            np.concatenate([of[shot : shot + JUDGED] for of in shuffled]),
        )


def parts(labels: np.ndarray, n: int) -> Iterator[Split]:
    """Rows to learn from and to judge: all others, and each of the first ``n`` parts."""
    folds = fold_numbers(np.unique(labels, return_inverse=True)[1], FOLDS, seed=0)
    for fold in range(n):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def cell(
    texts: np.ndarray, labels: np.ndarray, splits: Iterator[Split], parameters: dict[str, Any]
) -> dict[str, float]:
    """Mean accuracy by weights, over splits."""
    right: dict[str, list[float]] = {weights: [] for weights in WEIGHTS}
    for learns, judged in splits:
        for weights in WEIGHTS:
            classifier = tg.TfidfClassifier(reject=None, term_weights=weights, **parameters)
            classifier.fit(list(texts[learns]), list(labels[learns]))
            right[weights].append(float((classifier.predict(list(texts[judged])) == labels[judged]).mean()))
    return {weights: round(float(np.mean(found)), 4) for weights, found in right.items()}


def main() -> None:
    table = list(stored_rows("defaults_term_weights"))
    keys = ("data", "classes", "shot", "reads")
    done = {tuple(row[key] for key in keys) for row in table}
    few = [(data, None, None, reads) for reads in READS for data in FEW]
    many = [(data, n, shot, "words and characters") for data in MANY for n in N_CLASSES for shot in SHOTS]
    for data, n, shot, reads in [*few, *many]:
        texts, labels = in_scope(data)
        key = (data, n or len(np.unique(labels)), shot, reads)
        if key in done:
            continue
        splits = draws(labels, n, shot or 0) if n else parts(labels, FOLDS if len(labels) < 1_000 else 2)
        table.append(dict(zip(keys, key, strict=True)) | cell(texts, labels, splits, READS[reads]))
        print(table[-1], flush=True)
        store("defaults_term_weights", {"table": table})


if __name__ == "__main__":
    main()
