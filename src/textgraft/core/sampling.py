"""Pairs of rows that belong together or do not, drawn in time that grows with the rows.

All pairs of n rows are n² / 2; what a network needs of them is, for each row, a few rows of its
class and a few rows of other classes, most of all those that it would be mistaken for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

NOBODY = -1
"""Fills places for which there is no row."""


@dataclass(frozen=True)
class ClassRows:
    """The rows by class, so that a row of the same or of another class is one draw away.

    Attributes:
        codes: (n,) class codes; they need not be dense.
    """

    codes: np.ndarray

    @cached_property
    def order(self) -> np.ndarray:
        """(n,) rows, class by class."""
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def place(self) -> np.ndarray:
        """(n,) where each row stands in ``order``."""
        place = np.empty(len(self.codes), dtype=np.int64)
        place[self.order] = np.arange(len(place))
        return place

    @cached_property
    def block(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) and (n,): where the class of each row begins in ``order``, and how many rows it has."""
        _, class_of, sizes = np.unique(self.codes, return_inverse=True, return_counts=True)
        begins = np.cumsum(sizes) - sizes
        return begins[class_of], sizes[class_of]

    @property
    def has_mate(self) -> np.ndarray:
        """(n,) bool: whether another row has the same class."""
        return np.asarray(self.block[1] > 1)

    def mates(self, rows: np.ndarray, n: int, draw: np.random.Generator) -> np.ndarray:
        """(b, n) other rows of the same class for each of b rows, drawn with replacement.

        A row that is alone in its class has :data:`NOBODY`.
        """
        begins, sizes = (values[rows][:, None] for values in self.block)
        others = sizes - 1
        at = draw.integers(0, np.maximum(others, 1), (len(rows), n))
        # the row itself is stepped over, so that every other one is as likely
        at += at >= self.place[rows][:, None] - begins
        found = self.order[np.minimum(begins + at, len(self.codes) - 1)]
        return np.where(others > 0, found, NOBODY)

    def strangers(self, rows: np.ndarray, n: int, draw: np.random.Generator) -> np.ndarray:
        """(b, n) rows of other classes for each of b rows, drawn with replacement.

        Where there is only one class there is :data:`NOBODY`.
        """
        begins, sizes = (values[rows][:, None] for values in self.block)
        others = len(self.codes) - sizes
        at = draw.integers(0, np.maximum(others, 1), (len(rows), n))
        # the block of the row's own class is stepped over
        at += np.where(at >= begins, sizes, 0)
        found = self.order[np.minimum(at, len(self.codes) - 1)]
        return np.where(others > 0, found, NOBODY)


def hard_negatives(
    classes: ClassRows, rows: np.ndarray, nearest: np.ndarray, n: int, draw: np.random.Generator
) -> np.ndarray:
    """(b, n) rows of other classes for each of b rows, drawn from the nearest ones without replacement.

    Robinson et al., "Contrastive Learning with Hard Negative Samples", 2021, on why near ones teach
    more. Rows of the own class among the nearest are passed over; where too few others are left,
    strangers from anywhere fill up.

    Args:
        classes: of all rows.
        rows: (b,) rows to find negatives for.
        nearest: (b, k) rows near to each; may hold the row itself, or :data:`NOBODY`.
        n: how many for each row.
        draw: where randomness comes from.
    """
    own = (classes.codes[nearest] == classes.codes[rows][:, None]) | (nearest == NOBODY)
    # a random order, with the rows that must not be drawn behind all others
    order = np.argsort(draw.random(nearest.shape) + own, axis=1)[:, :n]
    far = classes.strangers(rows, n, draw)
    chosen = np.where(
        np.take_along_axis(own, order, axis=1),
        far[:, : order.shape[1]],
        np.take_along_axis(nearest, order, axis=1),
    )
    return np.concatenate([chosen, far[:, order.shape[1] :]], axis=1)


def drawn_rows(rows: np.ndarray, most: int, draw: np.random.Generator) -> np.ndarray:
    """All of the rows, or ``most`` of them drawn without replacement; ascending."""
    if len(rows) <= most:
        return rows
    return np.sort(draw.choice(rows, most, replace=False))
