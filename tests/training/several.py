"""A training for several processes: ``torchrun --nproc-per-node 2 several.py FOLDER``.

Each process writes its weights, losses and what it was told into the folder. Batches are odd, come in
parts, and one part has a single row, so that shares of the processes are unequal and even empty.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from small import Steps, TwoLayers, loss_of, plan_of, some_batches, some_rows

from textgraft.training.checkpoints import RunFolder
from textgraft.training.loop import Settings, train
from textgraft.training.processes import join_processes


def learn(folder: Path, name: str, told: list[Any]) -> tuple[TwoLayers, Any]:
    """Train; ``name`` is of this process's run."""
    rows, codes = some_rows(40)
    parts = [[range(9), [9], range(10, 15)], [range(15, 40)]]
    # another start in each process: the main one's counts
    network = TwoLayers(seed=0 if name in ("0", "alone") else 7)
    training = train(
        network,
        plan_of((0.0, 0.02), (0.01, 0.02), epochs=3),
        Steps(rows, codes, parts),
        loss_of,
        valid=some_batches(23, 8, seed=6),
        settings=Settings(patience=2, run=RunFolder(folder / "run", "several", 0.0)),
        watch=told.append,
    )
    return network, training


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    rank = str(join_processes("cpu").rank)
    told: list[Any] = []
    network, training = learn(folder, rank, told)
    again, _ = learn(folder, rank, told)
    save_file(network.state_dict(), folder / f"weights-{rank}.safetensors")
    save_file(again.state_dict(), folder / f"again-{rank}.safetensors")
    losses = [[report.train_loss, report.valid_loss] for report in training.reports]
    (folder / f"said-{rank}.json").write_text(
        json.dumps({"losses": losses, "told": len(told)}), encoding="utf-8"
    )
    # masks of dropout must differ between processes, and BatchNorm's statistics must not
    noisy = TwoLayers(dropout=0.5, norm=True)
    train(noisy, plan_of((0.05, 0.05)), some_batches(64, 16), loss_of)
    save_file(noisy.state_dict(), folder / f"noisy-{rank}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    # one that leaves early may take the connection from the other's last exchange
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
