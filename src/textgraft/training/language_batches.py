"""Windows of a language model, for the loop.

Steps of an epoch come in order, so that a network may carry the state of each lane from one to the next.
Who carries it goes by ``starts``: they are set wherever a state must not reach, so also in all of an epoch's
first step, and nothing has to be cleared between epochs or for measuring. A batch may hold some of the
lanes only, where memory ended or several processes share a step: ``lanes`` says which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textgraft.text.windows import EpochWindows, Windows


class LanguageBatch(NamedTuple):
    """Some lanes of one step.

    Attributes:
        ids: (b, t) int64.
        targets: (b, t) int64, the id after each; 0 (``<pad>``) where there is none to predict, to be
            left out of the loss.
        starts: (b, t) bool, whether the state is forgotten before an id is read.
        lanes: (b,) int64, whose state each row carries on.
        step: number of the step in its epoch, 0 the first; the same step may come again, where memory
            ended, and then carries on from the state before it once more.
        weight: targets of these lanes, over those of as many lanes in a mean step of the epoch. Mean
            losses times weights add up to the mean over all tokens; in learning it is the scaling by
            length of AWD-LSTM.
    """

    ids: Tensor
    targets: Tensor
    starts: Tensor
    lanes: Tensor
    step: int
    weight: float


@dataclass(eq=False)
class LanguageBatches:
    """Windows as batches; a row number is the step times ``windows.lanes``, plus the lane.

    Attributes:
        windows: what an epoch holds.
    """

    fewest: ClassVar[int] = 1

    windows: Windows
    _last: tuple[int, EpochWindows] | None = field(default=None, init=False, repr=False)

    @property
    def lanes(self) -> int:
        """Rows of a step; state is carried for so many."""
        return self.windows.lanes

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        """The steps of an epoch in their order, each in one part."""
        laid = self._laid(epoch)
        return [[step * self.lanes + laid.lanes(step)] for step in range(len(laid))]

    def take(self, rows: np.ndarray, epoch: int) -> LanguageBatch:
        """Some lanes of one step as tensors."""
        laid = self._laid(epoch)
        step = int(rows[0]) // self.lanes
        lanes = np.asarray(rows, dtype=np.int64) - step * self.lanes
        ids, targets, starts = map(torch.from_numpy, laid.window(step, lanes))
        weight = laid.n_targets_of(step, lanes) / len(lanes) * laid.n_rows / laid.n_targets
        return LanguageBatch(ids, targets, starts, torch.from_numpy(lanes), step, weight)

    def _laid(self, epoch: int) -> EpochWindows:
        """An epoch; kept until another is asked for, since laying it takes a permutation of all documents."""
        if self._last is None or self._last[0] != epoch:
            self._last = epoch, self.windows.epoch(epoch)
        return self._last[1]
