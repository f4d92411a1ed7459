"""Which values a parameter can have, for methods that name their faults."""

from __future__ import annotations

import math

import numpy as np


def is_count(value: object, least: int) -> bool:
    """Whether a value is a whole number from ``least``."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


def is_number(value: object, least: float, most: float = math.inf) -> bool:
    """Whether a value is a finite number within bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(value) and bool(least <= value <= most)
