"""Statements about a rate from a count: exact bounds of a rate of errors, and an interval.

Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
Binomial", 1934; Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
"""

from __future__ import annotations

import math

import numpy as np


def lower_tail(errors: int, n: int, rate: float) -> float:
    """P(at most ``errors`` of ``n`` are wrong), each being wrong with probability ``rate`` in (0, 1)."""
    if errors >= n:
        return 1.0
    if errors < 0:
        return 0.0
    count = np.arange(1, errors + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((n - count + 1) / count))])
    wrong = np.arange(errors + 1)
    # in logarithms, since 0.95 ** 100,000 is no number any more
    each = ways + wrong * math.log(rate) + (n - wrong) * math.log1p(-rate)
    largest = float(each.max())
    return min(1.0, math.exp(largest) * float(np.exp(each - largest).sum()))


def upper_bound(errors: int, n: int, confidence: float) -> float:
    """The largest rate of errors that ``errors`` of ``n`` do not rule out at that confidence."""
    if errors >= n:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if lower_tail(errors, n, middle) > 1 - confidence else (low, middle)
    return high


def rows_needed(rate: float, confidence: float, errors: int = 0) -> int:
    """The fewest rows with so many errors that show a rate of at most ``rate`` at that confidence."""
    low, high = errors, max(2, 2 * errors)
    while lower_tail(errors, high, rate) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if lower_tail(errors, middle, rate) <= 1 - confidence else (middle, high)
    return high


def wilson_interval(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Where a rate lies of which ``n`` independent rows show ``share``; 95 % for the usual ``z``.

    Close to its level also for few rows and for shares near 0 or 1, where the normal one is not.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # rounding must not put the share itself outside
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
