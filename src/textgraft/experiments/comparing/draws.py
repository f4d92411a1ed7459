"""Which rows every method learns from and is scored on, so that a comparison is one of methods.

Without a test file the rows are cut into five folds; seed s scores fold s, so that five seeds score
every row once. All numbers of labels of a seed share its scored rows, and a smaller number's rows
are among those of a larger one, so that what more labels bring is seen on the same texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.splits import fold_numbers
from textgraft.errors import DataError, ParameterError

FOLDS = 5
ALL = "all"


@dataclass(frozen=True)
class Draw:
    """Rows of one cell of the table, for every method the same.

    Attributes:
        size: as it was asked for: rows of each class, or ``all``.
        seed: of the draw, and of the method.
        learn: (n,) numbers of the rows learned from.
        score: (m,) numbers of the rows scored; with a test file, they follow the training rows.
    """

    size: str
    seed: int
    learn: np.ndarray
    score: np.ndarray


def parse_sizes(sizes: str | Sequence[int | str]) -> tuple[str, ...]:
    """Numbers of rows of each class in ascending order, ``all`` last, each once.

    Raises:
        ParameterError: one is neither a whole number above 0 nor ``all``.
    """
    given = [str(size).strip().lower() for size in (sizes.split(",") if isinstance(sizes, str) else sizes)]
    wrong = [size for size in given if size != ALL and not (size.isascii() and size.isdigit() and int(size))]
    if wrong or not given:
        found = ", ".join(map(repr, wrong)) or "none"
        raise ParameterError(f"Sizes are rows of each class or 'all', such as 8,64,all; found {found}.")
    numbers = sorted({int(size) for size in given if size != ALL})
    return (*map(str, numbers), *([ALL] if ALL in given else []))


def usable_sizes(sizes: Sequence[str], codes: np.ndarray, tested: bool) -> tuple[tuple[str, ...], list[str]]:
    """Sizes that are less than all rows, and what a person should know about the others.

    Args:
        sizes: from :func:`parse_sizes`.
        codes: (n,) classes of the training rows.
        tested: whether there is a test file, so that all of them are learned from.
    """
    counts = np.bincount(codes)
    most = int(counts.max())
    if not tested:
        # of the largest class a fifth is scored; a class of one row is always learned from
        most -= most // FOLDS
    kept = [size for size in sizes if size != ALL and int(size) < most]
    notes = []
    if too_many := [size for size in sizes if size != ALL and int(size) >= most]:
        notes.append(
            f"No class has more than {counted(most, 'row')} to learn from, so {', '.join(too_many)} of each "
            "is the same as all."
        )
    if kept and (short := int((counts < int(kept[-1])).sum())):
        notes.append(
            f"{counted(short, 'class', 'classes')} of {len(counts):,} with fewer than {kept[-1]} rows: "
            "all that there are, then."
        )
    return (*kept, *([ALL] if ALL in sizes or too_many else [])), notes


def draws(codes: np.ndarray, n_test: int, sizes: Sequence[str], n_seeds: int) -> tuple[Draw, ...]:
    """Seed by seed, from few labels to many.

    Args:
        codes: (n,) classes of the training rows.
        n_test: rows of the test file, 0 if there is none.
        sizes: from :func:`usable_sizes`.
        n_seeds: how many times.

    Raises:
        DataError: too few rows to hold some out.
    """
    made = []
    for seed in range(n_seeds):
        scored = np.zeros(len(codes), dtype=bool)
        if not n_test:
            scored = fold_numbers(codes, FOLDS, seed // FOLDS) == seed % FOLDS
            if not scored.any():
                raise DataError(
                    f"Expected {FOLDS} rows or more in classes of two or more, to learn from some and score "
                    f"others; found {len(codes):,} rows. Give more rows, or a test file."
                )
        score = np.arange(len(codes), len(codes) + n_test) if n_test else np.flatnonzero(scored)
        pool = np.flatnonzero(~scored)
        rank = _rank_in_class(codes[pool], seed)
        for size in sizes:
            learn = pool if size == ALL else pool[rank < int(size)]
            made.append(Draw(size, seed, learn, score))
    return tuple(made)


def _rank_in_class(codes: np.ndarray, seed: int) -> np.ndarray:
    """(n,) place of each row among those of its class, in an order drawn with ``seed``."""
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    begins = np.searchsorted(codes[order], codes[order])
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes)) - begins
    return rank
