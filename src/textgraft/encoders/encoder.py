"""The first narrow waist: texts in, vectors out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from textgraft.core.progress import Watch, unwatched


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
