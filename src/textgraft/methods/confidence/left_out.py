"""Known and new texts to weigh signs of novelty by, made by leaving some out of learning.

A third of the rows at a time is left out, and seen as a known text will be. So are a third of the classes,
whose rows are then new in one way, and a third of the out-of-scope rows, where such were given, which are new
in another: later texts may be like these or like nothing that was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from textgraft.core.progress import Progress, Watch
from textgraft.core.splits import fold_numbers
from textgraft.errors import DataError
from textgraft.methods.confidence.fusion import Fusion, fit_fusion
from textgraft.methods.confidence.kinds import Confidence
from textgraft.methods.lesson import Lesson

FOLDS = 3

FEWEST_OUTSIDE = 30
"""Out-of-scope rows that signs can be weighed by."""

FEWEST_CLASSES, FEWEST_ROWS_A_CLASS = 10, 8
"""From which leaving classes out makes new texts of enough kinds (``benchmarks/novelty.py``)."""

Kind: TypeAlias = Literal["classes", "outside"]
"""Of new texts: rows of classes that were left out, and out-of-scope rows."""

Look: TypeAlias = Callable[
    [tuple[str, ...], np.ndarray, np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]
]
"""From names of s signs, vectors (n, d), codes (n,) of which each from 0 occurs, and vectors (o, d) of
out-of-scope rows to what gives signs (m, s) of vectors (m, d)."""


def kinds_of_new(n_rows: int, n_classes: int, n_outside: int) -> tuple[Kind, ...]:
    """What rows are enough for; without any, signs cannot be weighed."""
    enough: dict[Kind, bool] = {
        "classes": n_classes >= FEWEST_CLASSES and n_rows >= FEWEST_ROWS_A_CLASS * n_classes,
        "outside": n_outside >= FEWEST_OUTSIDE,
    }
    return tuple(kind for kind, are in enough.items() if are)


def made_of(
    asked: str, alone: str, lesson: Lesson, names: tuple[str, ...], look: Look, seed: int, watch: Watch
) -> Confidence:
    """Confidence as asked for, or as all rows allow: models of some of them must not differ in it.

    Args:
        asked: the parameter ``confidence``.
        alone: the usual sign where none are weighed.
        lesson: what is learned from.
        names, look, seed, watch: as of :func:`weighed_signs`.

    Raises:
        DataError: ``fusion`` is asked for, and rows are too few.
    """
    if lesson.multilabel:
        return Confidence(alone)
    if asked not in ("auto", "fusion"):
        return Confidence(asked)
    kinds = kinds_of_new(lesson.n_rows_in_all, lesson.n_classes, len(lesson.outside))
    if kinds:
        features, codes, outside = lesson.features, lesson.codes, lesson.outside
        return Confidence("fusion", weighed_signs(features, codes, outside, kinds, names, look, seed, watch))
    if asked == "fusion":
        raise DataError(
            f"confidence=fusion needs {FEWEST_OUTSIDE} out-of-scope rows to learn from, or {FEWEST_CLASSES} "
            f"classes of {FEWEST_ROWS_A_CLASS} rows on average. Give more rows, or choose confidence={alone}."
        )
    return Confidence(alone)


def can_weigh_outside(confidence: str, n: int) -> bool:
    """Whether n out-of-scope rows are enough for what the parameter ``confidence`` asks."""
    return confidence in ("auto", "fusion") and n >= FEWEST_OUTSIDE


def weighed_signs(
    features: np.ndarray,
    codes: np.ndarray,
    outside: np.ndarray,
    kinds: Sequence[Kind],
    names: tuple[str, ...],
    look: Look,
    seed: int,
    watch: Watch,
) -> Fusion:
    """Weigh signs by rows that were left out.

    Args:
        features: (n, d) vectors.
        codes: (n,) class codes.
        outside: (o, d) vectors of out-of-scope rows, perhaps none.
        kinds: of new texts that are made, at least one (:func:`kinds_of_new`).
        names: of the signs; with out-of-scope rows, ``outside`` is one more.
        look: gives signs.
        seed: of the draws.
        watch: told of progress.
    """
    random = np.random.default_rng(seed)
    fold_of_row = fold_numbers(codes, FOLDS, seed)
    fold_of_class = random.permutation(int(codes.max()) + 1) % FOLDS
    fold_of_outside = random.permutation(len(outside)) % FOLDS
    names = (*names, "outside") if "outside" in kinds else names
    known: list[np.ndarray] = []
    new: dict[Kind, list[np.ndarray]] = {kind: [] for kind in kinds}
    for fold in range(FOLDS):
        strange = (fold_of_class[codes] == fold) & ("classes" in kinds)
        asked = (fold_of_row == fold) & ~strange
        taught = ~asked & ~strange
        numbers = np.unique(codes[taught], return_inverse=True)[1]
        seen = look(names, features[taught], numbers, outside[fold_of_outside != fold])
        known.append(seen(features[asked]))
        made: dict[Kind, np.ndarray] = {
            "classes": features[strange],
            "outside": outside[fold_of_outside == fold],
        }
        for kind, seen_so_far in new.items():
            seen_so_far.append(seen(made[kind]))
        watch(Progress("weighing signs of novelty", fold + 1, FOLDS))
    return fit_fusion(names, np.concatenate(known), [np.concatenate(some) for some in new.values()])
