"""Cross entropy over a large vocabulary without the logits of all words in memory at once.

Logits are made for some words of the text at a time, and their gradients with them, so that no product
is done twice. Exact up to the order of sums. torch's ``AdaptiveLogSoftmaxWithLoss`` would be cheaper, but
its weights cannot be those of the embeddings.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

IGNORED = -100
"""A target that is not asked for, as in torch."""

LOGITS_AT_ONCE = 2**23
"""Numbers that a piece of the logits may have; 32 MiB in fp32."""


def linear_cross_entropy(
    states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, logits_at_once: int = LOGITS_AT_ONCE
) -> Tensor:
    """Mean cross entropy of logits ``states @ weight.T + bias``; 0 where no target is asked for.

    The gradient is that of torch's ``cross_entropy``. Under autocast products run in its type, the
    rest in fp32.

    Args:
        states: (n, e).
        weight: (v, e).
        bias: (v,).
        targets: (n,) int64; :data:`IGNORED` is not asked for.
        logits_at_once: numbers of logits in memory; at least one row is.
    """
    asked = targets != IGNORED
    states, targets = states[asked], targets[asked]
    device = states.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    rows = max(1, logits_at_once // len(weight))
    learns = torch.is_grad_enabled() and any(part.requires_grad for part in (states, weight, bias))
    loss: Tensor = _Entropy.apply(  # type: ignore[no-untyped-call]
        states, weight, bias, targets, rows, dtype, learns
    )
    return loss


class _Entropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        rows: int,
        dtype: torch.dtype,
        learns: bool,
    ) -> Tensor:
        wide = torch.promote_types(dtype, torch.float32)
        n = len(states)
        loss = torch.zeros((), dtype=wide, device=states.device)
        gradients = [torch.zeros_like(part, dtype=wide) for part in (states, weight, bias)] if learns else []
        ctx.types = [part.dtype for part in (states, weight, bias)]
        states, weight, bias = (part.to(dtype) for part in (states, weight, bias))
        # the order of memory in which oneDNN multiplies fastest by it
        turned = weight.t().contiguous().t() if learns else weight
        # fresh memory of this size would cost as much as what is written to it
        pieces = [states.new_empty(min(rows, n), len(weight), dtype=kind) for kind in (dtype, wide)]
        with torch.autocast(states.device.type, enabled=False):
            for begin in range(0, n, rows):
                some, wanted = states[begin : begin + rows], targets[begin : begin + rows, None]
                logits, shares = (piece[: len(some)] for piece in pieces)
                torch.addmm(bias, some, weight.t(), out=logits)
                torch.softmax(logits, 1, dtype=wide, out=shares)
                # the share of the most likely word is never 0
                normaliser = logits.amax(1).to(wide) - shares.amax(1).log()
                loss += normaliser.sum() - logits.gather(1, wanted).to(wide).sum()
                if learns:
                    d_states, d_weight, d_bias = gradients
                    shares.scatter_add_(1, wanted, shares.new_full(wanted.shape, -1.0))
                    d_bias += shares.sum(0)
                    errors = logits.copy_(shares)
                    d_states[begin : begin + rows] = errors @ turned
                    d_weight += errors.t() @ some
        ctx.save_for_backward(*(part.div_(max(n, 1)) for part in gradients))
        return loss / max(n, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        parts = zip(ctx.saved_tensors, ctx.types, strict=True)
        return *((part * grad).to(dtype) for part, dtype in parts), None, None, None, None
