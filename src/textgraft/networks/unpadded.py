"""Texts of a batch one behind another, so that a transformer computes nothing for padding.

Zeng et al., "Boosting Distributed Training Performance of the Unpadded BERT Model", 2022. Linear
layers, norms and dropout see a token at a time, so they take all tokens of a batch as one row.
Attention alone needs to know where texts begin: it puts those of like length side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from textgraft.text.batches import split_by_length

GROUP_OVERHEAD = 256
"""Tokens of padding that attention computes rather than have one group of texts more."""


@dataclass(frozen=True)
class Group:
    """Texts of like length that attend together.

    Attributes:
        texts: how many.
        width: tokens of the longest.
        tokens: m, of all of them.
        mask: (texts, width) bool, or ``None`` where all are of one length.
        places: (m,) where each token stands in (texts · width); ``None`` likewise.
    """

    texts: int
    width: int
    tokens: int
    mask: Tensor | None
    places: Tensor | None

    def put(self, rows: Tensor) -> Tensor:
        """(m, …) tokens -> (texts, width, …), with zeros at padding."""
        if self.places is not None:
            padded = rows.new_zeros(self.texts * self.width, *rows.shape[1:])
            rows = padded.index_copy(0, self.places, rows)
        return rows.view(self.texts, self.width, *rows.shape[1:])

    def taken(self, padded: Tensor) -> Tensor:
        """(texts, width, …) -> (m, …) tokens."""
        rows = padded.flatten(0, 1)
        if self.places is None:
            return rows
        taken: Tensor = _Take.apply(rows, self.places)  # type: ignore[no-untyped-call]
        return taken


@dataclass(frozen=True)
class Unpadded:
    """Where the tokens of a batch stand once padding is left out.

    Attributes:
        places: (m,) where each token stood in (b · t); texts of like length follow one another.
        positions: (m,) number of each token in its text, from 0.
        groups: texts that attend together, in the order of their tokens.
    """

    places: Tensor
    positions: Tensor
    groups: list[Group]

    @classmethod
    def of(cls, mask: Tensor) -> Unpadded:
        """From a mask (b, t) with padding behind each text and a token in each."""
        seen = mask.cpu().numpy()
        lengths = seen.sum(1)
        together = split_by_length(lengths, GROUP_OVERHEAD)
        texts = np.concatenate(together)
        positions = np.concatenate([np.arange(length) for length in lengths[texts]])
        places = np.repeat(texts, lengths[texts]) * mask.shape[1] + positions
        groups = [_group(lengths[rows]) for rows in together]
        return cls(torch.from_numpy(places), torch.from_numpy(positions), groups)

    @property
    def sizes(self) -> list[int]:
        """Tokens of each group."""
        return [group.tokens for group in self.groups]

    def taken(self, padded: Tensor) -> Tensor:
        """(b, t) -> (m,)."""
        return padded.flatten().index_select(0, self.places)

    def put(self, rows: Tensor, mask: Tensor) -> Tensor:
        """(m, d) -> (b, t, d), with zeros at padding."""
        padded = rows.new_zeros(mask.numel(), rows.shape[1])
        return padded.index_copy(0, self.places, rows).view(*mask.shape, rows.shape[1])


def _group(lengths: np.ndarray) -> Group:
    width, tokens = int(lengths.max()), int(lengths.sum())
    if (lengths == width).all():
        return Group(len(lengths), width, tokens, None, None)
    mask = np.arange(width) < lengths[:, None]
    return Group(len(lengths), width, tokens, *map(torch.from_numpy, (mask, np.flatnonzero(mask))))


class _Take(torch.autograd.Function):
    """Rows (n, …) -> (m, …), each at most once, so that gradients need no adding up."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape = rows.shape
        return rows.index_select(0, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (places,) = ctx.saved_tensors
        return grad.new_zeros(ctx.shape).index_copy_(0, places, grad), None
