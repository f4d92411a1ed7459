"""Token ids in batches, for the loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textgraft.text.batches import padded_ids, shuffled_batches, split_by_length

PART_OVERHEAD = 192
"""Tokens that an extra part of a batch costs; less padding than this is cheaper than a part."""

SORTED_FROM = 2_000
"""Rows from which batches are of like length; fewer rows meet in any company, in parts of like length."""


class TokenBatch(NamedTuple):
    """Some texts: ids (b, t) int64, mask (b, t) bool, codes (b,) int64."""

    ids: Tensor
    mask: Tensor
    codes: Tensor


def parts_of(lengths: np.ndarray, in_parts: bool) -> list[np.ndarray]:
    """Positions in a batch of texts of lengths (b,), in parts of like length or as one."""
    return split_by_length(lengths, PART_OVERHEAD) if in_parts else [np.arange(len(lengths))]


@dataclass(frozen=True)
class TokenBatches:
    """Texts with class codes, in shuffled batches with little padding.

    Attributes:
        ids: token ids of n texts.
        codes: (n,) class codes.
        batch_size: texts a step, at most.
        seed: of the order.
        pad: id to fill with.
        shuffle: ``False`` gives the rows once in order of length, for measuring.
        in_parts: split a batch where lengths differ; of no use to a network that leaves padding out.
    """

    fewest: ClassVar[int] = 1

    ids: list[list[int]]
    codes: np.ndarray
    batch_size: int
    seed: int
    pad: int = 0
    shuffle: bool = True
    in_parts: bool = True

    @cached_property
    def lengths(self) -> np.ndarray:
        """(n,) tokens of each text."""
        return np.array([len(row) for row in self.ids], dtype=np.int64)

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        """Batches in parts of like length."""
        if not self.shuffle:
            return _even(np.argsort(self.lengths, kind="stable"), self.batch_size)
        draw = np.random.default_rng([self.seed, epoch])
        if len(self.ids) >= SORTED_FROM:
            batches = shuffled_batches(self.lengths, self.batch_size, draw)
        else:
            batches = [rows for (rows,) in _even(draw.permutation(len(self.ids)), self.batch_size)]
        return [[rows[part] for part in parts_of(self.lengths[rows], self.in_parts)] for rows in batches]

    def some(self, rows: np.ndarray, *, shuffle: bool = True) -> TokenBatches:
        """Only the rows of a mask (n,)."""
        ids = [self.ids[row] for row in np.flatnonzero(rows)]
        return replace(self, ids=ids, codes=self.codes[rows], shuffle=shuffle)

    def take(self, rows: np.ndarray, epoch: int) -> TokenBatch:
        """Rows as tensors."""
        ids, mask = padded_ids([self.ids[row] for row in rows], self.pad)
        codes = self.codes[rows].astype(np.int64)
        return TokenBatch(torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(codes))


@dataclass(frozen=True)
class WholeBatches:
    """Texts with class codes in batches whose loss needs all rows at once.

    A batch comes as several token batches of like length, which a network sees one after another
    before the loss sees all, or as one.

    Attributes: as of :class:`TokenBatches`.
    """

    fewest: ClassVar[int] = 3
    """Two of one class, and one of another."""

    ids: list[list[int]]
    codes: np.ndarray
    batch_size: int
    seed: int
    pad: int = 0
    in_parts: bool = True

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        """Random batches, each in one part."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.ids))
        return _even(order, self.batch_size)

    def take(self, rows: np.ndarray, epoch: int) -> tuple[TokenBatch, ...]:
        """One batch in parts of like length, or as one."""
        whole = TokenBatches(self.ids, self.codes, self.batch_size, self.seed, self.pad)
        lengths = np.array([len(self.ids[row]) for row in rows])
        return tuple(whole.take(rows[part], epoch) for part in parts_of(lengths, self.in_parts))


@dataclass(frozen=True)
class ArrayBatches:
    """Rows of an array with class codes, in shuffled batches of one size.

    Attributes:
        rows: (n, …) what a network takes.
        codes: (n,) class codes.
        batch_size: rows a step, at most.
        seed: of the order.
    """

    fewest: ClassVar[int] = 1

    rows: np.ndarray
    codes: np.ndarray
    batch_size: int
    seed: int

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        """Random batches, each in one part."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.rows))
        return _even(order, self.batch_size)

    def take(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        """Rows and codes as tensors."""
        return torch.from_numpy(self.rows[rows]), torch.from_numpy(self.codes[rows])


def _even(order: np.ndarray, batch_size: int) -> list[list[np.ndarray]]:
    """Batches of like size, none larger than asked, each in one part; none at all of no rows."""
    n_batches = -(-len(order) // batch_size)
    return [[rows] for rows in np.array_split(order, n_batches)] if n_batches else []
