"""Attention without dropout of its own, as fast as a processor can learn through it.

Vaswani et al., "Attention Is All You Need", 2017. On a CPU, torch's fused attention is slow
backwards in bf16; plain matrix products are several times faster for texts of up to some two
hundred tokens, and the fused one in fp32 beyond that (``benchmarks/attention_speed.py``).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

NAME = "textgraft"
"""What ``transformers`` knows it by."""

PLAIN_UP_TO = 224
"""Tokens up to which plain products are used."""


def use_fast_attention(body: Any) -> None:
    """Let a body of ``transformers`` attend by :func:`attend` on a CPU; one that cannot stays as it is."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    if (
        not getattr(body, "_supports_sdpa", False)
        or getattr(body.config, "_attn_implementation", "") != "sdpa"
    ):
        return
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    body.set_attn_implementation(NAME)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    # transformers tells every kind of attention what some kinds want to know
    **_: Any,
) -> tuple[Tensor, None]:
    """Queries, keys and values (b, h, t, e) and a mask (b, 1, t, t) of what is seen -> (b, t, h, e)."""
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if query.device.type == "cpu" and query.shape[2] <= PLAIN_UP_TO:
        with torch.autocast("cpu", enabled=False):
            out = _plain(query, key, value, attention_mask, scale)
    elif query.device.type == "cpu":
        with torch.autocast("cpu", enabled=False):
            exact = (query.float(), key.float(), value.float())
            out = F.scaled_dot_product_attention(*exact, attn_mask=attention_mask, scale=scale).to(
                query.dtype
            )
    else:
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=scale)
    return out.transpose(1, 2).contiguous(), None


def _plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    similar = torch.matmul(query * scale, key.transpose(-1, -2))
    if mask is not None:
        if mask.dtype == torch.bool:
            similar = similar.masked_fill(~mask, torch.finfo(similar.dtype).min)
        else:
            similar = similar + mask.to(similar.dtype)
    return torch.matmul(torch.softmax(similar, dim=-1), value)
