"""Subwords: frequent words whole, rare ones in parts, anything at all in bytes.

Byte-pair encoding: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units",
2016, over bytes as in Radford et al., GPT-2, 2019, so that no text has an unknown part. Of the library
``tokenizers`` byte-pair encoding is the trainer that gives the same pieces for the same texts each time.
A piece is written in GPT-2's alphabet, one letter a byte: ``Ġ`` is the space, ``Ċ`` the end of a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from textgraft.errors import DataError, ParameterError
from textgraft.text.rules import MARKS, tidy, untidy, with_marks, without_marks
from textgraft.text.special import BOS_ID, PAD_ID, SPECIAL
from textgraft.text.tokenizer import checked_vocabulary, written_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SIZE = 15_000
"""Tokens of a vocabulary, special ones and 256 bytes among them, unless told otherwise."""

SMALLEST = len(SPECIAL) + 256

# as GPT-2's, but with the marks that some scripts write behind a letter, and a line's end on its own
_PIECES = r"'(?i:s|t|re|ve|m|ll|d)(?!\p{L})| ?[\p{L}\p{M}]+| ?\p{N}+|\n| ?[^\s\p{L}\p{M}\p{N}]+|\s"
_MARK_OF = {name: mark for mark, name in MARKS.items()}
_NO_MARKS = str.maketrans(dict.fromkeys(MARKS))


@dataclass(frozen=True)
class Subwords:
    """Texts as ids of subwords.

    Attributes:
        vocabulary: (v,) tokens by their id.
        merges: pairs of tokens that are joined, first come first; each joined pair is a token.
        rules: whether case and repetition are told by special tokens, as ``text.rules`` says.
    """

    kind: ClassVar[str] = "subwords"

    vocabulary: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    rules: bool = True

    def ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        """(t,) int64 ids of each text, ``<bos>`` first; an empty text is ``<bos>`` alone."""
        read = [self._read(text) for text in texts]
        found = self._machine.encode_batch_fast(read, add_special_tokens=False)
        return [np.array([BOS_ID, *pieces.ids], dtype=np.int64) for pieces in found]

    def decode(self, ids: Iterable[int]) -> str:
        """The text, white space, HTML and typography aside; with rules also as they say."""
        shown = [int(token) for token in ids if token not in (PAD_ID, BOS_ID)]
        text = self._machine.decode(shown, skip_special_tokens=False)
        return untidy(without_marks(text) if self.rules else text)

    def to_json(self) -> str:
        """Vocabulary and merges, a line each."""
        merges = [" ".join(pair) for pair in self.merges]
        parts = {"kind": self.kind, "rules": self.rules, "vocabulary": self.vocabulary, "merges": merges}
        return written_json(parts)

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Subwords:
        """What ``to_json`` wrote, parsed; raises ``ValueError`` and the like where it is damaged."""
        vocabulary = checked_vocabulary(parts["vocabulary"])
        merges = [(left, right) for left, right in (pair.split(" ") for pair in parts["merges"])]
        known = set(vocabulary)
        lost = next((pair for pair in merges if not known.issuperset((*pair, "".join(pair)))), None)
        if lost is not None:
            raise ValueError(f"the vocabulary lacks a part of the merge {lost}")
        return cls(vocabulary, tuple(merges), bool(parts["rules"]))

    def _read(self, text: str) -> str:
        return with_marks(tidy(text)) if self.rules else tidy(text)

    @cached_property
    def _machine(self) -> Tokenizer:
        from tokenizers import AddedToken, Tokenizer
        from tokenizers.models import BPE

        numbers = {_MARK_OF.get(word, word): number for number, word in enumerate(self.vocabulary)}
        machine = _machine_of(Tokenizer(BPE(numbers, list(self.merges))))
        # only marks: were <bos> added too, a text could write it
        machine.add_tokens([AddedToken(mark, normalized=False) for mark in MARKS])
        return machine


def train_subwords(texts: Iterable[str], size: int = SIZE, rules: bool = True) -> Subwords:
    """Learn the subwords of some texts; the same texts in the same order always give the same.

    What is learned fits texts that are counted in memory: give a ``corpus.Sample`` of a large corpus.

    Args:
        texts: to learn from.
        size: tokens of the vocabulary at most; short texts have fewer pairs to join.
        rules: as of :class:`Subwords`.

    Raises:
        ParameterError: ``size`` has no room for the special tokens and all bytes.
        DataError: there is no text.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer

    if size < SMALLEST:
        raise ParameterError(
            f"Expected {SMALLEST} tokens or more ({len(SPECIAL)} special ones and 256 bytes), found {size}. "
            "Give a larger size."
        )
    n_texts = 0

    def read() -> Iterable[str]:
        nonlocal n_texts
        for text in texts:
            tidied = tidy(text)
            n_texts += bool(tidied)
            yield with_marks(tidied).translate(_NO_MARKS) if rules else tidied

    machine = _machine_of(Tokenizer(BPE()))
    machine.train_from_iterator(
        read(),
        BpeTrainer(
            vocab_size=size,
            min_frequency=2,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    if not n_texts:
        raise DataError("Expected texts to learn subwords from, found none that is not blank. Give a corpus.")
    learned = json.loads(machine.to_str())["model"]
    vocabulary = checked_vocabulary(sorted(learned["vocab"], key=learned["vocab"].__getitem__))
    return Subwords(vocabulary, tuple((left, right) for left, right in learned["merges"]), rules)


def _machine_of(machine: Tokenizer) -> Tokenizer:
    """A tokenizer that splits text into pieces before bytes are joined within them."""
    from tokenizers import Regex
    from tokenizers.decoders import ByteLevel as Bytes
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

    machine.pre_tokenizer = Sequence(
        [Split(Regex(_PIECES), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    machine.decoder = Bytes()
    return machine
