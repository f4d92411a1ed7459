"""How far a method goes: classes it takes, and how much it reads of a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textgraft.errors import DataError

MOST_CLASSES = 5_000
"""Beyond this a model of one weight vector a class takes hours to fit and gigabytes to keep."""


SHARE_READ_WHOLE = 0.98
"""Share of the training texts that are read to their end, where a method can."""


def check_class_count(method: str, n_classes: int) -> None:
    """Point to ``knn`` when there are too many classes for one weight vector each.

    Raises:
        DataError: more classes than :data:`MOST_CLASSES`.
    """
    if n_classes > MOST_CLASSES:
        raise DataError(
            f"The method {method} takes up to {MOST_CLASSES:,} classes, found {n_classes:,}. "
            "Use the method knn, which keeps no weights for a class."
        )


def length_of_most(lengths: np.ndarray | Sequence[int]) -> int:
    """The length that :data:`SHARE_READ_WHOLE` of some lengths (n,) do not exceed."""
    return int(np.quantile(lengths, SHARE_READ_WHOLE, method="higher"))


def reading_limit(
    wanted: int | str, lengths: np.ndarray | Sequence[int], least: int, most: int
) -> tuple[int, float]:
    """How much to read of a text, and how many percent of the texts that is all of.

    Args:
        wanted: a number, or ``auto``: as much as nearly all texts have.
        lengths: (n,) of the training texts.
        least, most: bounds of what ``auto`` gives.
    """
    limit = min(most, max(least, length_of_most(lengths))) if wanted == "auto" else int(wanted)
    return limit, 100 * float((np.asarray(lengths) <= limit).mean())
