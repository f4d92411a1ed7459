"""Whole words as tokens, as ULMFiT had them, with the special tokens for case and repetition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from textgraft.errors import DataError
from textgraft.text.rules import MARKS, tidy, with_marks, without_marks
from textgraft.text.special import BOS, BOS_ID, PAD_ID, SPECIAL
from textgraft.text.tokenizer import checked_vocabulary, written_json
from textgraft.text.vocabulary import Vocabulary
from textgraft.text.words import find_words

MAX_WORDS = 60_000
"""Words of a vocabulary at most, as in fastai."""

_MARK_OF = {name: mark for mark, name in MARKS.items()}


@dataclass(frozen=True)
class WordTokens:
    """Texts as ids of words; a word that is not in the vocabulary is ``<unk>``.

    Attributes:
        vocabulary: (v,) words by their id.
        rules: whether case and repetition are told by special tokens, as ``text.rules`` says;
            otherwise all is lower case.
    """

    kind: ClassVar[str] = "words"

    vocabulary: tuple[str, ...]
    rules: bool = True

    def ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        """(t,) int64 ids of each text, ``<bos>`` first; an empty text is ``<bos>`` alone."""
        return [self._known.ids([BOS, *marked_words(text, self.rules)]) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """The words with a space between them, as the rules write them."""
        words = [self.vocabulary[int(token)] for token in ids if token not in (PAD_ID, BOS_ID)]
        return without_marks("".join(_MARK_OF.get(word, f" {word}") for word in words)).strip()

    def to_json(self) -> str:
        """The words, a line each."""
        return written_json({"kind": self.kind, "rules": self.rules, "vocabulary": self.vocabulary})

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> WordTokens:
        """What ``to_json`` wrote, parsed; raises ``ValueError`` and the like where it is damaged."""
        return cls(checked_vocabulary(parts["vocabulary"]), bool(parts["rules"]))

    @cached_property
    def _known(self) -> Vocabulary:
        return Vocabulary(self.vocabulary)


def train_words(
    texts: Iterable[str], max_words: int = MAX_WORDS, min_count: int = 2, rules: bool = True
) -> WordTokens:
    """The most frequent words of some texts; the same texts always give the same.

    Args:
        texts: to count; give a ``corpus.Sample`` of a corpus with more words than memory has room for.
        max_words: words at most, special tokens not counted.
        min_count: only words that occur so often.
        rules: as of :class:`WordTokens`.

    Raises:
        DataError: there is no text.
    """
    counts = _counted(texts, rules)
    if not counts:
        raise DataError("Expected texts to count words in, found none that is not blank. Give a corpus.")
    return WordTokens((*SPECIAL, *_most_frequent(counts, SPECIAL, max_words, min_count)), rules)


def with_words(tokenizer: WordTokens, texts: Iterable[str], most: int, min_count: int = 2) -> WordTokens:
    """The tokenizer with the words of some texts behind its own, whose ids stay; the most frequent first.

    Args:
        tokenizer: is not changed.
        texts: to count.
        most: new words at most.
        min_count: only new words that occur so often.
    """
    counts = _counted(texts, tokenizer.rules)
    new = _most_frequent(counts, tokenizer.vocabulary, most, min_count)
    return WordTokens((*tokenizer.vocabulary, *new), tokenizer.rules)


def _counted(texts: Iterable[str], rules: bool) -> Counter[str]:
    return Counter(word for text in texts for word in marked_words(text, rules))


def _most_frequent(
    counts: Counter[str], without: Sequence[str], most: int, min_count: int
) -> tuple[str, ...]:
    left = {word: counts[word] for word in counts.keys() - set(without)}
    return Vocabulary.of(left, most, min_count).words[2:]


def marked_words(text: str, rules: bool) -> list[str]:
    """The words of a text in lower case, with rules those of ``rules`` among them.

    A word of the text that is spelled as a special token is split after its ``xx``.
    """
    tidied = tidy(text)
    words: list[str] = []
    for word in find_words(with_marks(tidied) if rules else tidied.lower()):
        words += [word[:2], word[2:]] if word in SPECIAL else [MARKS.get(word, word)]
    return words
