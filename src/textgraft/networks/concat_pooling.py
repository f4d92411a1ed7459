"""Concat pooling: what a recurrent network said last, at most and on average."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from textgraft.networks.pooling import at_least_one, lasttoken, maximum

LOWEST = -1e9
"""Of nothing read yet; any state is larger."""


class Pooled(NamedTuple):
    """What has been read of some texts, window by window, in fp32 or better.

    Attributes:
        last: (b, d) state of the last token read.
        largest: (b, d) largest state, number by number.
        total: (b, d) sum of states.
        n_read: (b, 1) tokens read, of which there are at least one.
    """

    last: Tensor
    largest: Tensor
    total: Tensor
    n_read: Tensor

    @classmethod
    def nothing(cls, like: Tensor, rows: int, dim: int) -> Pooled:
        """Before the first token, on the device of some tensor."""
        zero = like.new_zeros(rows, dim, dtype=torch.float32)
        return cls(zero, torch.full_like(zero, LOWEST), zero, zero[:, :1])

    def then(self, states: Tensor, mask: Tensor) -> Pooled:
        """After one window more.

        Args:
            states: (b, t, d).
            mask: (b, t) bool, true at tokens, which stand before the padding.
        """
        # of thousands of states in bf16 a mean would keep two digits
        with torch.autocast(states.device.type, enabled=False):
            states = states.to(torch.promote_types(states.dtype, torch.float32))
            return Pooled(
                torch.where(mask.any(1, keepdim=True), lasttoken(states, mask), self.last),
                torch.maximum(self.largest, maximum(states, mask)),
                self.total + (states * mask.unsqueeze(-1)).sum(1),
                self.n_read + mask.sum(1, keepdim=True),
            )

    def by_name(self) -> dict[str, Tensor]:
        """(b, d) each: ``last``, ``max`` and ``mean``."""
        return {"last": self.last, "max": self.largest, "mean": self.total / self.n_read}


def concat_pooling(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d) states, (b, t) mask -> (b, 3d): last, largest and mean state over real tokens.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.3.
    Padding stands behind each text (mask 1 1 1 0 0) and changes nothing. A text without any token is
    read as one token, whatever state stands there.
    """
    nothing = Pooled.nothing(states, len(states), states.shape[2])
    return torch.cat(list(nothing.then(states, at_least_one(mask)).by_name().values()), dim=1)
