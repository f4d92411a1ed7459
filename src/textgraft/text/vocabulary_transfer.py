"""From the words of one corpus to those of another.

Howard and Ruder, ULMFiT, 2018: a language model that is adapted to a domain gets the domain's words. A
word that it knew keeps its vector, a new one starts at the mean of all, as in fastai.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Transferred:
    """What a new vocabulary starts with.

    Attributes:
        matrix: (n, d) a vector for each new word, of the type of the old ones.
        bias: (n,) of the decoder, or None where none was given.
        kept: words that the old vocabulary has too.
        new: words that it has not; ``kept + new`` is n.
    """

    matrix: np.ndarray
    bias: np.ndarray | None
    kept: int
    new: int


def transfer_vocabulary(
    old_words: Sequence[str],
    matrix: np.ndarray,
    new_words: Sequence[str],
    bias: np.ndarray | None = None,
) -> Transferred:
    """Vectors and decoder biases of a new vocabulary.

    Args:
        old_words: (v,) the words that the matrix is of.
        matrix: (v, d) their vectors.
        new_words: (n,) the words wanted.
        bias: (v,) the decoder's bias of each old word.

    Raises:
        ParameterError: words and vectors are not equally many.
    """
    faults = []
    if matrix.ndim != 2 or len(matrix) != len(old_words):
        faults.append(f"expected a matrix ({len(old_words)}, d), found {matrix.shape}")
    if bias is not None and bias.shape != (len(old_words),):
        faults.append(f"expected a bias ({len(old_words)},), found {bias.shape}")
    if not old_words:
        faults.append("expected old words, found none")
    if faults:
        raise ParameterError.of("transfer_vocabulary", faults)
    old_row = {word: row for row, word in enumerate(old_words)}
    rows = np.array([old_row.get(word, -1) for word in new_words], dtype=np.int64)
    kept = int((rows >= 0).sum())
    return Transferred(
        matrix=_taken(matrix, rows),
        bias=None if bias is None else _taken(bias, rows),
        kept=kept,
        new=len(rows) - kept,
    )


def _taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of some values; their mean where a row is −1."""
    taken: np.ndarray = values[rows]
    # in float64: a sum of 60,000 numbers of a half type would not even be finite
    taken[rows < 0] = values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    return taken
