"""The tokenizer of a language model: learned from a sample of the corpus, and kept with the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from textgraft.core.progress import Progress, Watch
from textgraft.errors import ModelFolderError, ParameterError
from textgraft.text.corpus import sample_evenly
from textgraft.text.special import SPECIAL
from textgraft.text.tokenizer import Tokenizer, tokenizer_from_json

KINDS = ("subwords", "words")

SAMPLE_CHARACTERS = 50_000_000
"""Of the corpus, that a vocabulary is learned from."""


def check_kind(tokens: str) -> None:
    """Refuse another kind of tokens than there is.

    Raises:
        ParameterError: neither subwords nor words.
    """
    if tokens not in KINDS:
        raise ParameterError(f"--tokens must be subwords or words, found {tokens!r}.")


def kept_tokenizer(
    path: Path, documents: Callable[[], Iterable[str]], kind: str, size: int, corpus: str, watch: Watch
) -> Tokenizer:
    """The tokenizer that a file holds, or a new one where it holds none of this kind, size and corpus.

    A damaged file is written anew: the same corpus gives the same tokenizer.

    Args:
        path: the file.
        documents: gives the corpus, if it has to be read.
        kind: one of :data:`KINDS`.
        size: tokens at most.
        corpus: fingerprint of the corpus.
        watch: told of progress.
    """
    asked = [kind, size, corpus]
    with suppress(OSError, ValueError, KeyError, TypeError, ModelFolderError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["asked"] == asked:
            return tokenizer_from_json(kept["tokenizer"])
    watch(Progress("learning a vocabulary", 0, 1))
    found = _learned(sample_evenly(documents(), SAMPLE_CHARACTERS).texts, kind, size)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"asked": asked, "tokenizer": found.to_json()}), encoding="utf-8")
    fresh.replace(path)
    return found


def _learned(texts: Iterable[str], kind: str, size: int) -> Tokenizer:
    from textgraft.text.subwords import train_subwords
    from textgraft.text.word_tokens import train_words

    return train_subwords(texts, size) if kind == "subwords" else train_words(texts, size - len(SPECIAL))
