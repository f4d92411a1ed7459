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
from textgraft.methods.class_evidence import ClassEvidence
from textgraft.methods.evidence import unit_rows
from textgraft.methods.fusion import FUSED, Fusion, fit_fusion
from textgraft.methods.novelty import signs

FOLDS = 3

FEWEST_OUTSIDE = 30
"""Out-of-scope rows that signs can be weighed by."""

FEWEST_CLASSES, FEWEST_ROWS_A_CLASS = 10, 8
"""From which leaving classes out makes new texts of enough kinds (``benchmarks/novelty.py``)."""

TOO_FEW_TO_WEIGH = (
    f"confidence=fusion needs {FEWEST_OUTSIDE} out-of-scope rows to learn from, or {FEWEST_CLASSES} classes "
    f"of {FEWEST_ROWS_A_CLASS} rows on average. Give more rows, or choose confidence=product."
)

Kind: TypeAlias = Literal["classes", "outside"]
"""Of new texts: rows of classes that were left out, and out-of-scope rows."""

Logits: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Of vectors (n, d): (n, c)."""


def kinds_of_new(n_rows: int, n_classes: int, n_outside: int) -> tuple[Kind, ...]:
    """What rows are enough for; without any, signs cannot be weighed."""
    enough: dict[Kind, bool] = {
        "classes": n_classes >= FEWEST_CLASSES and n_rows >= FEWEST_ROWS_A_CLASS * n_classes,
        "outside": n_outside >= FEWEST_OUTSIDE,
    }
    return tuple(kind for kind, are in enough.items() if are)


def weighed_signs(
    features: np.ndarray,
    codes: np.ndarray,
    outside: np.ndarray,
    kinds: Sequence[Kind],
    learn: Callable[[np.ndarray, np.ndarray], Logits],
    seed: int,
    watch: Watch,
    names: tuple[str, ...] = FUSED,
) -> Fusion:
    """Weigh signs by rows that were left out.

    Args:
        features: (n, d) vectors.
        codes: (n,) class codes.
        outside: (o, d) vectors of out-of-scope rows, perhaps none.
        kinds: of new texts that are made, at least one (:func:`kinds_of_new`).
        learn: from vectors and codes 0 … c − 1, each of which occurs, to logits.
        seed: of the draws.
        watch: told of progress.
        names: of the signs; with out-of-scope rows, likeness to these is one more.
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
        logits_of = learn(features[taught], numbers)
        evidence = ClassEvidence(
            unit_rows(features[taught]).astype(np.float16),
            numbers,
            int(numbers.max()) + 1,
            unit_rows(outside[fold_of_outside != fold]).astype(np.float16),
        )

        def seen(rows: np.ndarray, evidence: ClassEvidence = evidence, of: Logits = logits_of) -> np.ndarray:
            return signs(names, of(rows), unit_rows(rows), evidence)

        known.append(seen(features[asked]))
        made: dict[Kind, np.ndarray] = {
            "classes": features[strange],
            "outside": outside[fold_of_outside == fold],
        }
        for kind, seen_so_far in new.items():
            seen_so_far.append(seen(made[kind]))
        watch(Progress("weighing signs of novelty", fold + 1, FOLDS))
    return fit_fusion(names, np.concatenate(known), [np.concatenate(some) for some in new.values()])
