"""Trained networks over pairs of texts as they answer: many texts, bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from textgraft.networks.pair import CrossPair, DensePair, pair_ids
from textgraft.networks.running import outputs_in_order

PAIRS_AT_ONCE = 4_096
"""Pairs of vectors scored together; their features are 19 MB at 384 numbers a vector."""

TEXT_PAIRS_AT_ONCE = 8_192
"""Pairs of texts tokenised and sorted by length together."""


@dataclass(frozen=True)
class Passages:
    """Texts with vectors (n, d) of length 1."""

    texts: list[str]
    vectors: np.ndarray


class Scorer(Protocol):
    """Says how likely a text belongs together with each of its candidates."""

    @property
    def network(self) -> nn.Module:
        """What was trained."""

    def odds(self, asked: Passages, stored: Passages, positions: np.ndarray) -> np.ndarray:
        """(n, k) float32 log-odds of n texts with the stored ones at positions (n, k)."""


@dataclass(frozen=True)
class DenseScorer:
    """Compares vectors, on the CPU: a thousand pairs cost less than encoding one text."""

    network: DensePair

    def odds(self, asked: Passages, stored: Passages, positions: np.ndarray) -> np.ndarray:
        odds = np.empty(positions.shape, dtype=np.float32)
        size = max(1, PAIRS_AT_ONCE // max(1, positions.shape[1]))
        with torch.inference_mode():
            for start in range(0, len(positions), size):
                v = torch.from_numpy(stored.vectors[positions[start : start + size]])
                u = torch.from_numpy(asked.vectors[start : start + size]).unsqueeze(1).expand_as(v)
                odds[start : start + size] = self.network(u, v).numpy()
        return odds


@dataclass(frozen=True)
class CrossScorer:
    """Reads both texts of each pair together.

    Attributes:
        network: on the device.
        tokens, max_tokens, device, bf16: how it reads texts, and where.
    """

    network: CrossPair
    tokens: Any
    max_tokens: int
    device: str
    bf16: bool

    def odds(self, asked: Passages, stored: Passages, positions: np.ndarray) -> np.ndarray:
        odds = np.empty(positions.shape, dtype=np.float32)
        size = max(1, TEXT_PAIRS_AT_ONCE // max(1, positions.shape[1]))
        cosine = self.network.cosine
        for start in range(0, len(positions), size):
            near = positions[start : start + size]
            pairs = [
                (asked.texts[start + row], stored.texts[at]) for row, some in enumerate(near) for at in some
            ]
            ids = pair_ids(self.tokens, pairs, self.max_tokens)
            read = outputs_in_order(self.network, ids, 1, self.tokens.pad, self.device, self.bf16)
            cosines = np.einsum("nd,nkd->nk", asked.vectors[start : start + size], stored.vectors[near])
            with torch.inference_mode():
                by_cosine: Tensor = cosine(torch.from_numpy(cosines).to(self.device)).cpu()
            odds[start : start + size] = read.reshape(near.shape) + by_cosine.numpy()
        return odds


@dataclass(frozen=True)
class TunedVectors:
    """A trained encoder of vectors of length 1.

    Attributes:
        network: a pooled transformer on the device.
        tokens, max_tokens, device, bf16: how it reads texts, and where.
    """

    network: Any
    tokens: Any
    max_tokens: int
    device: str
    bf16: bool

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors (n, d) float32 of n texts, in their order."""
        ids = self.tokens.ids(texts, self.max_tokens)
        return outputs_in_order(self.network, ids, self.network.dim, self.tokens.pad, self.device, self.bf16)
