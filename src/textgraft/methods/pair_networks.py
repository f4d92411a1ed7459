"""The networks of the method ``pair``, opened: a scorer that has learned nothing, and a trained encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from textgraft.encoders.encoder import Trainable
from textgraft.networks.matching import CrossScorer, DenseScorer, Scorer, TunedVectors
from textgraft.networks.packed import to_bf16
from textgraft.networks.pair import CrossPair, DensePair


def dense_scorer(dim: int, dropout: float, seed: int) -> tuple[DensePair, Scorer]:
    """A scorer over vectors of d numbers that has learned nothing, and its network."""
    # the same seed gives the same start, and the caller's random state stays as it is
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        network = DensePair(dim, dropout)
    return network, DenseScorer(network)


def cross_scorer(
    opened: Callable[[], Trainable], max_tokens: int, dropout: float, seed: int
) -> tuple[CrossPair, Scorer]:
    """A scorer over joined texts that has learned nothing, and its network.

    Args:
        opened: gives a fresh copy of the pretrained encoder.
        max_tokens: read of two texts joined, where the encoder can read so many.
        dropout: of the pooled state.
        seed: of the start.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        pretrained = opened()
        network = CrossPair(pretrained.network, dropout)
    network.to(pretrained.device).eval()
    return network, CrossScorer(network, *_reading(pretrained, max_tokens))


def tuned_vectors(pretrained: Trainable, max_tokens: int) -> TunedVectors:
    """A trained encoder that answers; it cannot learn any more."""
    network = pretrained.network.requires_grad_(False).eval().to(pretrained.device)
    if pretrained.precision == "bf16":
        to_bf16(network, pretrained.device)
    return TunedVectors(network, *_reading(pretrained, max_tokens))


def tokens_read(pretrained: Trainable, max_tokens: int) -> int:
    """What is read of a text: as much as is asked for, where the encoder can."""
    return min(max_tokens, pretrained.max_tokens)


def _reading(pretrained: Trainable, max_tokens: int) -> tuple[Any, int, str, bool]:
    limit = tokens_read(pretrained, max_tokens)
    return pretrained.tokens, limit, pretrained.device, pretrained.precision == "bf16"
