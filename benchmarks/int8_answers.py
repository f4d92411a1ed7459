"""What 8-bit products change in the answers of a classifier over an LSTM.

    python benchmarks/int8_answers.py

An LSTM of random weights learns trec from the beginning, and its test questions are answered twice:
in 8 bits, and in bf16 as where the processor has no fast 8-bit products. How much faster that is:
``awd_speed.py``.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import textgraft as tg
from common import rows, store
from textgraft.language.packaged import find_language_model
from textgraft.networks.fast_lstm import LSTMLayer
from textgraft.networks.int8_lstm import int8_works

SIZES: dict[str, Any] = {"kind": "lstm", "embedding": 200, "hidden": 512, "layers": 2}


def main() -> None:
    if not int8_works():
        sys.exit("This processor has no fast 8-bit products: both answers would be the same.")
    model = find_language_model("english")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "random.lm"
        replace(model, settings=replace(model.settings, **SIZES)).restarted(0).save(place)
        classifier = tg.ULMFiTClassifier(language_model=str(place), adapt=0).fit(*rows("trec_train"))
    texts, labels = rows("trec_test")
    layers = [
        module
        for graft in classifier.learned_.grafts
        for module in graft._network.modules()
        if isinstance(module, LSTMLayer)
    ]
    belief = {}
    for in_int8 in (True, False):
        for layer in layers:
            layer.answers_in_int8 = in_int8
        belief[in_int8] = classifier.predict_proba(texts)
    best = {name: classifier.classes_[found.argmax(1)] for name, found in belief.items()}
    result = {
        "sizes": SIZES,
        "texts": len(texts),
        "accuracy_int8": round(float((best[True] == np.array(labels, dtype=object)).mean()), 4),
        "accuracy_bf16": round(float((best[False] == np.array(labels, dtype=object)).mean()), 4),
        "same_class": round(float((best[True] == best[False]).mean()), 4),
        "largest_difference_of_belief": round(float(np.abs(belief[True] - belief[False]).max()), 4),
    }
    print(result)
    store("int8_answers", result)


if __name__ == "__main__":
    main()
