"""What training is given: rows in batches, a loss, and how to go about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import Tensor

from textgraft.errors import ParameterError
from textgraft.training.checkpoints import RunFolder

B_co = TypeVar("B_co", covariant=True)

Rows = np.ndarray
"""(b,) row numbers of a batch."""


class Batches(Protocol[B_co]):
    """Rows in batches, by number; the same numbers always give the same batches."""

    def steps(self, epoch: int) -> Sequence[list[Rows]]:
        """What each step of an epoch learns from: one batch, in one part or several.

        Parts of a step are computed one after the other and their gradients added, so that
        texts of unlike length need no padding to one another.
        """

    def take(self, rows: Rows, epoch: int) -> B_co:
        """The batch of some rows, on the CPU."""

    @property
    def fewest(self) -> int:
        """Rows that each part of a batch must have where memory divides it.

        1 where a batch's loss is the mean over its rows, so that parts together weigh what the whole does.
        More where its rows are compared with one another, which a part does with its own rows alone; so many
        are needed for a loss.
        """


LossOf = Callable[[Any, Any], Tensor]
"""(network, batch on the device) -> mean loss over the batch's rows."""


@dataclass(frozen=True)
class Settings:
    """How to train, as far as a plan does not say.

    Attributes:
        seed: of dropout and everything else random; the order of rows is the batches' own.
        device: ``cpu``, ``cuda``, ``cuda:1``, …; of several processes each has its own.
        bf16: matrix products in bf16, weights in fp32.
        clip: longest gradient; longer ones are shortened to it.
        accumulate: steps whose gradients are added before the optimiser moves.
        patience: epochs in a row without a better held-out loss after which training stops (0 is
            as 1); ``None`` never stops early. With held-out rows the best weights are kept either way.
        betas: of Adam.
        run: where to keep checkpoints and the log; ``None`` keeps none.
        options: what sets ``rate`` and ``max_tokens`` on the command line, for errors; either may be missing.

    Raises:
        ParameterError: settings that cannot be; all faults at once.
    """

    seed: int = 0
    device: str = "cpu"
    bf16: bool = False
    clip: float = 1.0
    accumulate: int = 1
    patience: int | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    run: RunFolder | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        faults = []
        if not self.clip > 0:
            faults.append(f"clip must be above 0, found {self.clip} ({math.inf} never shortens)")
        if self.accumulate < 1:
            faults.append(f"accumulate must be 1 or more, found {self.accumulate}")
        if self.patience is not None and self.patience < 0:
            faults.append(f"patience must be 0 or more, or None, found {self.patience}")
        if self.seed < 0:
            faults.append(f"seed must be 0 or more, found {self.seed}")
        if faults:
            raise ParameterError.of("Settings", faults)

    def option(self, what: str) -> str:
        """What sets a number, in brackets to stand behind what it does; empty where nothing sets it."""
        return f" (-o {self.options[what]} …)" if what in self.options else ""
