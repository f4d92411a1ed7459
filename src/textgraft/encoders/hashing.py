"""An encoder without weights: hashed character n-grams. For tests and dry runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from textgraft.core.progress import Progress, Watch, unwatched

DEFAULT_DIM = 256


@dataclass(frozen=True)
class HashingEncoder:
    """Signed counts of hashed words and character trigrams, L2-normalised.

    The hashing trick (Weinberger et al., "Feature Hashing for Large Scale Multitask
    Learning", 2009). It knows spelling and no meaning; use it to try a pipeline quickly.
    A text without any n-gram gets the zero vector.
    """

    dim: int = DEFAULT_DIM

    max_tokens = None

    @property
    def name(self) -> str:
        return "hashing" if self.dim == DEFAULT_DIM else f"hashing:{self.dim}"

    @property
    def settings(self) -> dict[str, int]:
        return {}

    @property
    def weights_fingerprint(self) -> str:
        return hashlib.sha256(f"textgraft hashing 1 {self.dim}".encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return self.weights_fingerprint

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        """Vectors (n, dim) float32."""
        from sklearn.feature_extraction.text import HashingVectorizer
        from sklearn.preprocessing import normalize

        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        counts = sum(
            HashingVectorizer(
                n_features=self.dim, analyzer=analyzer, ngram_range=ngrams, norm=None, token_pattern=r"\S+"
            ).transform(texts)
            for analyzer, ngrams in (("word", (1, 1)), ("char_wb", (3, 3)))
        )
        watch(Progress("encoding", len(texts), len(texts)))
        return np.asarray(normalize(counts).toarray(), dtype=np.float32)

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        """Words (n,) int64 between white space."""
        return np.array([len(text.split()) for text in texts], dtype=np.int64)
