"""From token states to one vector a text, and from there to logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from textgraft.networks.dropout import FastDropout
from textgraft.networks.pooling import POOL


class PooledTransformer(nn.Module):
    """(b, t) token ids and mask -> (b, d) vectors: a transformer's states, pooled.

    Attributes:
        dim: numbers of a vector.
    """

    def __init__(self, transformer: Any, pool: str) -> None:
        super().__init__()
        self.transformer = transformer
        self.pool = pool
        self.dim: int = transformer.dim

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return POOL[self.pool](self.transformer(ids, mask).float(), mask.float())

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        groups: dict[str, list[nn.Module]] = self.transformer.layer_groups()
        return groups


class ClassifierNetwork(nn.Module):
    """(b, t) token ids and mask -> (b, c) logits: an encoder of vectors under a linear head.

    Args:
        encoder: a module from ids and mask to (b, d) vectors, with ``dim`` and ``layer_groups``.
        n_classes: c.
        dropout: of the vectors.
    """

    def __init__(self, encoder: Any, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = FastDropout(dropout)
        self.head = nn.Linear(encoder.dim, n_classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.encoder(ids, mask)))
        return logits

    def vectors_and_logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(b, d + c): each text's vector and its logits side by side."""
        vectors = self.encoder(ids, mask).float()
        return torch.cat([vectors, self.head(vectors).float()], dim=1)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        groups: dict[str, list[nn.Module]] = self.encoder.layer_groups()
        return groups | {"head": [self.head]}
