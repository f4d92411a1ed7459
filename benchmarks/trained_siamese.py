"""The method `siamese` on the few-shot task of commit messages, its encoder frozen or trained.

    python benchmarks/trained_siamese.py

Learns from the 100 training rows with each of three seeds and answers all test rows; nothing is
tuned on them (`benchmarks/defaults_siamese.py` chose the defaults on training rows). `known` is
what the same kind of network reached on the same data before textgraft was written.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from common import CACHE, rows, store
from textgraft.encoders import load_encoder
from textgraft.methods.siamese import SiameseClassifier

SEEDS = (0, 1, 2)
KNOWN = {"use": 0.876}


def measure(name: str, train_encoder: bool) -> dict[str, Any]:
    """Test accuracy by seed, its mean and spread, and seconds with vectors cached."""
    encoder = load_encoder(name, cache=CACHE)
    train, test = rows("fewshot_commits_train"), rows("fewshot_commits_test")
    encoder.encode([*train[0], *test[0]])
    accuracy, fit_seconds, test_seconds = [], [], []
    for seed in SEEDS:
        began = time.perf_counter()
        classifier = SiameseClassifier(encoder, train_encoder=train_encoder, seed=seed).fit(*train)
        fitted = time.perf_counter()
        accuracy.append(round(classifier.score(*test), 4))
        fit_seconds.append(round(fitted - began, 1))
        test_seconds.append(round(time.perf_counter() - fitted, 1))
    return {
        "method": "siamese",
        "encoder": name,
        "train_encoder": train_encoder,
        "data": "fewshot_commits",
        "seeds": SEEDS,
        "accuracy": accuracy,
        "mean": round(statistics.mean(accuracy), 4),
        "standard_deviation": round(statistics.stdev(accuracy), 4),
        "known": KNOWN.get(name),
        "fit_seconds": statistics.median(fit_seconds),
        "test_seconds": statistics.median(test_seconds),
    }


def main() -> None:
    table = []
    for name in ("use", "minilm"):
        for train_encoder in (False, True):
            table.append(measure(name, train_encoder))
            print(table[-1], flush=True)
            store("trained_siamese", {"table": table})


if __name__ == "__main__":
    main()
