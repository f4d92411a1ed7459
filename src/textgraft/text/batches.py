"""Batches of texts of like length, so that little is padding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def token_batches(lengths: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Row numbers, longest first, in batches whose padded size stays within ``budget`` tokens.

    Longest first, so that a batch too large for memory fails at once and not at the end. A
    text longer than the budget gets a batch of its own.

    Args:
        lengths: (n,) tokens of each text.
        budget: tokens a batch, padding included; at least 1.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def shuffled_batches(lengths: np.ndarray, batch_size: int, draw: np.random.Generator) -> list[np.ndarray]:
    """Row numbers in batches of ``batch_size`` texts of like length, in random order.

    Rows of equal length meet in other company each time; the last batch of rows may be smaller.
    Sorting all rows, not pools of them, keeps padding low on a few hundred rows too.

    Args:
        lengths: (n,) tokens of each text.
        batch_size: texts a batch.
        draw: where randomness comes from.
    """
    jitter = draw.uniform(0.97, 1.03, len(lengths))
    order = np.argsort((lengths + 1) * jitter, kind="stable")
    # the incomplete batch lies at a random place, not always among the longest
    offset = int(draw.integers(batch_size)) if len(order) > batch_size else 0
    starts = range(offset, len(order), batch_size)
    batches = ([order[:offset]] if offset else []) + [order[at : at + batch_size] for at in starts]
    return [batches[number] for number in draw.permutation(len(batches))]


def split_by_length(lengths: np.ndarray, overhead: int) -> list[np.ndarray]:
    """One batch's positions in parts of like length, longest first.

    A new part begins where going on would pad more tokens than a part costs in itself.

    Args:
        lengths: (b,) tokens of each text of the batch.
        overhead: tokens that a part is worth.
    """
    order = np.argsort(-lengths, kind="stable")
    parts, start, padded = [], 0, 0
    for at, position in enumerate(order):
        padded += int(lengths[order[start]] - lengths[position])
        if padded > overhead:
            parts.append(order[start:at])
            start, padded = at, 0
    return [*parts, order[start:]]


def padding_share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Share of padded positions in batches."""
    padded = sum(len(rows) * int(lengths[rows].max()) for rows in batches)
    return 1.0 - float(lengths.sum()) / padded if padded else 0.0


def padded_ids(ids: list[list[int]], pad: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids (b, t) int64 and mask (b, t) bool of b texts."""
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    padded = np.full((len(ids), max(1, int(lengths.max(initial=0)))), pad, dtype=np.int64)
    mask = np.arange(padded.shape[1]) < lengths[:, None]
    if lengths.any():
        padded[mask] = np.concatenate([np.asarray(row, dtype=np.int64) for row in ids if len(row)])
    return padded, mask
