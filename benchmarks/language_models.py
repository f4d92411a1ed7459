"""What language models know before anything is adapted or thawed: which one transfers.

    python benchmarks/language_models.py english                   the packaged one
    python benchmarks/language_models.py english one.lm two.lm     candidates for it: folders

Per model: bits a character of held-out English, which can be compared whatever the vocabulary, and
accuracy of logistic regression on training rows of two sets, cut into folds: over pooled states, as
``ulmfit`` begins with them, and over the mean of the word vectors alone, which reads nothing. Test files
are never opened. Candidates are named by their folders; each is stored as soon as it is measured, and
``--again`` measures anew.
"""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common import rows, store, stored_rows, texts_alone
from textgraft.core.splits import fold_numbers
from textgraft.encoders.precision import choose_precision
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.language.measuring import perplexity
from textgraft.language.packaged import find_language_model
from textgraft.methods.grafted import TOKENS_A_BATCH
from textgraft.networks.awd_lstm import AWDLSTM
from textgraft.networks.awd_settings import NO_DROPOUT
from textgraft.networks.recurrent_classifier import RecurrentClassifier
from textgraft.networks.running import outputs_in_order
from textgraft.networks.tensors import put_tensors
from textgraft.text.documents import Documents
from textgraft.text.special import PAD_ID

ROWS = {"trec": 5_452, "imdb": 4_000}
"""Training rows of each set; of the second, drawn."""

FOLDS = 4
STRENGTHS = (0.001, 0.01, 0.1)
"""Of logistic regression over standardised numbers; the best counts, for every kind of vector."""

MOST_TOKENS = 600
HELD_OUT = 120
"""Documents of general_english_valid, from its beginning."""


def pooled_states(model: PretrainedLanguageModel, ids: list[list[int]]) -> np.ndarray:
    """(n, 3 e) last, largest and mean state of each text."""
    network = RecurrentClassifier(AWDLSTM(model.settings, NO_DROPOUT), 2)
    put_tensors(network, {name: array for name, array in model.tensors.items() if name.startswith("body.")})
    network.requires_grad_(False).eval()
    bf16 = choose_precision("auto", "cpu") == "bf16"
    return outputs_in_order(network.vectors, ids, network.dim, PAD_ID, "cpu", bf16, TOKENS_A_BATCH)


def mean_vectors(model: PretrainedLanguageModel, ids: list[list[int]]) -> np.ndarray:
    """(n, e) mean word vector of each text."""
    vectors = model.tensors["body.embedding.weight"]
    return np.stack([vectors[of].mean(axis=0) for of in ids])


def accuracy(vectors: np.ndarray, codes: np.ndarray) -> float:
    """Of logistic regression on folds that it did not learn, at its best strength."""
    folds = fold_numbers(codes, FOLDS, seed=0)
    vectors = StandardScaler().fit_transform(vectors)
    found = []
    for strength in STRENGTHS:
        right = [
            LogisticRegression(C=strength, max_iter=2_000)
            .fit(vectors[folds != fold], codes[folds != fold])
            .score(vectors[folds == fold], codes[folds == fold])
            for fold in range(FOLDS)
        ]
        found.append(float(np.mean(right)))
    return max(found)


def drawn_rows(data: str) -> tuple[list[str], np.ndarray]:
    """Training texts and codes."""
    texts, labels = rows(f"{data}_train")
    codes = np.unique(labels, return_inverse=True)[1]
    some = np.random.default_rng(0).permutation(len(texts))[: ROWS[data]]
    return [texts[row] for row in some], codes[some]


def measured(name: str) -> dict[str, Any]:
    """Everything about one model."""
    model = find_language_model(name, backward=False)
    english = texts_alone("general_english_valid")[:HELD_OUT]
    documents = Documents.of(model.tokenizer.ids(english))
    a_token = perplexity(model, documents)
    result: dict[str, Any] = {
        "name": Path(name).stem,
        "settings": asdict(model.settings),
        "parameters": sum(array.size for array in model.tensors.values()),
        "learned_tokens": model.corpus.get("tokens"),
        "perplexity": round(a_token, 1),
        "bits_a_character": round(documents.n_tokens * math.log2(a_token) / sum(map(len, english)), 4),
    }
    for data in ROWS:
        texts, codes = drawn_rows(data)
        ids = [of.tolist()[:MOST_TOKENS] for of in model.tokenizer.ids(texts)]
        result[data] = {
            "pooled states": round(accuracy(pooled_states(model, ids), codes), 4),
            "mean word vector": round(accuracy(mean_vectors(model, ids), codes), 4),
        }
    return result


def main() -> None:
    names = [name for name in sys.argv[1:] if name != "--again"]
    cells = {row["name"]: row for row in stored_rows("language_models")}
    for name in names or ["english"]:
        if "--again" in sys.argv or Path(name).stem not in cells:
            found = measured(name)
            cells[found["name"]] = found
            print(found, flush=True)
            store("language_models", {"rows": ROWS, "table": list(cells.values())})


if __name__ == "__main__":
    main()
