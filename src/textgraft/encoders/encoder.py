"""The first narrow waist: texts in, vectors out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from textgraft.core.progress import Watch, unwatched
from textgraft.errors import ParameterError, WeightsError
from textgraft.text.truncation import truncated

if TYPE_CHECKING:
    from textgraft.encoders.precision import Precision


@runtime_checkable
class Encoder(Protocol):
    """A frozen text encoder; safe to share, since encoding changes nothing."""

    @property
    def name(self) -> str:
        """What :func:`textgraft.load_encoder` opens it by."""

    @property
    def settings(self) -> dict[str, int]:
        """Keyword arguments of :func:`textgraft.load_encoder` that matter to the vectors."""

    @property
    def weights_fingerprint(self) -> str:
        """Hexadecimal; equal for equal weights and settings, on any machine."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal; equal only where vectors are equal, so it also tells precisions apart."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int | None:
        """Tokens read of each text, or ``None`` when all of it is read."""

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        """Vectors (n, d) float32 of n texts, in their order."""

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        """Tokens (n,) int64 of each text before truncation, special tokens included."""


def encoded(encoder: Encoder, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
    """Vectors (n, d) float32 of n texts, in their order, each of finite numbers.

    Raises:
        WeightsError: a vector has something else, which no method could learn from or judge by.
    """
    vectors = encoder.encode(texts, watch)
    broken = ~np.isfinite(vectors).all(axis=1)
    if broken.any():
        raise WeightsError(
            f"Expected vectors of finite numbers from the encoder {encoder.name!r}, found others for "
            f"{broken.sum():,} of {len(texts):,} texts, the first {texts[broken.argmax()][:60]!r}. Use "
            "another encoder or precision, or take these texts out."
        )
    return vectors


class Tokens(Protocol):
    """Texts to token ids."""

    @property
    def pad(self) -> int:
        """An id to fill with."""

    def ids(self, texts: list[str], limit: int | None) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut to ``limit``."""


@dataclass(frozen=True)
class MiddleOut:
    """Tokens that leave out the middle of a text, not its end, where it is too long.

    Attributes:
        whole: the tokens of all of a text.
    """

    whole: Tokens

    @property
    def pad(self) -> int:
        """An id to fill with."""
        return self.whole.pad

    def ids(self, texts: list[str], limit: int | None) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut to ``limit`` in the middle."""
        rows = self.whole.ids(texts, None)
        return rows if limit is None else [truncated(row, limit, "middle") for row in rows]


@dataclass(frozen=True)
class Trainable:
    """A pretrained encoder that can learn.

    Attributes:
        network: a torch module from ids (b, t) and mask (b, t) to vectors (b, d), with ``dim`` and
            ``layer_groups()``; its weights are in fp32 and nobody else's.
        tokens: how texts become ids.
        max_tokens: the most that it can read of a text.
        device: where it should learn and run.
        precision: of its matrix products.
        unpads: whether the network leaves padding out itself, so that batches need no parts.
    """

    network: Any
    tokens: Tokens
    max_tokens: int
    device: str
    precision: Precision
    unpads: bool = False

    def truncating(self, truncate: str) -> Trainable:
        """The same, leaving out the ``end`` or the ``middle`` of a text that is too long."""
        return replace(self, tokens=MiddleOut(self.tokens)) if truncate == "middle" else self


@runtime_checkable
class TrainableEncoder(Encoder, Protocol):
    """An encoder whose weights can learn."""

    def trainable(
        self, *, pool: str = "auto", dropout: float | None = None, attention_dropout: float | None = None
    ) -> Trainable:
        """A fresh copy of the weights that can learn."""


def as_trainable(encoder: Encoder, method: str) -> TrainableEncoder:
    """The encoder itself, out of its cache, if its weights can learn.

    Raises:
        ParameterError: they cannot.
    """
    inner = getattr(encoder, "inner", encoder)
    if not isinstance(inner, TrainableEncoder):
        raise ParameterError(
            f"The method {method} trains the encoder's weights, but {encoder.name!r} has none to train. "
            "Use minilm, a model folder or a hub id."
        )
    return inner


def transformer_under(pretrained: Trainable, encoder: Encoder, who: str) -> Any:
    """What gives states of tokens, under an encoder's pooling.

    Args:
        pretrained: of the encoder.
        encoder: whose name is told.
        who: needs them, in words that begin a sentence.

    Raises:
        ParameterError: there is none.
    """
    transformer = getattr(pretrained.network, "transformer", None)
    if transformer is None:
        raise ParameterError(
            f"{who} needs states of tokens, but {encoder.name!r} gives none. "
            "Use minilm, a model folder or a hub id."
        )
    return transformer
