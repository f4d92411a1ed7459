"""Numbers of things in a sentence."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``1,200 rows``; for nouns whose plural is not made with an s, give it."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
