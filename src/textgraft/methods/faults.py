"""Which values a parameter can have, for methods that name their faults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def is_count(value: object, least: int) -> bool:
    """Whether a value is a whole number from ``least``."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


def is_number(value: object, least: float, most: float = math.inf) -> bool:
    """Whether a value is a finite number within bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(value) and bool(least <= value <= most)


def auto_count_faults(parameters: Mapping[str, Any], least: Mapping[str, int]) -> list[str]:
    """Of parameters that are ``auto`` or a whole number.

    Args:
        parameters: by name.
        least: the smallest number of those to look at.
    """
    return [
        f"{name} must be 'auto' or a whole number from {lowest}, found {parameters[name]!r}"
        for name, lowest in least.items()
        if parameters[name] != "auto" and not is_count(parameters[name], lowest)
    ]


def patience_faults(patience: object) -> list[str]:
    """Of the epochs that early stopping waits."""
    if patience is None or is_count(patience, 0):
        return []
    return [f"patience must be a whole number from 0 or None, found {patience!r}"]
