"""A network over many texts, without learning: little padding, bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from textgraft.core.memory import FreedMemory
from textgraft.text.batches import padded_ids, token_batches

TOKEN_BUDGET = {"cpu": 2_048, "cuda": 65_536}
"""Tokens a batch. On a CPU a small batch keeps activations in cache; measured by
``benchmarks/frozen.py --budgets``."""


def outputs_by_batch(
    forward: Callable[[Tensor, Tensor], Tensor],
    ids: list[list[int]],
    pad: int,
    device: str,
    bf16: bool,
    budget: int | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield row numbers (b,) and outputs (b, …) float32, longest texts first.

    Args:
        forward: ids (b, t) and mask (b, t) on the device -> outputs.
        ids: token ids of n texts.
        pad: id to fill with.
        device: where to compute.
        bf16: whether matrix products are in bf16.
        budget: tokens a batch, padding included; ``None`` as :data:`TOKEN_BUDGET` has it.
    """

    def take(rows: np.ndarray) -> tuple[Tensor, Tensor]:
        padded, mask = padded_ids([ids[row] for row in rows], pad)
        return torch.from_numpy(padded), torch.from_numpy(mask)

    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    return outputs_of_batches(forward, take, lengths, device, bf16, budget)


def outputs_of_batches(
    forward: Callable[[Tensor, Tensor], Tensor],
    take: Callable[[np.ndarray], tuple[Tensor, Tensor]],
    lengths: np.ndarray,
    device: str,
    bf16: bool,
    budget: int | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same of whatever ``take`` gives for row numbers (b,): inputs (b, t, …) and mask (b, t).

    Args:
        forward, device, bf16, budget: as of :func:`outputs_by_batch`.
        take: called once a batch.
        lengths: (n,) tokens of each row.
    """
    kind, freed = device.split(":")[0], FreedMemory()
    for rows in token_batches(lengths, budget or TOKEN_BUDGET[kind]):
        inputs, mask = take(rows)
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, bf16):
            out = forward(inputs.to(device), mask.to(device)).float().cpu().numpy()
        yield rows, out
        freed.after_a_batch()


def outputs_in_order(
    forward: Callable[[Tensor, Tensor], Tensor],
    ids: list[list[int]],
    width: int,
    pad: int,
    device: str,
    bf16: bool,
    budget: int | None = None,
) -> np.ndarray:
    """Outputs (n, width) float32 of n texts, in their order; arguments as of :func:`outputs_by_batch`."""
    return in_order(outputs_by_batch(forward, ids, pad, device, bf16, budget), len(ids), width)


def in_order(batches: Iterator[tuple[np.ndarray, np.ndarray]], n: int, width: int) -> np.ndarray:
    """Rows (n, width) float32 in their order, from row numbers and outputs batch by batch."""
    outputs = np.empty((n, width), dtype=np.float32)
    for rows, batch in batches:
        outputs[rows] = batch
    return outputs
