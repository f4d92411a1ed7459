"""Fo-pooling, the only recurrent step of a QRNN: c ← c + f (z − c).

Bradbury, Merity, Xiong and Socher, "Quasi-Recurrent Neural Networks", 2016. On a CPU it is a loop of
a few products of numbers a step, next to nothing beside the matrix product before it; on other devices,
where each step would be a call of its own, it is done in ⌈log₂ t⌉ passes over all words.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from textgraft.networks.starts import Starts


def fo_pool(z: Tensor, f: Tensor, before: Tensor, starts: Starts | None = None) -> tuple[Tensor, Tensor]:
    """Memory at every word, and after the last.

    Args:
        z: (b, t, h) what each word brings.
        f: (b, t, h) share of the memory that it takes over.
        before: (b, h) memory before the window.
        starts: words before which memory becomes 0.

    Returns:
        memory: (b, t, h) with the type of ``z``.
        last: (b, h) with the type of ``before``; within the window it was carried in fp32 or better.
    """
    wide = torch.promote_types(z.dtype, torch.float32)
    mask, steps = (starts.mask, starts.steps) if starts else (None, ())
    memory, last = _Pool.apply(z, f, before.to(wide), mask, steps)  # type: ignore[no-untyped-call]
    return memory, last.to(before.dtype)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, z: Tensor, f: Tensor, before: Tensor, mask: Tensor | None, steps: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        pool = _one_by_one if z.device.type == "cpu" else _by_doubling
        memory, last = pool(z, f, before, mask, steps)
        ctx.save_for_backward(z, f, before, memory, mask)
        ctx.steps = steps
        return memory, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        z, f, before, memory, mask = ctx.saved_tensors
        back = _back_one_by_one if z.device.type == "cpu" else _back_by_doubling
        d_memory, d_before = back(grad, f, grad_last, mask, ctx.steps)
        earlier = torch.cat([before[:, None].to(memory.dtype), memory[:, :-1]], dim=1)
        if mask is not None:
            earlier.masked_fill_(mask[..., None], 0.0)
        return d_memory * f, d_memory * (z - earlier), d_before, None, None


def _one_by_one(
    z: Tensor, f: Tensor, before: Tensor, mask: Tensor | None, steps: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    memory, now = torch.empty_like(z), before.clone()
    for s in range(z.shape[1]):
        if mask is not None and s in steps:
            now.masked_fill_(mask[:, s, None], 0.0)
        # many small updates would be lost in bf16
        memory[:, s] = now.lerp_(z[:, s].to(now.dtype), f[:, s].to(now.dtype))
    return memory, now


def _back_one_by_one(
    grad: Tensor, f: Tensor, grad_last: Tensor, mask: Tensor | None, steps: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Gradients of the memory at each word, by way of all later ones, and before the window."""
    d_memory, now = torch.empty_like(f), grad_last.clone()
    for s in reversed(range(f.shape[1])):
        now += grad[:, s]
        d_memory[:, s] = now
        now.addcmul_(now, f[:, s].to(now.dtype), value=-1.0)
        if mask is not None and s in steps:
            now.masked_fill_(mask[:, s, None], 0.0)
    return d_memory, now


def _by_doubling(
    z: Tensor, f: Tensor, before: Tensor, mask: Tensor | None, steps: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    kept = _kept(f.to(before.dtype), mask)
    memory = _doubled(kept, torch.addcmul((z * f).to(before.dtype), kept, _first_only(before, z.shape[1])))
    return memory.to(z.dtype), memory[:, -1].clone()


def _back_by_doubling(
    grad: Tensor, f: Tensor, grad_last: Tensor, mask: Tensor | None, steps: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    kept = _kept(f.to(grad_last.dtype), mask)
    # the gradient at a word is its own and what the next one kept of it
    onward = torch.cat([torch.ones_like(kept[:, :1]), kept[:, 1:].flip(1)], dim=1)
    own = grad.to(grad_last.dtype).flip(1) + _first_only(grad_last, f.shape[1])
    d_memory = _doubled(onward, own).flip(1)
    return d_memory.to(f.dtype), d_memory[:, 0] * kept[:, 0]


def _kept(f: Tensor, mask: Tensor | None) -> Tensor:
    """(b, t, h) share of the memory before each word that lives on."""
    kept = 1 - f
    return kept if mask is None else kept.masked_fill_(mask[..., None], 0.0)


def _first_only(first: Tensor, t: int) -> Tensor:
    """(b, h) -> (b, t, h), 0 but at the first place."""
    return torch.cat([first[:, None], first.new_zeros(len(first), t - 1, first.shape[1])], dim=1)


def _doubled(kept: Tensor, own: Tensor) -> Tensor:
    """y of y_s = kept_s y_(s−1) + own_s, all (b, t, h), y before the first being 0.

    After each pass a place knows twice as many before it (Hillis and Steele, "Data Parallel
    Algorithms", 1986).
    """
    reach = 1
    while reach < own.shape[1]:
        further = torch.addcmul(own[:, reach:], kept[:, reach:], own[:, :-reach])
        own = torch.cat([own[:, :reach], further], dim=1)
        kept = torch.cat([kept[:, :reach], kept[:, reach:] * kept[:, :-reach]], dim=1)
        reach *= 2
    return own
