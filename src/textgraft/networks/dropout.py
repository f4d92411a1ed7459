"""Dropout with cheap masks.

Srivastava et al., "Dropout", 2014. torch draws a mask from one Bernoulli variable a number,
which on a CPU takes a large share of a training step. Here one 64-bit draw decides eight
numbers, a byte each, so the rate is rounded to a 256th.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FastDropout(nn.Module):
    """Any shape -> the same shape; each number is 0 with probability ``p``, else scaled by 1 / (1 − p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, states: Tensor) -> Tensor:
        if not self.training or self.p <= 0:
            return states
        if states.device.type != "cpu":
            return nn.functional.dropout(states, self.p)
        cut = round(self.p * 256)
        draws = torch.empty(-(-states.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = draws.view(torch.uint8)[: states.numel()].view(states.shape) >= cut
        return states * (kept * (256.0 / (256 - cut))).to(states.dtype)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def use_fast_dropout(module: nn.Module) -> None:
    """Put :class:`FastDropout` in the place of every plain dropout inside a module."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            # subclasses drop something else, such as whole channels
            if type(child) is nn.Dropout:
                setattr(parent, name, FastDropout(child.p))
