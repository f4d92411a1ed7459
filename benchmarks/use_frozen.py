"""The frozen road on the encoder ``use``: linear and knn with their defaults on real test files.

    python benchmarks/use_frozen.py

Nothing is tuned on a test file. `known` is what logistic regression on this encoder's vectors
reached on the same data before textgraft was written.
"""

from __future__ import annotations

import time
from typing import Any

import textgraft as tg
from common import rows, store
from textgraft.methods import method_class

KNOWN = {
    ("linear", "fewshot_commits"): 0.886,
    ("linear", "trec"): 0.926,
    ("linear", "banking77"): 0.917,
    ("linear", "clinc150"): 0.943,
    ("linear", "clinc150 AUROC"): 0.956,
}


def accuracy(method: str, data: str, encoder: tg.Encoder) -> dict[str, Any]:
    """Default accuracy on the test file, AUROC where it has out-of-scope rows, and seconds.

    Nothing is cached: seconds include encoding.
    """
    began = time.perf_counter()
    classifier = method_class(method)(encoder=encoder, oos_labels=("oos",)).fit(*rows(f"{data}_train"))
    fitted = time.perf_counter()
    result = tg.evaluate(classifier, *rows(f"{data}_test"))
    found = {
        "method": method,
        "data": data,
        "accuracy": round(result.accuracy, 4),
        "macro_f1": round(result.macro_f1, 4),
        "known": KNOWN.get((method, data)),
        "fit_seconds": round(fitted - began, 1),
        "test_seconds": round(time.perf_counter() - fitted, 1),
    }
    if result.auroc is not None:
        found["auroc"] = round(result.auroc, 4)
        found["known_auroc"] = KNOWN.get((method, f"{data} AUROC"))
        found["fpr_at_95_tpr"] = round(result.fpr_at_95_tpr or 0.0, 4)
    return found


def main() -> None:
    encoder = tg.load_encoder("use", cache=None)
    encoder.encode(["open the weights before the clock runs"])
    table = []
    for data in ("fewshot_commits", "trec", "banking77", "clinc150"):
        for method in ("linear", "knn"):
            table.append(accuracy(method, data, encoder))
            print(table[-1], flush=True)
    store("use_frozen", {"precision": encoder._precision, "table": table})


if __name__ == "__main__":
    main()
