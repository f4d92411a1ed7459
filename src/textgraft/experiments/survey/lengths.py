"""How long texts are, in characters or in an encoder's tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.experiments.tables import percent


@dataclass(frozen=True)
class Lengths:
    """Lengths of texts in one unit.

    Attributes:
        mean, median, p95, p99, longest: of all texts.
        limit: units read of a text; ``None`` when all of it is read.
        cut: share of texts longer than the limit, whose end is not read.
    """

    mean: float
    median: float
    p95: float
    p99: float
    longest: int
    limit: int | None
    cut: float

    def __str__(self) -> str:
        said = (
            f"mean {self.mean:,.1f}, median {self.median:,.0f}, 95 % up to {self.p95:,.0f}, "
            f"99 % up to {self.p99:,.0f}, longest {self.longest:,}"
        )
        return said if self.limit is None else f"{said}; {percent(self.cut)} over the limit of {self.limit:,}"


def describe_lengths(counts: np.ndarray, limit: int | None = None) -> Lengths | None:
    """Summary of counts (n,), or ``None`` when there are none."""
    if not len(counts):
        return None
    median, p95, p99 = np.quantile(counts, [0.5, 0.95, 0.99]).tolist()
    cut = 0.0 if limit is None else float((counts > limit).mean())
    return Lengths(float(counts.mean()), median, p95, p99, int(counts.max()), limit, cut)
