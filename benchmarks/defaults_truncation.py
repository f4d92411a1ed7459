"""Choose what is left out of long texts, on training rows of the one data set that has such texts.

    python benchmarks/defaults_truncation.py

Reviews are drawn from the training file of imdb, to learn from and to be scored on; no test file
is read. ``frozen`` is logistic regression over the vectors of the encoder as it is, on four folds.
Fits that are stored already are left as they are.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

import textgraft as tg
from common import rows, store, stored_rows
from textgraft.encoders.encoder import as_trainable
from textgraft.methods import method_class
from textgraft.methods.evidence import unit_rows
from textgraft.networks.packed import to_bf16
from textgraft.networks.running import outputs_in_order
from textgraft.text.truncation import TRUNCATE

STORED = "defaults_truncation"
FITS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("frozen", {"encoder": "minilm", "max_tokens": 256}),
    ("word-gru", {"epochs": 6}),
    ("finetune", {"epochs": 2, "rate": 1e-4}),
)
ROWS, SCORED = 4_000, 4_000


def frozen(truncate: str, encoder: str, max_tokens: int, texts: list[str], labels: list[str]) -> list[float]:
    """Accuracy on each of four folds."""
    pretrained = as_trainable(tg.load_encoder(encoder), "this benchmark").trainable().truncating(truncate)
    network = pretrained.network.requires_grad_(False).eval()
    if bf16 := pretrained.precision == "bf16":
        to_bf16(network, pretrained.device)
    ids, pad = pretrained.tokens.ids(texts, max_tokens), pretrained.tokens.pad
    vectors = unit_rows(outputs_in_order(network, ids, network.dim, pad, pretrained.device, bf16))
    scores = cross_val_score(LogisticRegression(C=10.0, max_iter=2_000), vectors, labels, cv=4)
    return [round(float(score), 4) for score in scores]


def main() -> None:
    texts, labels = (np.array(column, dtype=object) for column in rows("imdb_train"))
    order = np.random.default_rng(0).permutation(len(texts))
    learns, scored = order[:ROWS], order[ROWS : ROWS + SCORED]
    table = stored_rows(STORED)
    for method, parameters in FITS:
        for truncate in TRUNCATE:
            if any((row["method"], row["truncate"]) == (method, truncate) for row in table):
                continue
            began = time.perf_counter()
            if method == "frozen":
                found = frozen(truncate, texts=list(texts[learns]), labels=list(labels[learns]), **parameters)
            else:
                clf = method_class(method)(truncate=truncate, **parameters)
                clf.fit(list(texts[learns]), list(labels[learns]))
                found = [round(float(clf.score(list(texts[scored]), list(labels[scored]))), 4)]
            row = {
                "method": method,
                "parameters": parameters,
                "truncate": truncate,
                "accuracy": found,
                "mean": round(float(np.mean(found)), 4),
                "seconds": round(time.perf_counter() - began),
            }
            print(row, flush=True)
            table.append(row)
            store(STORED, {"rows": ROWS, "scored": SCORED, "table": table})


if __name__ == "__main__":
    main()
