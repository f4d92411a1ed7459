"""Words per second of an LSTM layer in training: ours against torch's own.

    python benchmarks/lstm_speed.py                 one thread (about two minutes)
    python benchmarks/lstm_speed.py --all-cores     one thread a core: on a machine that does nothing else

Forward and backward of one layer of an AWD-LSTM's sizes over windows of 70 words. torch's own in bf16 is
what autocast makes of it (oneDNN). `qrnn` is our QRNN layer of the same size, `exact` a whole
ULMFiT model of 30,000 words with dropout and its loss, whose forward pass makes the decoder's gradients,
and `sampled` the same with a softmax over 2,000 words drawn a batch. Runs alternate
in one process and the best of each is kept, since other programs only ever make a run slower. One thread
is timed by its own clock, which stands still while another program has the core; several
threads wait for one another, so they are timed by the clock on the wall.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from common import store
from textgraft.networks.awd_settings import AWDSettings, Kind
from textgraft.networks.fast_lstm import LSTMLayer
from textgraft.networks.language_model import LanguageModel
from textgraft.networks.qrnn import QRNNLayer
from textgraft.training.language_losses import language_model_loss
from textgraft.training.sampled_entropy import Sampler

STEPS, WORDS, SAMPLED = 70, 30_000, 2_000
ROUNDS = 3


def clocked(forward: Callable[[], Tensor], dtype: str) -> tuple[float, float]:
    """Seconds of the forward pass, and of forward and backward together."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
        out = forward()
    middle = clock()
    out.float().sum().backward()
    return middle - began, clock() - began


def layers(input_dim: int, hidden: int, rows: int) -> dict[str, Callable[[], Tensor]]:
    """One layer each."""
    states = torch.randn(rows, STEPS, input_dim, requires_grad=True)
    theirs = nn.LSTM(input_dim, hidden, batch_first=True)
    ours, qrnn = LSTMLayer(input_dim, hidden), QRNNLayer(input_dim, hidden)
    return {
        "torch": lambda: theirs(states)[0],
        "ours": lambda: ours(states, ours.initial_state(rows))[0],
        "qrnn": lambda: qrnn(states, qrnn.initial_state(rows))[0],
    }


def language_model(rows: int, kind: Kind) -> dict[str, Callable[[], Tensor]]:
    """A whole model with its loss."""
    model = LanguageModel(AWDSettings(WORDS, kind=kind))
    ids = torch.randint(WORDS, (rows, STEPS + 1))
    sampler = Sampler.log_uniform(WORDS, SAMPLED)
    return {
        "exact": lambda: language_model_loss(model, ids[:, :-1], ids[:, 1:])[0],
        "sampled": lambda: language_model_loss(model, ids[:, :-1], ids[:, 1:], sampler=sampler)[0],
    }


def measure(dtype: str, rows: int, runs: dict[str, Callable[[], Tensor]]) -> dict[str, Any]:
    """Words per second of each, the best of several rounds."""
    best = {name: (float("inf"), float("inf")) for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            now = clocked(run, dtype)
            best[name] = (min(best[name][0], now[0]), min(best[name][1], now[1]))
    row: dict[str, Any] = {"dtype": dtype, "batch": rows, "load": round(os.getloadavg()[0], 1)}
    for name, (forward, both) in best.items():
        row[f"{name}_forward"] = round(rows * STEPS / forward)
        row[f"{name}_training"] = round(rows * STEPS / both)
    if "torch" in best:
        row["ours_over_torch"] = round(best["torch"][1] / best["ours"][1], 2)
    return row


def main() -> None:
    torch.set_num_threads((os.cpu_count() or 1) if "--all-cores" in sys.argv else 1)
    table = []

    def add(row: dict[str, Any]) -> None:
        table.append(row)
        print(row, flush=True)

    for input_dim, hidden, rows in ((1152, 1152, 64), (1152, 1152, 16), (400, 1152, 64), (1152, 400, 64)):
        for dtype in ("bf16", "fp32"):
            torch.manual_seed(0)
            sizes = {"threads": torch.get_num_threads(), "input": input_dim, "hidden": hidden}
            add(sizes | measure(dtype, rows, layers(input_dim, hidden, rows)))
    for kind in ("lstm", "qrnn"):
        torch.manual_seed(0)
        add(
            {"threads": torch.get_num_threads(), "kind": kind} | measure("bf16", 32, language_model(32, kind))
        )
    store("lstm_speed_all_cores" if torch.get_num_threads() > 1 else "lstm_speed", {"table": table})


if __name__ == "__main__":
    main()
