"""Defaults of fine-tuning by the number of rows, and what a person is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.encoders.encoder import Encoder, Trainable
from textgraft.errors import ParameterError
from textgraft.methods.limits import length_of_most
from textgraft.text.truncation import truncation_sentence


@dataclass(frozen=True)
class Recipe:
    """Numbers that depend on how many rows there are.

    Attributes:
        rows: up to so many.
        contrast: epochs of contrastive warm-up.
        epochs: of fine-tuning.
        rate: peak rate of the encoder's layers.
        batch_size: texts a step.
    """

    rows: float
    contrast: int
    epochs: int
    rate: float
    batch_size: int


RECIPES = (
    Recipe(rows=500, contrast=8, epochs=0, rate=2e-4, batch_size=32),
    Recipe(rows=2_000, contrast=0, epochs=8, rate=2e-4, batch_size=32),
    Recipe(rows=20_000, contrast=0, epochs=6, rate=1e-4, batch_size=32),
    Recipe(rows=np.inf, contrast=0, epochs=2, rate=1e-4, batch_size=32),
)
"""The first and the third were chosen on training rows (``benchmarks/defaults_finetune.py``); the others
are usual values for encoders of this size, not yet compared."""

HEAD_FACTOR = 5.0
"""How many times faster than the encoder the head learns: it starts from less."""


def recipe_for(n_rows: int) -> Recipe:
    """The first recipe for so many rows or more."""
    return next(recipe for recipe in RECIPES if n_rows <= recipe.rows)


def choose_max_tokens(
    wanted: int | str, encoder: Encoder, trainable: Trainable, texts: Sequence[str], truncate: str
) -> tuple[int, str]:
    """How many tokens to read of a text, and a sentence about it.

    Raises:
        ParameterError: more than the encoder has positions for.
    """
    most = trainable.max_tokens
    if wanted != "auto" and int(wanted) > most:
        raise ParameterError(
            f"max_tokens {wanted} is more than {encoder.name} can read: it takes up to {most} tokens."
        )
    lengths = np.array([len(row) for row in trainable.tokens.ids(list(texts), most)])
    if wanted == "auto":
        cut = length_of_most(lengths)
        # whole multiples of 8 suit matrix products
        limit = min(most, max(8, -(-cut // 8) * 8))
    else:
        limit = int(wanted)
    whole = 100 * float((lengths < limit).mean() if limit == most else (lengths <= limit).mean())
    return limit, truncation_sentence(truncate, f"{limit} tokens (the encoder's most is {most})", whole)


def recipe_sentence(recipe: Recipe, n_rows: int) -> str:
    """What was chosen for so many rows."""
    trained = [f"{recipe.contrast} epochs of contrastive warm-up"] if recipe.contrast else []
    if recipe.epochs:
        trained.append(f"{recipe.epochs} epochs in batches of {recipe.batch_size}")
    # one rate for whatever is trained; a regression has none
    steps = [f"{', then '.join(trained)} at a peak rate of {recipe.rate:g}"] if trained else []
    if not recipe.epochs:
        steps.append("a head by logistic regression")
    return f"For {n_rows:,} rows: {', then '.join(steps)}."
