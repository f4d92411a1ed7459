"""Lengths of time as people write them."""

from __future__ import annotations

import re

from textgraft.errors import ParameterError

_SECONDS = {"h": 3_600.0, "m": 60.0, "s": 1.0}
_WRITTEN = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


def parse_duration(written: str) -> float:
    """Seconds of ``90s``, ``10m`` or ``1h30m``.

    Raises:
        ParameterError: it is none of these, or no time at all.
    """
    found = _WRITTEN.fullmatch(written.replace(" ", "").lower())
    parts = [] if found is None else [(part, unit) for part, unit in zip(found.groups(), "hms", strict=True)]
    seconds = sum(float(part) * _SECONDS[unit] for part, unit in parts if part)
    if seconds <= 0:
        raise ParameterError(f"Expected a time such as 90s, 10m or 1h30m, found {written!r}.")
    return seconds


def duration_words(seconds: float) -> str:
    """``0.4 s``, ``38 s``, ``12 min`` or ``2.5 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
