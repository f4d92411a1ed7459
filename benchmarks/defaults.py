"""Choose defaults by cross-validation on training rows of several data sets.

For every candidate: accuracy on held-out folds, and AUROC of telling texts of known classes
from texts of classes that were left out of learning (a stand-in for out-of-scope texts that
needs none). Test files are never opened. Candidates are judged by their mean accuracy over data
sets; differences below 0.002 are smaller than those between folds, and among such the choice is
by judgement.

    python benchmarks/defaults.py [tfidf|linear|knn|blend|linear:encoder ...]
"""

from __future__ import annotations

import csv
import sys
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

import textgraft as tg
from common import ROOT, own_encoder, rows, store
from textgraft.core.splits import fold_numbers
from textgraft.methods import method_class

MOST_ROWS = 4_000
FOLDS = 5

GRID: dict[str, list[dict[str, Any]]] = {
    "tfidf": [
        *({"C": C} for C in (3.0, 10.0, 30.0, 100.0)),
        {"C": 30.0, "word_ngrams": 1},
        {"C": 30.0, "word_ngrams": 3},
        {"C": 30.0, "char_ngrams": 4},
        {"C": 30.0, "char_ngrams": 6},
        {"C": 30.0, "max_features": 20_000},
        *({"C": 30.0, "term_weights": weights} for weights in ("idf", "naive-bayes")),
    ],
    "linear": [{"C": C} for C in (1.0, 2.0, 3.0, 5.0, 10.0, 20.0)],
    "knn": [
        {"k": k, "temperature": heat}
        for k in (1, 5, 10, 20, 30, 50)
        for heat in (0.1, 0.15, 0.2, None)
        if k > 1 or heat == 0.1
    ],
    **{
        f"{method}:encoder": [{"encoder": name} for name in ("minilm", "minilm+lower")]
        for method in ("linear", "knn", "blend")
    },
    "blend": [{"parts": parts} for parts in ("tfidf+linear", "tfidf+knn", "linear+knn", "tfidf+linear+knn")],
}


def training_sets(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """At most 4,000 training rows of each data set, drawn with a seed."""
    sets: dict[str, tuple[list[str], list[str]]] = {
        name: rows(f"{name}_train")
        for name in ("fewshot_commits", "trec", "banking77", "clinc150", "ru_cedr_emotion", "imdb")
    }
    with (ROOT / "examples" / "support_tickets.csv").open(encoding="utf-8", newline="") as file:
        tickets = [row for row in csv.DictReader(file) if row["text"].strip() and row["label"]]
    sets["support_tickets"] = [row["text"] for row in tickets], [row["label"] for row in tickets]
    random = np.random.default_rng(seed)
    chosen = {}
    for name, (texts, labels) in sets.items():
        keep = np.array([label != "oos" for label in labels])
        some = random.permutation(np.flatnonzero(keep))[: 1_000 if name == "imdb" else MOST_ROWS]
        chosen[name] = np.array(texts, dtype=object)[some], np.array(labels, dtype=object)[some]
    return chosen


def judge(method: str, arguments: dict[str, Any], texts: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Mean over folds of accuracy, and of AUROC under three confidences."""
    classes, codes = np.unique(labels, return_inverse=True)
    folds = fold_numbers(codes, FOLDS, seed=0)
    measured: dict[str, list[float]] = {"accuracy": []}
    n_folds = FOLDS if len(labels) <= 1_000 else 2
    for fold in range(n_folds):
        train, test = folds != fold, folds == fold
        classifier = make(method, arguments).fit(texts[train], labels[train])
        measured["accuracy"].append(float((classifier.predict(texts[test]) == labels[test]).mean()))
        if len(classes) >= 4:
            unseen = np.isin(codes, np.arange(fold, len(classes), 4))
            classifier = make(method, arguments).fit(texts[train & ~unseen], labels[train & ~unseen])
            scores = classifier.predict_scores(texts[test])
            known = ~unseen[test]
            for name, value in (("confidence", scores.confidence), ("belief", scores.values[:, 0])):
                measured.setdefault(f"auroc_{name}", []).append(float(roc_auc_score(known, value)))
    return {name: round(float(np.mean(values)), 4) for name, values in measured.items()}


def make(method: str, arguments: dict[str, Any]) -> tg.TextClassifier:
    """An unfitted classifier, its vectors cached."""
    kind = method_class(method)
    if method == "tfidf":
        return kind(**arguments)
    return kind(**(arguments | {"encoder": own_encoder(method, **arguments)}))


def main() -> None:
    sets = training_sets(seed=0)
    for name in sys.argv[1:] or list(GRID):
        table, method = [], name.partition(":")[0]
        for arguments in GRID[name]:
            by_set = {data: judge(method, arguments, *pair) for data, pair in sets.items()}
            mean = {
                key: round(float(np.mean([found[key] for found in by_set.values() if key in found])), 4)
                for key in ("accuracy", "auroc_confidence", "auroc_belief")
            }
            print(method, arguments, mean, flush=True)
            table.append({"arguments": arguments, "mean": mean, "by_set": by_set})
            n_rows = {data: len(pair[1]) for data, pair in sets.items()}
            # stored after every candidate: a run that is stopped keeps what it measured
            store(
                f"defaults_{name.replace(':', '_')}", {"method": method, "rows": n_rows, "candidates": table}
            )


if __name__ == "__main__":
    main()
