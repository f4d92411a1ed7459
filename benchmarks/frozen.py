"""The table of the frozen road: its methods with their defaults on real test files.

    python benchmarks/frozen.py                    accuracy and AUROC (about ten minutes)
    python benchmarks/frozen.py --classes          neighbours among 74,731 classes, by encoder
    python benchmarks/frozen.py --coverage         what AtCoverage(0.95) keeps, by where it is fitted
    python benchmarks/frozen.py --throughput       encoding against plain sentence-transformers
    python benchmarks/frozen.py --budgets          encoding under several token budgets

Each learns from the training file with its defaults; nothing is tuned on a test file. `known`
is what the same kind of model reached on the same data before textgraft was written.
Throughput is a ratio of runs that alternate in one process, on the same texts.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import textgraft as tg
from common import CACHE, accuracy, own_encoder, rows, store
from textgraft.methods import method_class
from textgraft.networks import running

KNOWN = {
    ("linear", "banking77"): 0.930,
    ("linear", "clinc150"): 0.954,
    ("linear", "clinc150 AUROC"): 0.962,
    ("linear", "trec"): 0.900,
    ("linear", "fewshot_commits"): 0.864,
    ("tfidf", "banking77"): 0.916,
    ("tfidf", "clinc150"): 0.925,
    ("tfidf", "clinc150 AUROC"): 0.950,
    ("tfidf", "trec"): 0.876,
    ("tfidf", "fewshot_commits"): 0.953,
    ("knn", "icd10"): 0.318,
    ("knn", "icd10 in the first 10"): 0.635,
}

FROZEN = ("tfidf", "linear", "knn", "blend")

SEEDS = (0, 1, 2)


def make(method: str, **arguments: Any) -> tg.TextClassifier:
    """An unfitted classifier with its defaults, its vectors cached for the next run."""
    if method != "tfidf":
        arguments["encoder"] = own_encoder(method)
    return method_class(method)(**arguments)


def coverage(method: str) -> list[dict[str, Any]]:
    """What AtCoverage(0.95) keeps of clinc150's in-scope test texts, by where the rule is fitted."""
    return [_coverage(method, "hold-out", SEEDS), _coverage(method, "clinc150_val", SEEDS[:1])]


def _coverage(method: str, fitted_on: str, seeds: tuple[int, ...]) -> dict[str, Any]:
    kept, caught, right = [], [], []
    valid = None if fitted_on == "hold-out" else rows(fitted_on)
    for seed in seeds:
        classifier = make(method, oos_labels=("oos",), reject=tg.AtCoverage(0.95), seed=seed)
        classifier.fit(*rows("clinc150_train"), valid=valid)
        result = tg.evaluate(classifier, *rows("clinc150_test"))
        kept.append(round(result.coverage, 4))
        caught.append(round(result.out_of_scope_recall or 0.0, 4))
        right.append(round(result.accuracy_of_accepted or 0.0, 4))
    return {
        "method": method,
        "data": "clinc150",
        "rule": "coverage:0.95",
        "fitted_on": fitted_on,
        "seeds": seeds,
        "coverage": kept,
        "out_of_scope_recall": caught,
        "in_scope_accuracy_of_accepted": right,
    }


def many_classes(encoder: str) -> dict[str, Any]:
    """Nearest neighbours among the classes of icd10, one or two rows each: accuracy@1 and @10."""
    classifier = tg.KNNClassifier(tg.load_encoder(encoder, cache=CACHE)).fit(*rows("icd10_train"))
    texts, labels = rows("icd10_test")
    began = time.perf_counter()
    scores = classifier.predict_scores(texts)
    seconds = time.perf_counter() - began
    hits = classifier.classes_[scores.codes[:, :10]] == np.array(labels, dtype=object)[:, None]
    return {
        "method": "knn",
        "encoder": encoder,
        "data": "icd10",
        "classes": len(classifier.classes_),
        "accuracy": round(float(hits[:, 0].mean()), 4),
        "known": KNOWN["knn", "icd10"],
        "accuracy_at_10": round(float(hits.any(axis=1).mean()), 4),
        "known_at_10": KNOWN["knn", "icd10 in the first 10"],
        "test_seconds": round(seconds, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def throughput(pairs: int = 9) -> list[dict[str, Any]]:
    """Texts per second over those of sentence-transformers with its defaults, pair by pair."""
    from sentence_transformers import SentenceTransformer

    ours = tg.load_encoder("minilm", cache=None)
    plain = SentenceTransformer(str(ours.weights.folder))
    exact = tg.load_encoder("minilm", cache=None, precision="fp32")
    table = []
    for name, n in (("banking77", 2_000), ("trec", 2_000), ("imdb", 160)):
        texts = rows(f"{name}_train")[0][:n]
        runs: dict[str, Callable[[], np.ndarray]] = {
            "auto": lambda texts=texts: ours.encode(texts),
            "fp32": lambda texts=texts: exact.encode(texts),
            "plain": lambda texts=texts: plain.encode(texts, show_progress_bar=False),
        }
        vectors = {key: run() for key, run in runs.items()}
        seconds: dict[str, list[float]] = {key: [] for key in runs}
        for _ in range(pairs):
            for key, run in runs.items():
                began = time.perf_counter()
                run()
                seconds[key].append(time.perf_counter() - began)
        row: dict[str, Any] = {
            "data": name,
            "texts": n,
            "mean_tokens": float(ours.count_tokens(texts).mean().round(1)),
        }
        for key in ("auto", "fp32"):
            ratios = [b / a for a, b in zip(seconds[key], seconds["plain"], strict=True)]
            row[f"{key}_over_plain"] = {
                "median": round(statistics.median(ratios), 2),
                "min": round(min(ratios), 2),
                "max": round(max(ratios), 2),
            }
            row[f"{key}_largest_cosine_distance"] = float(
                f"{(1 - (vectors[key] * vectors['plain']).sum(1)).max():.1e}"
            )
        row["plain_texts_per_second"] = round(n / statistics.median(seconds["plain"]))
        print(row, flush=True)
        table.append(row)
    return table


def budgets() -> list[dict[str, Any]]:
    """Texts per second by tokens a batch."""
    ours = tg.load_encoder("minilm", cache=None)
    table = []
    for name, n in (("banking77", 2_000), ("imdb", 160)):
        texts = rows(f"{name}_train")[0][:n]
        ours.encode(texts[:50])
        for budget in (512, 1_024, 2_048, 4_096, 8_192) * 2:
            running.TOKEN_BUDGET["cpu"] = budget
            began = time.perf_counter()
            ours.encode(texts)
            table.append(
                {"data": name, "budget": budget, "texts_per_second": round(n / (time.perf_counter() - began))}
            )
            print(table[-1], flush=True)
    return table


def main() -> None:
    if "--throughput" in sys.argv:
        store("encode_throughput", {"table": throughput()})
    elif "--budgets" in sys.argv:
        store("encode_budgets", {"table": budgets()})
    elif "--classes" in sys.argv:
        # the peak of memory is the process's, so the smaller one first
        table = [many_classes(encoder) for encoder in ("minilm", "minilm+lower")]
        print(*table, sep="\n")
        store("many_classes", {"table": table})
    elif "--coverage" in sys.argv:
        table = []
        for method in ("knn", "linear", "tfidf"):
            for row in coverage(method):
                print(row, flush=True)
                table.append(row)
            store("coverage", {"table": table})
    else:
        table = []
        for data in ("fewshot_commits", "trec", "banking77", "clinc150"):
            for method in FROZEN:
                table.append(accuracy(partial(make, method, oos_labels=("oos",)), data, KNOWN))
                print(table[-1], flush=True)
        store("frozen", {"table": table})


if __name__ == "__main__":
    main()
