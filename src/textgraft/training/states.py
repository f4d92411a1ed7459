"""Token states on disk: computed once, read in every epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textgraft.errors import TrainingError
from textgraft.training.batches import TokenBatches

RESERVED_AT_ONCE = 2**20
"""Bytes written at once where a file's size cannot be reserved by one call."""


class StateBatch(NamedTuple):
    """Some texts: states (b, t, d), mask (b, t) bool, codes (b,) int64."""

    states: Tensor
    mask: Tensor
    codes: Tensor


@dataclass(frozen=True)
class StateStore:
    """Token states of n texts in one file, one text after another, in bf16 or float32.

    Attributes:
        path: the file.
        lengths: (n,) tokens of each text.
        dim: d.
        bf16: whether numbers are kept in bf16, stored as their 16 bits.
    """

    path: Path
    lengths: np.ndarray
    dim: int
    bf16: bool

    @property
    def starts(self) -> np.ndarray:
        """(n,) first row of each text in the file."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(np.int64)

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return int(self.lengths.sum()) * self.dim * (2 if self.bf16 else 4)

    def write(self, batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> None:
        """Fill the file from row numbers (b,) and padded states (b, t, d), in any order.

        Raises:
            TrainingError: the disk has no room for the whole file.
        """
        self._reserve()
        rows = self._open("r+")
        starts = self.starts
        for numbers, states in batches:
            for number, padded in zip(numbers, states, strict=True):
                own = torch.from_numpy(padded[: self.lengths[number]])
                kept = own.to(torch.bfloat16).view(torch.int16) if self.bf16 else own
                rows[starts[number] : starts[number] + self.lengths[number]] = kept.numpy()

    def read(self, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
        """Padded states (b, t, d) and mask (b, t) of some texts."""
        rows, starts, lengths = self._open("r"), self.starts, self.lengths[numbers]
        padded = np.zeros((len(numbers), max(1, int(lengths.max(initial=0))), self.dim), dtype=rows.dtype)
        for place, number in enumerate(numbers):
            padded[place, : self.lengths[number]] = rows[
                starts[number] : starts[number] + self.lengths[number]
            ]
        mask = torch.from_numpy(np.arange(padded.shape[1]) < lengths[:, None])
        states = torch.from_numpy(padded)
        return (states.view(torch.bfloat16) if self.bf16 else states), mask

    def _reserve(self) -> None:
        """Take the disk space of the whole file; where space ends later, writing kills the process."""
        # an empty file cannot be mapped, so texts without a token have one row
        size = self.bytes or self.dim * 4
        try:
            with self.path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    for start in range(0, size, RESERVED_AT_ONCE):
                        file.write(bytes(min(RESERVED_AT_ONCE, size - start)))
        except OSError as error:
            raise TrainingError(
                f"Token states of {len(self.lengths):,} texts take {self.bytes / 1e6:,.1f} MB on disk, but "
                f"{self.path} cannot have them: {error.strerror or error}. Free so much there, or name a "
                "folder of another disk by the environment variable TMPDIR."
            ) from error

    def _open(self, mode: str) -> Any:
        shape = (max(1, int(self.lengths.sum())), self.dim)
        dtype = np.int16 if self.bf16 else np.float32
        return np.memmap(self.path, dtype, mode, shape=shape)  # type: ignore[call-overload]


@dataclass(frozen=True)
class StateBatches:
    """Stored token states with class codes, in the batches that :class:`TokenBatches` would make.

    Attributes:
        store: the states.
        order: rows in batches.
        numbers: (m,) which texts of the store the rows of ``order`` are; ``None`` for all of them.
    """

    fewest: ClassVar[int] = 1

    store: StateStore
    order: TokenBatches
    numbers: np.ndarray | None = None

    def some(self, rows: np.ndarray, *, shuffle: bool = True) -> StateBatches:
        """Only the rows of a mask (n,)."""
        numbers = np.flatnonzero(rows) if self.numbers is None else self.numbers[rows]
        return StateBatches(self.store, self.order.some(rows, shuffle=shuffle), numbers)

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        """Batches in parts of like length."""
        return self.order.steps(epoch)

    def take(self, rows: np.ndarray, epoch: int) -> StateBatch:
        """Rows as tensors."""
        states, mask = self.store.read(rows if self.numbers is None else self.numbers[rows])
        return StateBatch(states, mask, torch.from_numpy(self.order.codes[rows]))
