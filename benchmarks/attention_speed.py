"""Milliseconds of attention forwards and backwards on a CPU, by how it is computed.

python benchmarks/attention_speed.py
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

HEADS, WIDTH = 12, 32
SHAPES = ((32, 13), (32, 48), (32, 96), (16, 160), (16, 224), (16, 256))
"""Texts, tokens."""

REPEATS = 7


def plain(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    similar = torch.matmul(query * WIDTH**-0.5, key.transpose(-1, -2))
    return torch.matmul(torch.softmax(similar, dim=-1), value)


def milliseconds(attend: Callable[..., Tensor], texts: int, tokens: int, dtype: torch.dtype) -> float:
    """Median of one pass forwards and backwards."""
    torch.manual_seed(0)
    parts = [
        torch.randn(texts, tokens, HEADS, WIDTH, dtype=dtype).transpose(1, 2).requires_grad_()
        for _ in range(3)
    ]
    slope, seconds = torch.ones(texts, HEADS, tokens, WIDTH, dtype=dtype), []
    for _ in range(REPEATS):
        began = time.perf_counter()
        attend(*parts).backward(slope)
        seconds.append(time.perf_counter() - began)
    return round(1e3 * statistics.median(seconds), 2)


def main() -> None:
    table: list[dict[str, Any]] = []
    for texts, tokens in SHAPES:
        row: dict[str, Any] = {"texts": texts, "tokens": tokens}
        for name, attend in (("fused", F.scaled_dot_product_attention), ("plain", plain)):
            for dtype in (torch.bfloat16, torch.float32):
                row[f"{name} {str(dtype)[6:]}"] = milliseconds(attend, texts, tokens, dtype)
        table.append(row)
        print(row, flush=True)
    store("attention_speed", {"table": table})


if __name__ == "__main__":
    main()
