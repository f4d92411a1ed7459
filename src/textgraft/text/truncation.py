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


_KEPT = {"end": "the start", "middle": "the start and the end"}


def truncation_sentence(truncate: str, limit: str, percent: float) -> str:
    """What is read of the training texts, for a person.

    Args:
        truncate: what is left out.
        limit: how much is read of a text, with its unit.
        percent: of the training texts that are no longer than that.
    """
    rest = "" if round(percent) == 100 else f", of the others {_KEPT[truncate]}"
    return f"Reads up to {limit} of a text: {percent:.0f} % of the training texts are read whole{rest}."


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
