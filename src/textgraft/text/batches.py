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
