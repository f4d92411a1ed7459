"""Make the golden models of the current format, and what they answer.

    python tests/golden/make_model.py

Makes those that are not there yet, and never again the others: the point of the files is that
they were written by the textgraft of their day.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import textgraft as tg
from textgraft.bundle import FORMAT_VERSION
from textgraft.encoders.sentence import SentenceEncoder
from textgraft.methods import method_class
from textgraft.pretrained import locate

HERE = Path(__file__).resolve().parent
TEXTS = [
    "where is my card", "my card has not come", "card still missing", "is my card on its way",
    "top up failed", "my top-up was declined", "cannot add money", "adding money does not work",
    "tell me a joke", "what is the weather",
]  # fmt: skip
LABELS = ["arrival"] * 4 + ["top_up"] * 4 + ["oos"] * 2
QUERIES = ["has my card come", "money cannot be added", "", "qwerty", "Карта не пришла", "card 💳"]

LANGUAGE_MODEL = HERE / "words.lm"
BERT, VECTORS = HERE / "bert", HERE / "words.vec"
SMALL_GRU = {"hidden": 8, "layers": 1, "epochs": 20, "rate": 2e-2, "batch_size": 4}

SMALL_ULMFIT = {
    "adapt": 1, "thaw": 1, "epochs": 10, "rate": 5e-2, "factor": 1.3, "dropout": 0.0, "batch_size": 4
}  # fmt: skip

MODELS = {
    "knn": {"encoder": "hashing:64", "k": 3},
    "linear": {"encoder": "hashing:64"},
    "tfidf": {"max_features": 60},
    "blend": {"encoder": "hashing:64"},
    "pair": {"encoder": "hashing:16", "k": 3, "epochs": 2},
    "siamese": {"encoder": "hashing:64", "widths": "16", "heads": 2, "k": 3},
    "word-gru": SMALL_GRU | {"vectors": "words.vec"},
    "transformer-gru": SMALL_GRU | {"encoder": "bert"},
    "ulmfit": SMALL_ULMFIT | {"language_model": "words.lm"},
    "finetune": {"encoder": "bert", "contrast": 2, "epochs": 10, "rate": 1e-2, "batch_size": 4},
}


def golden_bert() -> SentenceEncoder:
    """The tiny encoder beside this file, under a name that is the same wherever the files lie."""
    return SentenceEncoder(replace(locate(str(BERT)), name="golden/bert", source="hub"))


def make_inputs() -> None:
    """A BERT of a few thousand numbers, and word vectors for the training words."""
    sys.path.insert(0, str(HERE.parent))
    from conftest import save_tiny, save_tiny_language_model

    if not BERT.is_dir():
        save_tiny("bert", BERT, TEXTS * 20, n_pieces=120, spread=0.05, width=16, layers=1)
    words = sorted({word for text in TEXTS for word in text.replace("-", " - ").split()})
    rows = np.random.default_rng(0).normal(size=(len(words), 8)).round(3)
    # models of ulmfit need none beside them, so it is not kept
    save_tiny_language_model(LANGUAGE_MODEL, words, embedding=8, hidden=12)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True)]
    VECTORS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    path = HERE / f"format{FORMAT_VERSION}_answers.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"answers": {}}
    make_inputs()
    # a relative path, so that no model names a folder of this machine
    os.chdir(HERE)
    for method, parameters in MODELS.items():
        folder = HERE / f"format{FORMAT_VERSION}_{method}.model"
        if folder.is_dir():
            continue
        given = dict(parameters)
        if given.get("encoder") == "bert":
            given["encoder"] = golden_bert()
        clf = method_class(method)(**given, reject=tg.AtCoverage(0.7), oos_labels=("oos",))
        clf.fit(TEXTS, LABELS)
        clf.save(folder)
        scores = clf.predict_scores(QUERIES)
        stored["answers"][method] = {
            "labels": clf.predict(QUERIES).tolist(),
            "confidence": [round(float(value), 6) for value in scores.confidence],
            "threshold": round(clf.threshold_.value, 6),
            "nearest": clf.explain(QUERIES[0], k=1).neighbours[0].text,
        }
    shutil.rmtree(LANGUAGE_MODEL)
    stored = {"queries": QUERIES} | stored
    path.write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
