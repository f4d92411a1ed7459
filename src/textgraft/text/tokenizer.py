"""What subwords and words have in common for a language model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from textgraft.errors import ModelFolderError
from textgraft.text.special import SPECIAL


class Tokenizer(Protocol):
    """Texts as token ids and back; the same file always gives the same ids."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """(v,) tokens by their id, those of ``special.SPECIAL`` first."""

    def ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        """(t,) int64 ids of each text, ``<bos>`` first, as a document of a language model begins."""

    def decode(self, ids: Iterable[int]) -> str:
        """About the text, for people to read; padding and ``<bos>`` are left out."""

    def to_json(self) -> str:
        """All there is to it; :func:`tokenizer_from_json` reads it back."""


def tokenizer_from_json(written: str) -> Tokenizer:
    """The tokenizer that ``to_json`` wrote.

    Raises:
        ModelFolderError: it is none, or damaged.
    """
    from textgraft.text.subwords import Subwords
    from textgraft.text.word_tokens import WordTokens

    kinds: dict[str, Callable[[dict[str, Any]], Tokenizer]] = {
        Subwords.kind: Subwords.from_parts,
        WordTokens.kind: WordTokens.from_parts,
    }
    try:
        parts = json.loads(written)
        kind = parts["kind"]
        if kind not in kinds:
            raise ModelFolderError(
                f"Expected a tokenizer of {' or '.join(kinds)}, found {kind!r}. "
                "A newer textgraft may have written it."
            )
        return kinds[kind](parts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError(
            f"The tokenizer is damaged ({error!r}). Restore it from a copy or train it again."
        ) from error


def fingerprint(tokenizer: Tokenizer) -> str:
    """SHA-256 of all that decides the ids."""
    return hashlib.sha256(tokenizer.to_json().encode()).hexdigest()


def written_json(parts: dict[str, Any]) -> str:
    """The one way in which some parts are written, so that equal tokenizers are equal files."""
    return json.dumps(parts, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def checked_vocabulary(words: Iterable[str]) -> tuple[str, ...]:
    """Tokens by their id.

    Raises:
        ValueError: they do not begin with ``special.SPECIAL``, or one comes twice.
    """
    vocabulary = tuple(words)
    if vocabulary[: len(SPECIAL)] != SPECIAL:
        raise ValueError(f"expected a vocabulary that begins with {SPECIAL}, found {vocabulary[:7]}")
    if len(set(vocabulary)) != len(vocabulary):
        raise ValueError("a token comes twice in the vocabulary")
    return vocabulary
