"""Dropout with cheap masks.

Srivastava et al., "Dropout", 2014. torch draws a mask from one Bernoulli variable a number,
which on a CPU takes a large share of a training step. Here one 64-bit draw decides eight
numbers, a byte each, so the rate is rounded to a 256th.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textgraft.errors import ParameterError


class FastDropout(nn.Module):
    """Any shape -> the same shape; each number is 0 with probability ``p``, else scaled by 1 / (1 − p).

    Raises:
        ParameterError: ``p`` is no probability.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ParameterError(f"A rate of dropout must be from 0 to 1, found {p}.")
        self.p = p

    def forward(self, states: Tensor) -> Tensor:
        if not self.training or self.p <= 0:
            return states
        cut = round(self.p * 256)
        if states.device.type != "cpu" or cut == 256:
            return nn.functional.dropout(states, self.p)
        draws = torch.empty(-(-states.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = draws.view(torch.uint8)[: states.numel()].view(states.shape) >= cut
        return states * kept.to(states.dtype).mul_(256.0 / (256 - cut))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def use_fast_dropout(module: nn.Module) -> None:
    """Put :class:`FastDropout` in the place of every plain dropout inside a module."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            # subclasses drop something else, such as whole channels
            if type(child) is nn.Dropout:
                setattr(parent, name, FastDropout(child.p).train(child.training))
