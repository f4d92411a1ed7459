"""Attention without dropout of its own, as fast as a processor can learn through it.

Vaswani et al., "Attention Is All You Need", 2017. On a CPU, torch's fused attention is slow
backwards in bf16; plain matrix products, some texts at a time, are faster
(``benchmarks/attention_speed.py``). Of long texts they would keep too much, so there it is the fused one
in fp32, as in fp32 throughout.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from textgraft.networks.transformer import Transformer, unpadded_inputs
from textgraft.networks.tried import gives_the_same
from textgraft.networks.unpadded import Unpadded

NAME = "textgraft"
"""What ``transformers`` knows it by."""

PLAIN_UP_TO = 512
"""Tokens up to which plain products are used; they keep the similarities of all pairs for the way back."""

SIMILARITIES_AT_ONCE = 2**21
"""Pairs of tokens, of all heads, that are compared at once."""


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
    if _attends_alike(body):
        transformer.unpads = _unpads(body)
    else:
        body.set_attn_implementation("sdpa")


def _attends_alike(body: Any) -> bool:
    """Whether a body gives the same states by :func:`attend` as by torch's own attention.

    Not so where a token sees only those before it, or where attention itself is told of positions.
    """
    ids = _some_ids(body)

    def tried() -> tuple[Tensor, Tensor]:
        expected = body(input_ids=ids).last_hidden_state
        body.set_attn_implementation(NAME)
        return body(input_ids=ids).last_hidden_state, expected

    return gives_the_same(tried, within=1e-4)


def _some_ids(body: Any) -> Tensor:
    """(2, 6) token ids, none of which is padding."""
    pad = body.config.pad_token_id or 0
    others = [token for token in range(min(13, body.config.vocab_size)) if token != pad]
    return torch.tensor(others).repeat(12)[:12].view(2, 6)


def _unpads(body: Any) -> bool:
    """Whether a body gives two texts the same states with and without padding.

    Not so where positions are relative or come from the mask, or where a token sees its neighbours only.
    """
    if any(getattr(body.config, name, None) for name in ("sliding_window", "local_attention")):
        return False
    mask = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    # some families count positions from the ids that are no padding
    ids = _some_ids(body).masked_fill(~mask, body.config.pad_token_id or 0)

    def tried() -> tuple[Tensor, Tensor]:
        where = Unpadded.of(mask)
        found = body(**unpadded_inputs(body, ids, where)).last_hidden_state
        expected = body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return found[0], expected.flatten(0, 1)[where.places]

    return gives_the_same(tried, within=1e-4)


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
    if query.device.type != "cpu":
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=scale)
    else:
        with torch.autocast("cpu", enabled=False):
            if query.dtype == torch.bfloat16 and query.shape[2] <= PLAIN_UP_TO:
                out = _plain_in_parts(query, key, value, attention_mask, scale)
            else:
                exact = (query.float(), key.float(), value.float())
                out = F.scaled_dot_product_attention(*exact, attn_mask=attention_mask, scale=scale)
                out = out.to(query.dtype)
    return out.transpose(1, 2).contiguous()


def _plain_in_parts(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """So few texts at a time that their similarities stay in the processor's cache."""
    texts, heads, tokens, _ = query.shape
    some = max(1, SIMILARITIES_AT_ONCE // (heads * tokens * tokens))
    if texts <= some:
        return _plain(query, key, value, mask, scale)
    queries, keys, values = (torch.split(states, some) for states in (query, key, value))
    masks = [None] * len(queries) if mask is None else torch.split(mask.expand(texts, -1, -1, -1), some)
    parts = zip(queries, keys, values, masks, strict=True)
    return torch.cat([_plain(q, k, v, seen, scale) for q, k, v, seen in parts])


def _plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    texts, heads, tokens, width = query.shape
    # scaled first, with and without a mask, so that texts beside a text do not change how it is rounded
    rows, columns, values = (states.reshape(-1, tokens, width) for states in (query * scale, key, value))
    if mask is None:
        similar = torch.bmm(rows, columns.transpose(1, 2))
    else:
        if mask.dtype == torch.bool:
            least = torch.finfo(query.dtype).min
            mask = torch.zeros(mask.shape, dtype=query.dtype).masked_fill(~mask, least)
        # added within the product, which spares one pass over all similarities
        unseen = mask.to(query.dtype).expand(texts, heads, -1, -1).reshape(-1, *mask.shape[2:])
        similar = torch.baddbmm(unseen, rows, columns.transpose(1, 2))
    return torch.bmm(torch.softmax(similar, dim=-1), values).view(texts, heads, tokens, width)
