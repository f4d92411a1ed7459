"""How far a method that keeps weights for every class can go."""

from __future__ import annotations

from textgraft.errors import DataError

MOST_CLASSES = 5_000
"""Beyond this a model of one weight vector a class takes hours to fit and gigabytes to keep."""


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
