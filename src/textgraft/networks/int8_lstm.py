"""An LSTM that answers with 8-bit products, for classifiers that have learned.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018. Weights are rounded to 8 bits, a scale each row, and so are the states of each text at
each word, whoever else is in the batch; gates, cell and sums stay in fp32. The operators are those that
torch's own compiler quantises with. They are not a public interface, so they are tried out, and where
they do not give what they should, nothing is computed in 8 bits.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from textgraft.networks.tried import gives_the_same

STEPS_AT_ONCE = 8
"""Words whose inputs are projected in one product."""

FEWEST_UNITS = 256
"""Hidden units from which products are large enough to be worth it."""

_ZERO, _MOST = 128, 127.0
"""What stands for 0 among the bytes of states, and how many steps there are on each side of it."""

_LEAST = 1e-12
"""Largest of states that are all 0, which have no scale."""


class Int8Matrix(NamedTuple):
    """Weights (m, n) laid out for products, with a scale (m,) and what stands for 0 (m,) each row."""

    packed: Tensor
    scale: Tensor
    zeros: Tensor

    @classmethod
    def of(cls, weight: Tensor) -> Int8Matrix:
        """Rounded to the nearest of 255 values a row."""
        exact = weight.detach().float()
        scale = exact.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / _MOST
        rounded = (exact / scale[:, None]).round_().to(torch.int8)
        zeros = torch.zeros(len(scale), dtype=torch.int32)
        return cls(torch.ops.onednn.qlinear_prepack(rounded, None), scale, zeros)

    def times(self, states: Tensor) -> Tensor:
        """(b, n) fp32 -> (b, m) fp32."""
        step = states.abs().amax(1, keepdim=True).clamp_min_(_LEAST) / _MOST
        rounded = (states / step).add_(_ZERO).round_().to(torch.uint8).contiguous()
        product: Tensor = torch.ops.onednn.qlinear_pointwise(
            rounded, 1.0, _ZERO, *self, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return product.mul_(step)


class Int8LSTM:
    """One direction: states (b, t, d), hidden and cell (b, h) -> (b, t, h), hidden and cell after them.

    Args:
        ih, hh: (4h, d) and (4h, h), with torch's layout: gates input, forget, new, output.
        bias: (4h,).
    """

    def __init__(self, ih: Tensor, hh: Tensor, bias: Tensor) -> None:
        self.ih, self.hh = Int8Matrix.of(ih), Int8Matrix.of(hh)
        self.bias = bias.detach().float()

    def __call__(self, states: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, t, _ = states.shape
        inputs = states.transpose(0, 1).float()
        carried, hidden, cell = (hidden.dtype, cell.dtype), hidden.float(), cell.float()
        history = states.new_empty(t, rows, hidden.shape[1])
        for begin in range(0, t, STEPS_AT_ONCE):
            some = inputs[begin : begin + STEPS_AT_ONCE]
            projected = self.ih.times(some.flatten(0, 1)).add_(self.bias).view(len(some), rows, -1)
            for s, of_input in enumerate(projected, begin):
                i, f, g, o = self.hh.times(hidden).add_(of_input).chunk(4, dim=1)
                cell = torch.addcmul(cell * f.sigmoid_(), i.sigmoid_(), g.tanh_())
                hidden = o.sigmoid_() * cell.tanh()
                history[s] = hidden
        return history.transpose(0, 1), hidden.to(carried[0]), cell.to(carried[1])


@cache
def int8_works() -> bool:
    """Whether this processor multiplies bytes fast, and the operators give what they should."""
    if not torch.cpu.get_capabilities().get("avx512_vnni"):
        return False
    weight = torch.linspace(-1.0, 1.0, 96).reshape(6, 16).sin()
    states = torch.linspace(-1.0, 1.0, 48).reshape(3, 16).cos()

    def tried() -> tuple[Tensor, Tensor]:
        # it may first be asked in the middle of an answer, under autocast
        with torch.autocast("cpu", enabled=False):
            return Int8Matrix.of(weight).times(states), states @ weight.t()

    return gives_the_same(tried, within=0.008)
