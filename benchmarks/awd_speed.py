"""textgraft's AWD-LSTM and fastai's in turn, on the same cores: learning a language model, classifying.

    python benchmarks/awd_speed.py peers/bin/python [--threads 2] [--seconds 30] [--rounds 2] [--turns 3]

The argument is the Python of an environment with ``benchmarks/requirements-fastai.txt``. Every turn runs each
library in a process of its own and takes its medians of several rounds; run it on a machine that does
nothing else.

Learning is the loop of ``textgraft pretrain`` over random ids in documents of the mean length of
../shared/data's general English, without words left out of the softmax; fastai's is that of its
``TextLearner``. The first steps of a round, in which the optimiser takes its memory, are not timed.
Answering is a classifier of the same sizes with random weights over reviews whose ids both are given,
batches and padding included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import last_line, place_unsaid, rows, store
from textgraft.core.progress import Progress
from textgraft.language.learning import MOMENTUM
from textgraft.language.pretraining import Pretraining, pretraining_plan
from textgraft.methods.grafted import TOKENS_A_BATCH
from textgraft.networks.awd_lstm import AWDLSTM
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES, NO_DROPOUT
from textgraft.networks.language_model import LanguageModel
from textgraft.networks.recurrent_classifier import RecurrentClassifier
from textgraft.networks.running import outputs_in_order
from textgraft.text.documents import Documents
from textgraft.text.special import PAD_ID, SPECIAL
from textgraft.text.windows import Windows
from textgraft.text.word_tokens import train_words
from textgraft.training.carried import CarriedModel, carried_loss
from textgraft.training.language_batches import LanguageBatches
from textgraft.training.language_losses import ALPHA, BETA
from textgraft.training.loop import train
from textgraft.training.settings import Settings

HOW = Pretraining()
VOCABULARY, CLASSES = 15_000, 2
DOCUMENTS, DOCUMENT_TOKENS = 1_000, 2_000
REVIEWS, REVIEW_TOKENS = 256, 400
WARM_UP, WARM_UP_TEXTS = 2, 8
PRECISIONS = ("fp32", "bf16")
MEASURES = ("training", "prediction")


class TimeIsOver(Exception):
    """Ends an epoch, as the loop has no other way to stop within one."""


class Clock:
    """Tokens and seconds of the steps after the first few; stops when time is over."""

    def __init__(self, tokens: list[int], warm_up: int, seconds: float) -> None:
        self.tokens_of, self.warm_up, self.seconds = tokens, warm_up, seconds
        self.tokens, self.began, self.elapsed = 0, 0.0, 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.perf_counter()
        if progress.done == self.warm_up:
            self.began = now
        elif progress.done > self.warm_up:
            self.tokens += self.tokens_of[progress.done - 1]
            self.elapsed = now - self.began
            if self.elapsed >= self.seconds:
                raise TimeIsOver


def tokens_a_second(carried: CarriedModel, windows: Windows, case: dict[str, Any], bf16: bool) -> float:
    """One round of learning."""
    epoch = windows.epoch(0)
    tokens = [epoch.n_targets_of(step, epoch.lanes(step)) for step in range(len(epoch))]
    clock = Clock(tokens, case["warm_up"], case["seconds"])
    with suppress(TimeIsOver):
        train(
            carried,
            pretraining_plan(tuple(carried.layer_groups()), HOW),
            LanguageBatches(windows),
            carried_loss,
            settings=Settings(bf16=bf16, betas=MOMENTUM, clip=case["clip"]),
            watch=clock,
        )
    return clock.tokens / clock.elapsed


def texts_a_second(network: RecurrentClassifier, ids: list[list[int]], bf16: bool) -> float:
    """One round of answering."""
    width = network.dim + network.head.n_classes
    began = time.perf_counter()
    outputs_in_order(network.vectors_and_logits, ids, width, PAD_ID, "cpu", bf16, TOKENS_A_BATCH)
    return len(ids) / (time.perf_counter() - began)


def n_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def once(case: dict[str, Any]) -> dict[str, Any]:
    """What ``peer_fastai.py`` finds for fastai."""
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    sizes = HOW.settings(case["vocabulary"])
    carried = CarriedModel(LanguageModel(sizes, LANGUAGE_MODEL_RATES.times(HOW.dropout)), case["lanes"])
    draw = np.random.default_rng(0)
    shape = case["documents"], case["document_tokens"]
    documents = Documents.of(list(draw.integers(PAD_ID + 1, case["vocabulary"], shape)))
    # ids that happen to be <bos> begin no document: Windows goes by the lengths
    windows = Windows(documents, case["lanes"], case["window"])
    classifier = RecurrentClassifier(AWDLSTM(sizes, NO_DROPOUT), case["classes"]).eval()
    ids = case["ids"]
    found: dict[str, dict[str, list[float]]] = {
        what: {precision: [] for precision in PRECISIONS} for what in MEASURES
    }
    for _ in range(case["rounds"]):
        for precision in PRECISIONS:
            one = tokens_a_second(carried, windows, case, precision == "bf16")
            found["training"][precision].append(one)
    for precision in PRECISIONS:
        texts_a_second(classifier, ids[: case["warm_up_texts"]], precision == "bf16")
    for _ in range(case["rounds"]):
        for precision in PRECISIONS:
            one = texts_a_second(classifier, ids, precision == "bf16")
            found["prediction"][precision].append(one)
    return {
        "versions": {name: version(name) for name in ("textgraft", "torch")},
        "parameters": {
            "language_model": n_parameters(carried.model),
            "classifier": n_parameters(classifier),
        },
        **{
            what: {precision: statistics.median(some) for precision, some in by_precision.items()}
            for what, by_precision in found.items()
        },
    }


def case_of(asked: argparse.Namespace) -> dict[str, Any]:
    """What both are given."""
    texts = rows("imdb_test")[0]
    tokens = train_words(texts[::10], VOCABULARY - len(SPECIAL))
    texts = texts[:: len(texts) // asked.reviews][: asked.reviews]
    ids = tokens.ids(texts)
    return {
        "threads": asked.threads,
        "seconds": asked.seconds,
        "rounds": asked.rounds,
        "warm_up": WARM_UP,
        "warm_up_texts": WARM_UP_TEXTS,
        "vocabulary": VOCABULARY,
        "classes": CLASSES,
        "lanes": HOW.batch_size,
        "window": HOW.window,
        "dropout": HOW.dropout,
        "rate": HOW.rate,
        "weight_decay": HOW.weight_decay,
        "clip": Settings().clip,
        "alpha": ALPHA,
        "beta": BETA,
        "documents": DOCUMENTS,
        "document_tokens": DOCUMENT_TOKENS,
        "ids": [row[:REVIEW_TOKENS].tolist() for row in ids],
    }


def spread(numbers: list[float], digits: int) -> dict[str, float]:
    return {
        "median": round(statistics.median(numbers), digits),
        "least": round(min(numbers), digits),
        "most": round(max(numbers), digits),
    }


def compared(mine: list[dict[str, Any]], theirs: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """How fast each is, and how many times faster we are, turn by turn."""

    def ratio(of_ours: str, of_theirs: str) -> dict[str, float]:
        pairs = zip(mine, theirs, strict=True)
        return spread([a[what][of_ours] / b[what][of_theirs] for a, b in pairs], 2)

    def fastest(runs: list[dict[str, Any]]) -> str:
        return max(PRECISIONS, key=lambda p: statistics.median(run[what][p] for run in runs))

    best = fastest(mine), fastest(theirs)
    return {
        **{
            f"{name} {precision}": spread([run[what][precision] for run in runs], 1)
            for name, runs in (("textgraft", mine), ("fastai", theirs))
            for precision in PRECISIONS
        },
        "times_faster": {
            **{precision: ratio(precision, precision) for precision in PRECISIONS},
            "bf16 over fastai's fp32": ratio("bf16", "fp32"),
            "fp32 over fastai's best": ratio("fp32", best[1]),
            "bf16 over fastai's best": ratio("bf16", best[1]),
        },
        "best": {"textgraft": best[0], "fastai": best[1]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peer", nargs="?", help="the Python of fastai")
    parser.add_argument("--once", type=Path, help="a case, to run textgraft alone and print what it finds")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=30.0, help="of learning in a round")
    parser.add_argument("--rounds", type=int, default=2, help="of each kind in a turn")
    parser.add_argument("--turns", type=int, default=3, help="of each library")
    parser.add_argument("--reviews", type=int, default=REVIEWS)
    asked = parser.parse_args()
    if asked.once:
        print(json.dumps(once(json.loads(asked.once.read_text(encoding="utf-8")))))
        return
    if not asked.peer:
        parser.error("expected the Python of an environment with fastai")
    case = case_of(asked)
    load = round(os.getloadavg()[0], 1)
    here = Path(__file__).parent
    runs: dict[str, list[dict[str, Any]]] = {"fastai": [], "textgraft": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "case.json")
        path.write_text(json.dumps(case), encoding="utf-8")
        commands = {
            "fastai": [asked.peer, str(here / "peer_fastai.py"), str(path)],
            "textgraft": [sys.executable, str(here / "awd_speed.py"), "--once", str(path)],
        }
        for _ in range(asked.turns):
            for name, command in commands.items():
                runs[name].append(last_line(command, asked.threads))
                print(name, runs[name][-1], flush=True)
    mine, theirs = runs["textgraft"], runs["fastai"]
    if mine[0]["parameters"] != theirs[0]["parameters"]:
        sys.exit(f"not the same models: {mine[0]['parameters']} and {theirs[0]['parameters']} parameters")
    lengths = [len(row) for row in case.pop("ids")]
    result = {
        "case": case | {"reviews": len(lengths), "review_tokens": sum(lengths)},
        "load_before": load,
        "parameters": mine[0]["parameters"],
        "versions": mine[0]["versions"] | {"fastai": theirs[0]["versions"]},
        "training tokens/s": compared(mine, theirs, "training"),
        "prediction texts/s": compared(mine, theirs, "prediction"),
    }
    print(json.dumps(result, indent=1))
    place_unsaid(asked.peer)
    store("awd_speed", result)


if __name__ == "__main__":
    main()
