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

from textgraft.networks.transformer import Transformer, unpadded_states
from textgraft.networks.unpadded import Unpadded

NAME = "textgraft"
"""What ``transformers`` knows it by."""

PLAIN_UP_TO = 224
"""Tokens up to which plain products are used."""


def use_fast_attention(transformer: Transformer) -> None:
    """Let a body of ``transformers`` attend by :func:`attend` on a CPU; one that cannot stays as it is.

    Padding is left out where the body was seen to give the same states without it.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    body: Any = transformer.body
    if (
        not getattr(body, "_supports_sdpa", False)
        or getattr(body.config, "_attn_implementation", "") != "sdpa"
    ):
        return
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    body.set_attn_implementation(NAME)
    transformer.unpads = _unpads(body)


def _unpads(body: Any) -> bool:
    """Whether a body gives two texts the same states with and without padding.

    Not so where positions are relative or come from the mask, or where a token sees its neighbours only.
    """
    if any(getattr(body.config, name, None) for name in ("sliding_window", "local_attention")):
        return False
    mask = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    pad = body.config.pad_token_id or 0
    # some families count positions from the ids that are no padding
    others = [token for token in range(min(13, body.config.vocab_size)) if token != pad]
    ids = torch.tensor(others).repeat(12)[:12].view(2, 6).masked_fill(~mask, pad)
    try:
        with torch.inference_mode():
            found = unpadded_states(body, ids, where := Unpadded.of(mask))
            expected = body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return False
    expected = expected.flatten(0, 1)[where.places]
    return torch.allclose(found, expected, atol=1e-4 * float(expected.abs().max() + 1e-6))


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    unpadded: Unpadded | None = None,
    # transformers tells every kind of attention what some kinds want to know
    **_: Any,
) -> tuple[Tensor, None]:
    """Queries, keys and values (b, h, t, e) and a mask (b, 1, t, t) of what is seen -> (b, t, h, e).

    Where padding was left out, ``unpadded`` says where in (1, h, t, e) each text stands.
    """
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if unpadded is None:
        return _attend(query, key, value, attention_mask, scale), None
    if attention_mask is not None:
        raise ValueError("A text without padding sees itself whole; found a mask of what is seen.")
    tokens = [torch.split(states[0].transpose(0, 1), unpadded.sizes) for states in (query, key, value)]
    out = []
    for group, *rows in zip(unpadded.groups, *tokens, strict=True):
        q, k, v = (group.put(states).transpose(1, 2) for states in rows)
        seen = None if group.mask is None else group.mask[:, None, None]
        out.append(group.taken(_attend(q, k, v, seen, scale)))
    return torch.cat(out)[None], None


def _attend(query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, scale: float) -> Tensor:
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
    return out.transpose(1, 2).contiguous()


def _plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    similar = torch.matmul(query * scale, key.transpose(-1, -2))
    if mask is not None:
        if mask.dtype == torch.bool:
            similar = similar.masked_fill(~mask, torch.finfo(similar.dtype).min)
        else:
            similar = similar + mask.to(similar.dtype)
    return torch.matmul(torch.softmax(similar, dim=-1), value)
