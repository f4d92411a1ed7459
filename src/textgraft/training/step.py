"""One move of the optimiser: the only place where one steps.

A batch is computed in parts whose gradients are added: parts of like length, because they need
less padding; halves, where memory ends; shares, where several processes learn together. Where a
batch's loss is the mean over its rows, the gradient is that of the whole batch each time; where
its rows are compared with one another, halves and shares compare their own alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from textgraft.core.plan import Phase, Plan
from textgraft.errors import TrainingError
from textgraft.networks.memory import is_out_of_memory, make_room
from textgraft.training.groups import optimizer_groups, thaw, train_mode
from textgraft.training.processes import Processes, seed_from
from textgraft.training.settings import Batches, LossOf, Rows, Settings

B = TypeVar("B")
T = TypeVar("T")

HELD_OUT = 2**31
"""Number of a step that no epoch has: what is drawn while measuring."""


@dataclass(frozen=True)
class Step:
    """What one step found.

    Attributes:
        loss: mean over the step's rows.
        norm: length of the gradient before clipping.
        rows: rows learned from.
    """

    loss: float
    norm: float
    rows: int

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradient are numbers, so that the optimiser moved."""
        return math.isfinite(self.loss) and math.isfinite(self.norm)


class Stepper(Generic[B]):
    """A network and its optimiser within one phase.

    Attributes:
        optimizer: AdamW over the groups that learn.
        parts: in how many parts each part of a batch is computed; doubled where memory ends.

    Raises:
        ParameterError: the phase is for another network.
    """

    def __init__(
        self,
        network: Any,
        plan: Plan,
        phase: Phase,
        loss_of: LossOf,
        settings: Settings,
        processes: Processes,
        parts: int = 1,
    ) -> None:
        groups = optimizer_groups(network, plan, phase)
        thaw(network, phase)
        self.network, self.phase, self.loss_of = network, phase, loss_of
        self.settings, self.processes, self.parts = settings, processes, parts
        self.optimizer: Any = torch.optim.AdamW(groups, betas=settings.betas, fused=True)
        self._parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._buffers = [b for b in network.buffers() if b.is_floating_point()]

    @property
    def highest_rate(self) -> float:
        """The highest rate of any group now."""
        return float(max(group["lr"] for group in self.optimizer.param_groups))

    def step(self, batches: Batches[B], taken: list[Rows], epoch: int, at: int, share: float) -> Step:
        """Learn once; where loss or gradient are no numbers, nothing moves.

        Args:
            batches: where rows come from.
            taken: row numbers in parts.
            epoch: number of the epoch.
            at: number of the step in it; with the epoch it decides what dropout draws.
            share: of each group's peak rate.

        Raises:
            TrainingError: the fewest rows that have a loss do not fit in memory.
        """
        train_mode(self.network, self.phase)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_rate"] * share
        rows = sum(map(len, taken))

        def add_gradients(pieces: list[Rows]) -> Tensor:
            self.optimizer.zero_grad(set_to_none=True)
            # again after each halving, so that what is drawn does not depend on where memory ended
            seed_from(self.processes.device, self.settings.seed, epoch, at, self.processes.rank)
            loss_sum = torch.zeros((), device=self.processes.device)
            # one context around all parts, so that weights are cast once, not once a part
            with self._autocast(True):
                for piece in pieces:
                    mine, count = self.processes.share(piece)
                    loss = self._loss(batches, mine, epoch) * (count / rows)
                    with self._autocast(False):
                        loss.backward()  # type: ignore[no-untyped-call]
                    loss_sum += loss.detach()
            return loss_sum

        loss_sum = self.processes.add(self._in_parts(taken, batches.fewest, add_gradients))
        self.processes.add_gradients(self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, self.settings.clip, foreach=True)
        # one wait for the device, not two
        loss, length = torch.stack([loss_sum, norm.to(loss_sum)]).tolist()
        found = Step(loss, length, rows)
        if found.is_finite:
            self._move()
        self.optimizer.zero_grad(set_to_none=True)
        self.processes.take_from_main(self._buffers)
        return found

    def mean_loss(self, batches: Batches[B]) -> float | None:
        """Mean loss over all rows of epoch 0, without dropout; None without rows.

        Raises:
            TrainingError: the fewest rows that have a loss do not fit in memory.
        """
        self.network.eval()
        seed_from(self.processes.device, self.settings.seed, HELD_OUT, self.processes.rank)
        rows, total = 0, 0.0

        def add_losses(pieces: list[Rows]) -> float:
            return sum(float(self._loss(batches, piece, 0)) * len(piece) for piece in pieces)

        # inference mode is no choice: a table that a network keeps would be spoilt for learning
        with torch.no_grad():
            for step in batches.steps(0):
                for part in step:
                    mine = part[self.processes.rank :: self.processes.world]
                    rows += len(part)
                    total += self._in_parts([mine], batches.fewest, add_losses) if len(mine) else 0.0
        summed = self.processes.add(torch.tensor(total, dtype=torch.float64).to(self.processes.device))
        return float(summed) / rows if rows else None

    def _loss(self, batches: Batches[B], rows: Rows, epoch: int) -> Tensor:
        batch = to_device(batches.take(rows, epoch), self.processes.device)
        with self._autocast(True):
            return self.loss_of(self.network, batch)

    def _autocast(self, enabled: bool) -> Any:
        return torch.autocast(self.processes.device.type, torch.bfloat16, enabled and self.settings.bf16)

    def _move(self) -> None:
        try:
            self.optimizer.step()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingError(
                "The optimiser's own numbers do not fit in memory. Let fewer layers learn, or use a "
                "smaller encoder."
            ) from error

    def _in_parts(self, taken: list[Rows], fewest: int, compute: Callable[[list[Rows]], T]) -> T:
        """Compute rows in as few parts as memory allows, each of so many rows at least."""
        most = [max(1, len(rows) // fewest) for rows in taken]
        while True:
            parts = [min(self.parts, number) for number in most]
            try:
                divided = map(np.array_split, taken, parts)
                return compute([part for some in divided for part in some if len(part)])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.processes.world > 1:
                    # the others already wait for this one's gradients
                    raise TrainingError(
                        "A batch did not fit in the memory of one of several processes. Shorten the longest "
                        f"texts{self.settings.option('max_tokens')}, use a smaller batch, or learn in one "
                        "process, which computes it in halves."
                    ) from error
                if parts == most:
                    least = (
                        "One row alone" if fewest == 1 else "A part of as few rows as the loss can compare"
                    )
                    raise TrainingError(
                        f"{least} does not fit in memory. Shorten the longest texts"
                        f"{self.settings.option('max_tokens')}, or use a smaller encoder."
                    ) from error
            # not in the handler, where the error's frames still hold what filled the memory
            self.parts *= 2
            self.optimizer.zero_grad(set_to_none=True)
            make_room(self.processes.device.type)


def to_device(batch: Any, device: torch.device) -> Any:
    """A tensor, or a tuple, list or dict of them, on the device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple | list):
        moved = [to_device(value, device) for value in batch]
        return type(batch)(*moved) if hasattr(batch, "_fields") else type(batch)(moved)
    return batch
