"""Rows to watch while others are learned from, so that training can stop early."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np

from textgraft.core.splits import holdout_rows

if TYPE_CHECKING:
    from textgraft.training.records import Training

EARLY_STOPPING_SHARE = 0.1

TOO_FEW_TO_WATCH = "Too few rows to hold some out and watch them: patience did nothing."


class Divisible(Protocol):
    """Batches that can be divided by rows."""

    def some(self, rows: np.ndarray, *, shuffle: bool = True) -> Self:
        """Only the rows of a mask (n,)."""


B = TypeVar("B", bound=Divisible)


def rows_to_watch(batches: B, codes: np.ndarray, patience: int | None, seed: int) -> tuple[B, B | None]:
    """All rows to learn from; or, with patience, most of them, and the others to watch.

    Args:
        batches: of n rows.
        codes: (n,) their class codes, or (n, c) 0/1.
        patience: ``None`` watches nothing.
        seed: of the draw.
    """
    if patience is None:
        return batches, None
    watched = holdout_rows(codes, EARLY_STOPPING_SHARE, seed)
    return batches.some(~watched), batches.some(watched, shuffle=False)


def said_if_unwatched(training: Training, patience: int | None, watched: object | None) -> Training:
    """The same training; where rows were to be watched and none could be, it says so."""
    if patience is None or watched is not None:
        return training
    return replace(training, notes=(*training.notes, TOO_FEW_TO_WATCH))
