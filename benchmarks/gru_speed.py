"""Words per second of a bidirectional GRU in training: ours against torch's own.

    python benchmarks/gru_speed.py                 one thread (about three minutes)
    python benchmarks/gru_speed.py --all-cores     one thread a core: on a machine that does nothing else

Forward and backward of two layers over frozen 50-d vectors, on batches with the lengths of real
reviews: B reviews next to each other in order of length, around the median (`sorted`), or drawn
at random (`mixed`). Padding is not counted as words. torch's own, whose backward direction must not
read padding first, runs on packed sequences (`packed`), or as two one-way networks a layer of which
one reads each text reversed within its length (`reversed`). Runs alternate in one process and the
best of each is kept, since other programs only ever make a run slower. One thread is timed by its
own clock, which stands still while another program has the core; several threads wait for one
another, so they are timed by the clock on the wall, and `load` (the load average before) says
whether the machine was free.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from common import rows, store
from textgraft.networks.fast_gru import BidirectionalGRU
from textgraft.text.words import split_words

DIM = 50
ROUNDS = 2

Model = Callable[[Tensor, Tensor], Tensor]


def packed(hidden: int) -> Model:
    """torch's own GRU over packed sequences."""
    gru = nn.GRU(DIM, hidden, 2, batch_first=True, bidirectional=True)

    def forward(states: Tensor, mask: Tensor) -> Tensor:
        rows = pack_padded_sequence(states, mask.sum(1), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(gru(rows)[0], batch_first=True)[0]

    return forward


def reversed_within_length(hidden: int) -> Model:
    """torch's own one-way GRUs over padded texts, one of them over reversed texts."""
    layers = [[nn.GRU(dim, hidden, batch_first=True) for _ in range(2)] for dim in (DIM, 2 * hidden)]

    def forward(states: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(mask.shape[1])
        turned = torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)[..., None]

        def turn(states: Tensor) -> Tensor:
            return states.gather(1, turned.expand_as(states))

        for onward, back in layers:
            states = torch.cat([onward(states)[0], turn(back(turn(states))[0])], dim=2)
        return states

    return forward


def seconds(model: Model, states: Tensor, mask: Tensor, dtype: str) -> tuple[float, float]:
    """Seconds of the forward pass, and of forward and backward together."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
        out = model(states, mask)
    middle = clock()
    out.float().sum().backward()
    return middle - began, clock() - began


def lengths_of_a_batch(lengths: np.ndarray, size: int, order: str) -> Tensor:
    """Lengths (size,) of one batch of reviews."""
    if order == "mixed":
        return torch.from_numpy(np.random.default_rng(0).choice(lengths, size))
    middle = len(lengths) // 2
    return torch.from_numpy(np.sort(lengths)[middle : middle + size].copy())


def measure(
    lengths: np.ndarray, threads: int, hidden: int, size: int, order: str, dtype: str
) -> dict[str, Any]:
    """Ours and torch's on one batch."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    models: dict[str, Model] = {
        "packed": packed(hidden),
        "reversed": reversed_within_length(hidden),
        "ours": BidirectionalGRU(DIM, hidden, layers=2, dropout=0.0),
    }
    long = lengths_of_a_batch(lengths, size, order)
    mask = torch.arange(int(long.max())) < long[:, None]
    states = torch.randn(size, mask.shape[1], DIM)
    row: dict[str, Any] = {
        "threads": threads,
        "hidden": hidden,
        "batch": size,
        "order": order,
        "dtype": dtype,
        "words": int(long.sum()),
        "load": round(os.getloadavg()[0], 1),
    }
    best = {name: (float("inf"), float("inf")) for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            now = seconds(model, states, mask, dtype)
            best[name] = (min(best[name][0], now[0]), min(best[name][1], now[1]))
    for name, (forward, both) in best.items():
        row[f"{name}_forward"] = round(row["words"] / forward)
        row[f"{name}_training"] = round(row["words"] / both)
    for name in ("packed", "reversed"):
        row[f"ours_over_{name}"] = round(best[name][1] / best["ours"][1], 2)
    return row


def main() -> None:
    threads = (os.cpu_count() or 1) if "--all-cores" in sys.argv else 1
    lengths = np.array([len(split_words(text)) for text in rows("imdb_train")[0][:4_000]])
    wanted = [
        (hidden, size, order, dtype)
        for hidden, dtype in ((256, "bf16"), (256, "fp32"), (128, "bf16"), (128, "fp32"))
        for size in ((32, 64, 128) if (hidden, dtype) == (256, "bf16") else (64,))
        for order in (("sorted", "mixed") if (hidden, size, dtype) == (256, 64, "bf16") else ("sorted",))
    ]
    table = []
    for what in wanted:
        table.append(measure(lengths, threads, *what))
        print(table[-1], flush=True)
    store("gru_speed_all_cores" if threads > 1 else "gru_speed", {"table": table})


if __name__ == "__main__":
    main()
