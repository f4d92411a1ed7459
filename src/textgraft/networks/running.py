"""A network over many texts, without learning: little padding, bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from textgraft.core.memory import FreedMemory
from textgraft.errors import TrainingError
from textgraft.networks.memory import is_out_of_memory, make_room
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
        take: called once a batch, and again for each half of one that does not fit in memory.
        lengths: (n,) tokens of each row.

    Raises:
        TrainingError: one row alone does not fit in memory.
    """
    kind, freed, parts = device.split(":")[0], FreedMemory(), 1

    def outputs(rows: np.ndarray) -> np.ndarray | None:
        """(b, …) float32; ``None`` where memory ended."""
        try:
            inputs, mask = take(rows)
            with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, bf16):
                found: np.ndarray = forward(inputs.to(device), mask.to(device)).float().cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(rows) == 1:
                raise TrainingError(
                    "One text alone does not fit in memory. Read fewer tokens of a text, or use a smaller "
                    "encoder."
                ) from error
            return None
        return found

    for batch in token_batches(lengths, budget or TOKEN_BUDGET[kind]):
        done = 0
        while done < len(batch):
            size = -(-len(batch) // parts)
            rows = batch[done : done + size]
            if (out := outputs(rows)) is None:
                # batches to come are as large as this one
                parts *= 2
                make_room(kind)
                continue
            yield rows, out
            freed.after_a_batch()
            done += len(rows)


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
