"""What is left out of a text that is too long: its end or its middle.

Sun et al., "How to Fine-Tune BERT for Text Classification?", 2019, section 5.3.1: the start and
the end of a long text together say more about its class than the start alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")

TRUNCATE = ("end", "middle")
"""What may be left out."""


def truncate_faults(truncate: Any) -> list[str]:
    """What is wrong with a choice of what is left out."""
    return [] if truncate in TRUNCATE else [f"truncate must be end or middle, found {truncate!r}"]


def truncated(row: Sequence[Item], limit: int, truncate: str) -> list[Item]:
    """At most ``limit`` items of a row, without its ``end`` or its ``middle``.

    Special tokens at a row's ends stay where the middle is left out.
    """
    if len(row) <= limit or truncate == "end":
        return list(row[:limit])
    last = limit // 2
    return [*row[: limit - last], *row[len(row) - last :]]
