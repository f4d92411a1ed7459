"""A training that kills itself, for a process of its own.

The same network, rows and plan each time: dropout, batch-norm, held-out rows, three phases, early
stopping, and a checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
from pathlib import Path
from typing import Any

import torch
from small import TwoLayers, loss_of, plan_of, some_batches

from textgraft.core.schedules import OneCycle
from textgraft.errors import TrainingError
from textgraft.training.checkpoints import RunFolder
from textgraft.training.loop import Settings, train
from textgraft.training.records import EpochReport


def main(folder: str, die: str, seconds: float = 0.0, patience: int | None = None) -> dict[str, Any]:
    """What was learned, unless the process died first, as by ``kill -9``.

    Args:
        folder: of the checkpoint.
        die: a step of this process (``"7"``); or an epoch whose line is in the log, but not
            yet in a checkpoint (``"e3"``); or ``"never"``.
        seconds: between checkpoints within an epoch.
        patience: of early stopping.
    """
    network = TwoLayers(dropout=0.3, norm=True)
    steps = 0

    def watch(_: object) -> None:
        nonlocal steps
        steps += 1
        if die == str(steps):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch_epoch(report: EpochReport) -> None:
        if die == f"e{report.epoch}":
            os.kill(os.getpid(), signal.SIGKILL)

    training = train(
        network,
        plan_of((0.0, 0.3), (0.3, 0.6), (1.0, 2.0), epochs=2, schedule=OneCycle()),
        some_batches(50, 10),
        loss_of,
        valid=some_batches(30, 30, seed=8),
        settings=Settings(seed=4, patience=patience, run=RunFolder(Path(folder), "this run", seconds)),
        watch=watch,
        watch_epoch=watch_epoch,
    )
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return {
        "weights": digest.hexdigest(),
        "reports": [
            (r.phase, r.epoch, r.train_loss, r.valid_loss, r.rates, r.rows) for r in training.reports
        ],
        "best": training.best_epoch,
        "notes": training.notes,
        "steps": steps,
    }


def in_a_process(answer: Any, folder: str, *rest: Any) -> None:
    """Send what :func:`main` gives."""
    torch.set_num_threads(1)
    answer.send(main(folder, *rest))


def on_a_full_disk(answer: Any, folder: str, most: int) -> None:
    """Send what a second checkpoint says when no file may grow beyond ``most`` bytes."""
    run = RunFolder(Path(folder), "x")
    run.write({"epoch": 1}, {"weights": torch.zeros(10)})
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        run.write({"epoch": 2}, {"weights": torch.zeros(100_000)})
    except TrainingError as error:
        answer.send(str(error))
    else:
        answer.send("written")
