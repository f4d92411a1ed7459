"""Stratified, seeded splits of rows with any number of labels.

Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data", 2011: the rarest label
is dealt first, each of its rows to the part that still wants most of it, since what is rare cannot be
put right later.
"""

from __future__ import annotations

import numpy as np


def dealt_parts(targets: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """Part number (n,) of each row, so that every part has about its share of every label.

    Args:
        targets: (n, c) 0/1, which labels each row has.
        shares: (p,) of the rows, summing to 1.
        seed: of every draw.
    """
    random = np.random.default_rng(seed)
    parts = np.full(len(targets), -1, dtype=np.int64)
    holds = targets.astype(bool)
    wanted = shares[:, None] * holds.sum(axis=0)
    wanted_rows = shares * len(targets)
    left = holds.sum(axis=0)
    while left.any():
        label = int(np.where(left > 0, left, np.iinfo(left.dtype).max).argmin())
        for row in random.permutation(np.flatnonzero((parts < 0) & holds[:, label])):
            part = _wanting_most(wanted[:, label], wanted_rows, random)
            parts[row] = part
            wanted[part, holds[row]] -= 1
            wanted_rows[part] -= 1
            left -= holds[row]
    for row in random.permutation(np.flatnonzero(parts < 0)):
        part = _wanting_most(wanted_rows, wanted_rows, random)
        parts[row] = part
        wanted_rows[part] -= 1
    return parts


def holdout_label_rows(targets: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Boolean mask (n,) of the rows held out: about ``share`` of each label.

    Every label keeps at least one row that is not held out, and so does the whole.
    """
    held = dealt_parts(targets, np.array([1.0 - share, share]), seed) == 1
    for label in np.flatnonzero((targets[~held] == 0).all(axis=0) & targets.any(axis=0)):
        held[np.flatnonzero(targets[:, label])[0]] = False
    if held.all():
        held[:1] = False
    return np.asarray(held)


def fold_label_rows(targets: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Fold number (n,) of each row, labels spread evenly.

    A label of one row is unknown to the model that scores that row; its other rows say nothing wrong.
    """
    return dealt_parts(targets, np.full(n_folds, 1.0 / n_folds), seed)


def _wanting_most(first: np.ndarray, then: np.ndarray, random: np.random.Generator) -> int:
    """The part with the largest want, ties by another want and then by chance."""
    best = np.flatnonzero(first == first.max())
    best = best[then[best] == then[best].max()]
    return int(best[0] if len(best) == 1 else random.choice(best))
