"""The frozen road on the encoder ``use``: linear and knn with their defaults on real test files.

    python benchmarks/use_frozen.py

Nothing is tuned on a test file, and nothing is cached: seconds include encoding. `known` is what
logistic regression on this encoder's vectors reached on the same data before textgraft was written.
"""

from __future__ import annotations

from functools import partial

import textgraft as tg
from common import accuracy, store
from textgraft.methods import method_class

KNOWN = {
    ("linear", "fewshot_commits"): 0.886,
    ("linear", "trec"): 0.926,
    ("linear", "banking77"): 0.917,
    ("linear", "clinc150"): 0.943,
    ("linear", "clinc150 AUROC"): 0.956,
}


def main() -> None:
    encoder = tg.load_encoder("use", cache=None)
    encoder.encode(["open the weights before the clock runs"])
    table = []
    for data in ("fewshot_commits", "trec", "banking77", "clinc150"):
        for method in ("linear", "knn"):
            kind = method_class(method)
            table.append(accuracy(partial(kind, encoder=encoder, oos_labels=("oos",)), data, KNOWN))
            print(table[-1], flush=True)
    store("use_frozen", {"precision": encoder._precision, "table": table})


if __name__ == "__main__":
    main()
