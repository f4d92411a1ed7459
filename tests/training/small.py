"""Small real networks and rows for the tests of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from textgraft.core.plan import Phase, Plan
from textgraft.core.schedules import Constant, Schedule
from textgraft.networks.dropout import FastDropout
from textgraft.training.batches import ArrayBatches

DIM, CLASSES = 6, 3


class TwoLayers(nn.Module):
    """(b, 6) -> (b, 3); layer groups ``body`` and ``head``."""

    def __init__(self, seed: int = 0, dropout: float = 0.0, norm: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            self.body = nn.Sequential(
                nn.Linear(DIM, 8),
                nn.BatchNorm1d(8) if norm else nn.Identity(),
                nn.Tanh(),
                FastDropout(dropout),
            )
            self.head = nn.Linear(8, CLASSES)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(rows))
        return out

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        return {"body": [self.body], "head": [self.head]}


def some_rows(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, 6) of three classes that can be told apart, and codes (n,)."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, CLASSES, n)
    centres = np.random.default_rng(99).normal(size=(CLASSES, DIM)) * 2
    return (centres[codes] + draw.normal(size=(n, DIM))).astype(np.float32), codes


def some_batches(n: int = 60, batch_size: int = 10, seed: int = 0) -> ArrayBatches:
    return ArrayBatches(*some_rows(n, seed), batch_size, seed)


class Steps:
    """Rows in steps given by hand, the same in every epoch."""

    fewest = 1

    def __init__(self, rows: np.ndarray, codes: np.ndarray, steps: Sequence[Sequence[Sequence[int]]]) -> None:
        self.rows, self.codes = rows, codes
        self.given = [[np.array(part, dtype=np.int64) for part in step] for step in steps]

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        return self.given

    def take(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.rows[rows]), torch.from_numpy(self.codes[rows])


def loss_of(network: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(network(batch[0]), batch[1])


def plan_of(*rates: tuple[float, float], epochs: int = 1, schedule: Schedule | None = None) -> Plan:
    """A phase for each pair of rates of body and head, without weight decay."""
    return Plan(
        ("body", "head"),
        tuple(
            Phase(f"phase {number}", epochs, pair, (0.0, 0.0), schedule or Constant())
            for number, pair in enumerate(rates, 1)
        ),
    )


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether all tensors are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def close(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float = 1e-5) -> bool:
    return all(torch.allclose(one[name], other[name], atol=tolerance) for name in one)
