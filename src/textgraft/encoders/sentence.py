"""Any Hugging Face or sentence-transformers encoder, run fast.

The same vectors as sentence-transformers gives, in less time: texts are sorted by their
number of tokens and batched by a token budget, so that little is padding and activations
stay in the processor's cache; matrix products run in bf16 where the hardware has it
(weights converted once, not once a batch), everything else in fp32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.encoders.encoder import Trainable
from textgraft.encoders.precision import Precision, choose_device, choose_precision
from textgraft.encoders.pretrained_encoder import PretrainedEncoder
from textgraft.errors import ParameterError
from textgraft.pretrained import Weights

if TYPE_CHECKING:
    import torch

    from textgraft.networks.transformer import TextTokenizer, Transformer

LOWER = "+lower"
"""What a name ends with whose encoder reads its lower layers too."""

TEXTS_AT_ONCE = 16_384
"""Texts tokenised and sorted together; bounds memory, and is far more than a batch."""


@dataclass(frozen=True)
class SentenceEncoder(PretrainedEncoder):
    """A frozen transformer with the pooling, normalisation and length of its own files.

    Attributes:
        weights: where the model lies, from :func:`textgraft.pretrained.locate`.
        precision: ``auto``, ``bf16`` or ``fp32``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, …
        token_limit: read at most so many tokens of a text; ``None`` for the model's own limit.
        lower: put beside each vector what the lower half of the layers says, which knows words better than
            the last layer does: the mean of their states over the text. Both parts count the same.

    Raises:
        WeightsError: on first use, when the folder cannot be opened as an encoder.
    """

    lower: bool = False

    code = "sentence 3"

    @property
    def name(self) -> str:
        return super().name + (LOWER if self.lower else "")

    @cached_property
    def weights_fingerprint(self) -> str:
        plain = super().weights_fingerprint
        return hashlib.sha256(f"{plain} lower".encode()).hexdigest() if self.lower else plain

    @property
    def dim(self) -> int:
        return self._opened.dim

    @property
    def max_tokens(self) -> int:
        return self._opened.max_tokens

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        """Vectors (n, d) float32, in the order of the texts."""
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            done = start
            for rows, batch in self._opened.encode(texts[start : start + TEXTS_AT_ONCE]):
                vectors[start + rows] = batch
                done += len(rows)
                watch(Progress("encoding", done, len(texts)))
        return vectors

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        """Tokens (n,) int64 before truncation, special tokens included."""
        return np.array([len(ids) for ids in self._opened.tokenizer.ids(texts, None)], dtype=np.int64)

    def trainable(
        self, *, pool: str = "auto", dropout: float | None = None, attention_dropout: float | None = None
    ) -> Trainable:
        """A fresh copy of the weights in fp32 that can learn.

        Args:
            pool: ``auto`` (as the folder says, else mean), or a name of ``networks.pooling.POOL``.
            dropout: of hidden states, in place of the folder's own.
            attention_dropout: of attention weights, likewise.

        Raises:
            WeightsError: the folder cannot be opened.
            ParameterError: the lower layers are read apart, which is for frozen vectors.
        """
        if self.lower:
            plain = super().name
            raise ParameterError(
                f"The encoder {self.name!r} is for methods that leave it frozen; this one needs {plain!r}."
            )
        from textgraft.networks.attention import use_fast_attention
        from textgraft.networks.dropout import use_fast_dropout
        from textgraft.networks.layout import Pool
        from textgraft.networks.pooled import PooledTransformer
        from textgraft.networks.transformer import open_transformer

        body, tokenizer, layout = open_transformer(
            self.weights, dropout=dropout, attention_dropout=attention_dropout
        )
        use_fast_dropout(body)
        if attention_dropout == 0.0:
            use_fast_attention(body)
        if pool == "auto":
            own = [step.modes[0] for step in layout.steps if isinstance(step, Pool)]
            pool = own[0] if own else "mean"
        limit = min(tokenizer.max_tokens, self.token_limit or tokenizer.max_tokens)
        device = choose_device(self.device)
        precision = choose_precision(self.precision, device)
        return Trainable(
            PooledTransformer(body, pool), tokenizer, limit, device, precision, body.unpads_on(device)
        )

    @cached_property
    def _opened(self) -> _Opened:
        device = choose_device(self.device)
        return _open(self.weights, device, self._precision, self.token_limit, self.lower)


@dataclass(frozen=True)
class _Opened:
    """Tokenizer and modules in memory."""

    tokenizer: TextTokenizer
    body: Transformer
    steps: torch.nn.ModuleList
    max_tokens: int
    dim: int
    device: str
    precision: Precision

    def encode(self, texts: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (row numbers, vectors) batch by batch."""
        from textgraft.networks.running import outputs_by_batch

        ids = self.tokenizer.ids(texts, self.max_tokens)
        half = self.precision == "bf16"
        yield from outputs_by_batch(self._forward, ids, self.tokenizer.pad, self.device, half)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(b, t) token ids and mask -> (b, d) vectors."""
        from textgraft.networks.steps import beside

        states, seen = self.body(ids, mask).float(), mask.float()
        vectors: torch.Tensor = states[..., : self.body.dim]
        for step in self.steps:
            vectors = step(vectors, seen)
        if self.body.reads == "last":
            return vectors
        return beside(vectors, states[..., self.body.dim :], seen)


def _open(
    weights: Weights, device: str, precision: Precision, token_limit: int | None, lower: bool
) -> _Opened:
    from textgraft.networks.attention import use_fast_attention
    from textgraft.networks.packed import to_bf16
    from textgraft.networks.steps import build_steps
    from textgraft.networks.transformer import open_transformer

    body, tokenizer, layout = open_transformer(weights)
    steps, dim = build_steps(layout, body.dim)
    use_fast_attention(body)
    if lower:
        body.reads, dim = "last and lower", dim + body.dim
    body.requires_grad_(False).eval().to(device)
    if precision == "bf16":
        to_bf16(body, device)
    return _Opened(
        tokenizer=tokenizer,
        body=body,
        steps=steps.to(device),
        max_tokens=min(tokenizer.max_tokens, token_limit or tokenizer.max_tokens),
        dim=dim,
        device=device,
        precision=precision,
    )
