"""Milliseconds of attention on a CPU, forwards alone and there and back, by how it is computed.

    python benchmarks/attention_speed.py

One text of each batch is a token shorter than the others, so that there is a mask. Ways are timed in turn.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from common import store
from textgraft.networks.attention import _plain, attend

HEADS, WIDTH = 12, 32
SCALE = WIDTH**-0.5
SHAPES = ((128, 16), (64, 48), (32, 96), (16, 160), (12, 256), (6, 512))
"""Texts, tokens."""

ROUNDS = 9

Way = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def fused(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=SCALE)


def fused_in_fp32(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    return fused(query.float(), key.float(), value.float(), mask).to(query.dtype)


def all_at_once(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    return _plain(query, key, value, mask, SCALE)


def ours(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    return attend(torch.nn.Identity(), query, key, value, mask, SCALE)[0].transpose(1, 2)


WAYS: dict[str, Way] = {
    "fused": fused,
    "fused in fp32": fused_in_fp32,
    "plain, all at once": all_at_once,
    "ours": ours,
}


def milliseconds(way: Way, parts: list[Tensor], mask: Tensor, slope: Tensor | None) -> float:
    """One pass, backwards too where there is a slope."""
    began = time.perf_counter()
    if slope is None:
        with torch.inference_mode():
            way(*parts, mask)
    else:
        way(*parts, mask).backward(slope)
    return 1e3 * (time.perf_counter() - began)


def main() -> None:
    table: list[dict[str, Any]] = []
    for dtype in (torch.bfloat16, torch.float32):
        for texts, tokens in SHAPES:
            torch.manual_seed(0)
            shape = (texts, tokens, HEADS, WIDTH)
            parts = [torch.randn(shape, dtype=dtype).transpose(1, 2) for _ in range(3)]
            learning = [one.clone().requires_grad_() for one in parts]
            mask = torch.ones(texts, 1, 1, tokens, dtype=torch.bool)
            mask[0, :, :, -1] = False
            slope = torch.ones(texts, HEADS, tokens, WIDTH, dtype=dtype)
            for passes, states, back in (("forwards", parts, None), ("there and back", learning, slope)):
                taken: dict[str, list[float]] = {name: [] for name in WAYS}
                for _ in range(ROUNDS):
                    for name, way in WAYS.items():
                        taken[name].append(milliseconds(way, states, mask, back))
                row = {"numbers": str(dtype)[6:], "texts": texts, "tokens": tokens, "passes": passes}
                row |= {name: round(statistics.median(some), 2) for name, some in taken.items()}
                table.append(row)
                print(row, flush=True)
    store("attention_speed", {"table": table})


if __name__ == "__main__":
    main()
