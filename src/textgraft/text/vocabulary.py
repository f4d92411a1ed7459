"""The words a network knows, as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textgraft.errors import ParameterError

PAD, UNK = "<pad>", "<unk>"
"""Words 0 and 1 of every vocabulary: no word, and a word it does not know."""


@dataclass(frozen=True)
class Vocabulary:
    """Words by their number; ``Vocabulary(tuple(list_of_words))`` reads back what ``list(words)`` wrote.

    Raises:
        ParameterError: the first two words are not ``<pad>`` and ``<unk>``, or a word comes twice.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.words[:2] != (PAD, UNK):
            raise ParameterError(f"Expected a vocabulary to begin with {PAD}, {UNK}; found {self.words[:2]}.")
        if len(set(self.words)) != len(self.words):
            [(word, times)] = Counter(self.words).most_common(1)
            raise ParameterError(f"Expected each word once in a vocabulary, found {word!r} {times} times.")

    @classmethod
    def of(cls, counts: Mapping[str, int], max_words: int = 60_000, min_count: int = 1) -> Vocabulary:
        """The most frequent words of a training set, most frequent first, equals in alphabetical order.

        Args:
            counts: how often each word occurs.
            max_words: at most so many words, ``<pad>`` and ``<unk>`` not counted.
            min_count: only words that occur so often.
        """
        kept = [word for word, count in counts.items() if count >= min_count and word not in (PAD, UNK)]
        kept.sort(key=lambda word: (-counts[word], word))
        return cls((PAD, UNK, *kept[:max_words]))

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._id_of

    def ids(self, words: Iterable[str]) -> np.ndarray:
        """Numbers (n,) int64 of n words; 1 for a word that is not here."""
        unknown = self._id_of[UNK]
        return np.array([self._id_of.get(word, unknown) for word in words], dtype=np.int64)

    @cached_property
    def _id_of(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words)}
