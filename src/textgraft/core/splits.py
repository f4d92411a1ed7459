"""Stratified, seeded splits that can take classes of a single row."""

from __future__ import annotations

import math

import numpy as np

from textgraft.core.label_splits import fold_label_rows, holdout_label_rows


def holdout_rows(codes: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Boolean mask (n,) of the rows held out: ``share`` of each class, drawn with ``seed``.

    Codes are (n,), or (n, c) 0/1 where a row may have several labels (:mod:`textgraft.core.label_splits`).
    Every class keeps at least one row, so a class of one row is never held out. Shares are
    rounded by chance, so that many small classes together still give the share asked for.
    """
    if codes.ndim == 2:
        return holdout_label_rows(codes, share, seed)
    random = np.random.default_rng(seed)
    held = np.zeros(len(codes), dtype=bool)
    for rows in _rows_of_classes(codes):
        wanted = share * len(rows)
        count = math.floor(wanted) + (random.random() < wanted % 1.0)
        held[random.permutation(rows)[: min(count, len(rows) - 1)]] = True
    return held


def fold_numbers(codes: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Fold number (n,) of each row, classes spread evenly; −1 for a class of one row.

    Codes are (n,), or (n, c) 0/1 where a row may have several labels; then every row has a fold.
    A row of fold f is scored by a model that learned all other rows; a class of one row has
    nothing left to be learned from when it is scored, so it only ever learns.
    """
    if codes.ndim == 2:
        return fold_label_rows(codes, n_folds, seed)
    random = np.random.default_rng(seed)
    folds = np.full(len(codes), -1, dtype=np.int64)
    start = 0
    for rows in _rows_of_classes(codes):
        if len(rows) > 1:
            folds[random.permutation(rows)] = (start + np.arange(len(rows))) % n_folds
            start += len(rows)
    return folds


def _rows_of_classes(codes: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(codes) else []
