"""Token ids of documents, one after another in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from textgraft.errors import DataError
from textgraft.text.special import BOS_ID

COUNTED_AT_ONCE = 1_000_000
"""Tokens."""


@dataclass(frozen=True, eq=False)
class Documents:
    """n documents in an array of ids that may lie on disk; choosing among them copies nothing.

    Attributes:
        tokens: ids of all documents, of any type of whole numbers; perhaps a ``np.memmap``.
        begins: (n,) int64, where each document begins in ``tokens``.
        lengths: (n,) int64, tokens of each; may be 0.
    """

    tokens: np.ndarray
    begins: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, ids: Sequence[np.ndarray]) -> Documents:
        """Documents in memory, from the ids of each."""
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        tokens = np.concatenate([np.asarray(row, dtype=np.int64) for row in ids] or [np.zeros(0, np.int64)])
        return cls(tokens, np.cumsum(lengths) - lengths, lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def n_tokens(self) -> int:
        """Tokens of all documents."""
        return int(self.lengths.sum())

    def ids(self, row: int) -> np.ndarray:
        """(t,) int64 ids of one document."""
        begin = int(self.begins[row])
        return np.asarray(self.tokens[begin : begin + int(self.lengths[row])], dtype=np.int64)

    def counts(self, n_words: int) -> np.ndarray:
        """(n_words,) int64, how often each id occurs; reads about a million tokens at a time."""
        counts = np.zeros(n_words, dtype=np.int64)
        # documents differ in length by a thousand times, so their number says nothing of memory
        part = np.cumsum(self.lengths) // COUNTED_AT_ONCE
        edges = np.unique([0, *(np.flatnonzero(np.diff(part)) + 1), len(self)])
        for first, last in pairwise(edges.tolist()):
            read = [self.tokens[self.begins[row] :][: self.lengths[row]] for row in range(first, last)]
            counts += np.bincount(np.concatenate(read), minlength=n_words)
        return counts

    def some(self, rows: np.ndarray) -> Documents:
        """Only the documents of row numbers or a mask, in that order."""
        return Documents(self.tokens, self.begins[rows], self.lengths[rows])

    def drawn(self, tokens: int, seed: int = 0) -> Documents:
        """Documents drawn at random until they hold so many tokens or all are drawn; in their order.

        Args:
            tokens: at least so many, where there are; one document at least.
            seed: of the draw.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        n = int(np.searchsorted(np.cumsum(self.lengths[order]), tokens)) + 1
        return self.some(np.sort(order[:n]))

    def held_out(self, share: float, seed: int = 0) -> tuple[Documents, Documents]:
        """Documents to learn from and, drawn at random, documents to measure with; each in their order.

        Args:
            share: of the documents; at least one is held out and one left, whatever the share.
            seed: of what is drawn.

        Raises:
            DataError: there is but one document.
        """
        n = len(self)
        if n < 2:
            raise DataError(
                f"Expected two documents or more, to measure on one that is not learned from; found {n}. "
                "Give more documents, or part the text (one document a line, or blank lines between them)."
            )
        held = np.zeros(n, dtype=bool)
        some = min(max(1, round(n * share)), n - 1)
        held[np.random.default_rng(seed).choice(n, some, replace=False)] = True
        return self.some(~held), self.some(held)


def backwards(ids: np.ndarray) -> np.ndarray:
    """A document's ids as a backward language model reads them: the last first, but ``<bos>`` before it."""
    if len(ids) and ids[0] == BOS_ID:
        return np.concatenate([ids[:1], ids[:0:-1]])
    return ids[::-1]
