"""The processes that train one network together; most often one.

Started by ``accelerate launch`` or ``torchrun``, every process runs the same program, learns
from its share of each batch, and adds its gradients to those of the others. One process alone
never touches ``accelerate`` or ``torch.distributed``, and leaves no state behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

from textgraft.training.together import launched

BUCKET = 16_000_000
"""Numbers of gradients sent at once: large enough for speed, small enough to copy."""


@dataclass(frozen=True)
class Processes:
    """How many there are, which one this is, and where it computes."""

    world: int
    rank: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this one writes and tells."""
        return self.rank == 0

    def share(self, rows: np.ndarray) -> tuple[np.ndarray, int]:
        """This process's rows of some, and how many of them count.

        Every process must compute something, so one without rows takes a row that counts nothing.
        """
        mine = rows[self.rank :: self.world]
        return (mine, len(mine)) if len(mine) else (rows[:1], 0)

    def add(self, tensor: Tensor) -> Tensor:
        """The sum of every process's tensor, in place."""
        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give each parameter the sum of its gradients in all processes.

        A parameter that no process used keeps no gradient, as it would in one process.
        """
        if self.world == 1:
            return
        used = torch.tensor([float(p.grad is not None) for p in parameters], device=self.device)
        self.add(used)
        bucket: list[Tensor] = []
        for parameter, anywhere in zip(parameters, used.tolist(), strict=True):
            if not anywhere:
                continue
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if bucket and sum(map(Tensor.numel, bucket)) + parameter.numel() > BUCKET:
                self._add_together(bucket)
                bucket = []
            bucket.append(parameter.grad)
        if bucket:
            self._add_together(bucket)

    def _add_together(self, tensors: list[Tensor]) -> None:
        flat = self.add(torch.cat([tensor.reshape(-1) for tensor in tensors]))
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def take_from_main(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by those of the main process, in place."""
        if self.world > 1:
            for tensor in tensors:
                sent = tensor.detach().contiguous()
                dist.broadcast(sent, 0)
                tensor.detach().copy_(sent)

    def agree(self, said: Any) -> bool:
        """Whether all processes say the same."""
        if self.world == 1:
            return True
        everyone: list[Any] = [None] * self.world
        dist.all_gather_object(everyone, said)
        return all(other == said for other in everyone)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.world > 1:
            dist.barrier()


def join_processes(device: str) -> Processes:
    """The processes that a launcher started, or this one alone."""
    together = dist.is_available() and (dist.is_initialized() or launched())
    if not together:
        return Processes(1, 0, _numbered(torch.device(device)))
    if not dist.is_initialized():
        from accelerate.state import PartialState

        # chooses the backend and this process's device
        PartialState(cpu=device == "cpu")
    return Processes(dist.get_world_size(), dist.get_rank(), _numbered(torch.device(device.split(":")[0])))


def _numbered(device: torch.device) -> torch.device:
    if str(device) == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return device


@contextmanager
def own_random_state(device: torch.device) -> Iterator[None]:
    """Leave the caller's random state as it was."""
    if device.type != "cuda":
        with torch.random.fork_rng([]):
            yield
        return
    # seeds are for the current device
    with torch.cuda.device(device), torch.random.fork_rng([device.index]):
        yield


def seed_from(device: torch.device, *numbers: int) -> None:
    """Make what torch draws next depend on these numbers alone.

    Seeds only the generators that :func:`own_random_state` puts back; ``torch.manual_seed``
    would seed every device there is.
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
