"""Known and new texts to weigh signs of novelty by, made by leaving some out of learning.

A third of the rows at a time is left out, and seen as a known text will be; so are a third of the
classes, whose rows are then new. Where out-of-scope rows were given, these are the new ones, and all
classes stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

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

Logits: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Of vectors (n, d): (n, c)."""


def can_be_weighed(n_rows: int, n_classes: int, n_outside: int) -> bool:
    """Whether rows are enough for :func:`weighed_signs`."""
    many = n_classes >= FEWEST_CLASSES and n_rows >= FEWEST_ROWS_A_CLASS * n_classes
    return n_outside >= FEWEST_OUTSIDE or many


def weighed_signs(
    features: np.ndarray,
    codes: np.ndarray,
    outside: np.ndarray,
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
        learn: from vectors and codes 0 … c − 1, each of which occurs, to logits.
        seed: of the draws.
        watch: told of progress.
        names: of the signs; where out-of-scope rows are enough, likeness to these is one more.
    """
    random = np.random.default_rng(seed)
    named = len(outside) >= FEWEST_OUTSIDE
    fold_of_row = fold_numbers(codes, FOLDS, seed)
    fold_of_class = random.permutation(int(codes.max()) + 1) % FOLDS
    fold_of_outside = random.permutation(len(outside)) % FOLDS
    names = (*names, "outside") if named else names
    known, new = [], []
    for fold in range(FOLDS):
        strange = np.zeros(len(codes), dtype=bool) if named else fold_of_class[codes] == fold
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
        new.append(seen(outside[fold_of_outside == fold] if named else features[strange]))
        watch(Progress("weighing signs of novelty", fold + 1, FOLDS))
    return fit_fusion(names, np.concatenate(known), np.concatenate(new))
