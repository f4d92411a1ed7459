"""fastai's AWD-LSTM, run by ``awd_speed.py`` in an environment of its own.

    peers/bin/python benchmarks/peer_fastai.py CASE.json

The case is what ``awd_speed.py`` writes. Models are those of ``get_language_model`` and
``get_text_classifier``; the language model learns in ``TextLearner.fit_one_cycle`` from an
``LMDataLoader``, with fastai's Adam (whose weight decay is AdamW's), ``GradientClip`` and
``RNNRegularizer``; the classifier answers in ``get_preds`` over a ``SortedDL`` of the usual 64 texts.
``MixedPrecision`` has autocast for CUDA only; bf16 is the same callback with autocast for the CPU. Prints
one line of JSON: medians of tokens and texts a second by precision, and numbers of parameters.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.schedule import fit_one_cycle  # noqa: F401  # gives Learner this method
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.learner import Callback, CancelFitException
from fastai.losses import CrossEntropyLossFlat
from fastai.text.data import LMDataLoader, Pad_Chunk, SortedDL, TensorText
from fastai.text.learner import TextLearner
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config, awd_lstm_lm_config
from fastai.text.models.core import get_language_model, get_text_classifier

PAD = 0


class Clock(Callback):
    """Tokens and seconds of the steps after the first few; stops when time is over."""

    order = 1000

    def __init__(self, warm_up: int, seconds: float) -> None:
        self.warm_up, self.seconds = warm_up, seconds
        self.steps, self.tokens, self.began, self.elapsed = 0, 0, 0.0, 0.0

    def after_batch(self) -> None:
        now = time.perf_counter()
        self.steps += 1
        if self.steps == self.warm_up:
            self.began = now
        elif self.steps > self.warm_up:
            self.tokens += self.xb[0].numel()
            self.elapsed = now - self.began
            if self.elapsed >= self.seconds:
                raise CancelFitException


class MixedPrecisionOnCPU(MixedPrecision):
    """fastai's callback in bf16, but for the device that its autocast is for."""

    def __init__(self) -> None:
        super().__init__(amp_mode="bf16")

    def before_fit(self) -> None:
        super().before_fit()
        self.autocast = torch.autocast("cpu", torch.bfloat16)


def language_learner(case: dict[str, Any]) -> TextLearner:
    """A language model with random documents to learn from."""
    draw = np.random.default_rng(0)
    shape = case["documents"], case["document_tokens"]
    documents = [torch.from_numpy(ids) for ids in draw.integers(PAD + 1, case["vocabulary"], shape)]
    batches = LMDataLoader(documents, bs=case["lanes"], seq_len=case["window"], shuffle=True)
    config = {**awd_lstm_lm_config, "pad_token": PAD}
    model = get_language_model(AWD_LSTM, case["vocabulary"], config=config, drop_mult=case["dropout"])
    return TextLearner(
        DataLoaders(batches, batches),
        model,
        alpha=case["alpha"],
        beta=case["beta"],
        loss_func=CrossEntropyLossFlat(),
        wd=case["weight_decay"],
        cbs=[GradientClip(case["clip"])],
    )


def tokens_a_second(learner: TextLearner, case: dict[str, Any], bf16: bool) -> float:
    """One round of learning."""
    clock = Clock(case["warm_up"], case["seconds"])
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1, case["rate"], cbs=[clock, *([MixedPrecisionOnCPU()] if bf16 else [])])
    return clock.tokens / clock.elapsed


def classifier_learner(case: dict[str, Any]) -> tuple[TextLearner, partial[SortedDL]]:
    """A text classifier, and what makes batches of texts for it."""
    config = {**awd_lstm_clas_config, "pad_token": PAD}
    model = get_text_classifier(
        AWD_LSTM, case["vocabulary"], case["classes"], seq_len=case["window"], config=config, pad_idx=PAD
    )
    before = Pad_Chunk(pad_idx=PAD, seq_len=case["window"])
    make = partial(SortedDL, bs=64, before_batch=before, n_inp=1)
    some = make([(TensorText([PAD + 1]),)])
    return TextLearner(DataLoaders(some, some), model, loss_func=CrossEntropyLossFlat()), make


def texts_a_second(learner: TextLearner, make: partial[SortedDL], ids: list[list[int]], bf16: bool) -> float:
    """One round of answering."""
    began = time.perf_counter()
    precision = torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()
    with learner.no_bar(), learner.no_logging(), precision:
        probabilities = learner.get_preds(dl=make([(TensorText(row),) for row in ids]))[0]
    assert probabilities.shape[0] == len(ids)
    return len(ids) / (time.perf_counter() - began)


def n_parameters(learner: TextLearner) -> int:
    return sum(parameter.numel() for parameter in learner.model.parameters())


def main() -> None:
    case = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    found: dict[str, Any] = {
        "versions": {name: version(name) for name in ("fastai", "torch")},
        "parameters": {},
    }
    learner = language_learner(case)
    found["parameters"]["language_model"] = n_parameters(learner)
    rounds: dict[str, dict[str, list[float]]] = {"training": {}, "prediction": {}}
    for _ in range(case["rounds"]):
        for precision in ("fp32", "bf16"):
            one = tokens_a_second(learner, case, precision == "bf16")
            rounds["training"].setdefault(precision, []).append(one)
    learner, make = classifier_learner(case)
    found["parameters"]["classifier"] = n_parameters(learner)
    for precision in ("fp32", "bf16"):
        texts_a_second(learner, make, case["ids"][: case["warm_up_texts"]], precision == "bf16")
    for _ in range(case["rounds"]):
        for precision in ("fp32", "bf16"):
            one = texts_a_second(learner, make, case["ids"], precision == "bf16")
            rounds["prediction"].setdefault(precision, []).append(one)
    for what, by_precision in rounds.items():
        found[what] = {precision: statistics.median(some) for precision, some in by_precision.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
