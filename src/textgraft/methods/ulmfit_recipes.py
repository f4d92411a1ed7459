"""Defaults of ULMFiT by the number of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ULMFiTRecipe:
    """Numbers that depend on how many rows there are.

    Attributes:
        rows: up to so many.
        adapt: epochs of adapting.
        thaw: epochs of each phase but the last.
        epochs: of the last phase, in which all layers learn.
        batch_size: texts a step.
    """

    rows: float
    adapt: int
    thaw: int
    epochs: int
    batch_size: int


RECIPES = (
    ULMFiTRecipe(rows=500, adapt=10, thaw=3, epochs=15, batch_size=16),
    ULMFiTRecipe(rows=10_000, adapt=6, thaw=1, epochs=15, batch_size=32),
    ULMFiTRecipe(rows=np.inf, adapt=2, thaw=1, epochs=3, batch_size=64),
)
"""Usual values; that 6 epochs are too few for some thousands of rows was seen on training rows."""


def usual_recipe(n_rows: int) -> ULMFiTRecipe:
    """The first recipe for so many rows or more."""
    return next(recipe for recipe in RECIPES if n_rows <= recipe.rows)
