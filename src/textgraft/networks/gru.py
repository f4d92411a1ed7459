"""A bidirectional GRU over token states or word vectors, and a linear head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textgraft.errors import ParameterError
from textgraft.networks.fast_gru import BidirectionalGRU
from textgraft.networks.pooling import at_least_one, cls, lasttoken, maximum, mean
from textgraft.text.special import UNK_ID

GRU_POOLINGS = ("mean", "max", "last")
"""Ways from states (b, t, 2h) to a vector (b, 2h): mean, largest, or where each direction ends."""


class GRUHead(nn.Module):
    """(b, t, d) states and (b, t) mask, t ≥ 1 -> (b, c) logits, in fp32 under autocast too.

    Padding stands behind each text (mask 1 1 1 0 0) and changes nothing. A text without any token
    is read as one token, whatever state stands there, so that it has logits too.

    Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder", 2014; pooling as in
    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018.

    Args:
        input_dim: d.
        n_classes: c.
        hidden: units a direction.
        layers: bidirectional layers.
        dropout: share of values zeroed between layers and before the linear layer.
        pooling: poolings joined side by side, of :data:`GRU_POOLINGS`.

    Raises:
        ParameterError: a pooling with another name, or none.
    """

    def __init__(
        self,
        input_dim: int,
        n_classes: int,
        *,
        hidden: int = 256,
        layers: int = 2,
        dropout: float = 0.25,
        pooling: tuple[str, ...] = GRU_POOLINGS,
    ) -> None:
        super().__init__()
        if not pooling or not set(pooling) <= set(GRU_POOLINGS):
            raise ParameterError(f"Expected poolings among {', '.join(GRU_POOLINGS)}; found {pooling}.")
        self.pooling = pooling
        self.gru = BidirectionalGRU(input_dim, hidden, layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * hidden * len(pooling), n_classes)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return self.logits_of(self.vectors(states, mask))

    def vectors(self, states: Tensor, mask: Tensor) -> Tensor:
        """(b, t, d) states and (b, t) mask -> (b, e) pooled states, what the linear layer sees."""
        mask = at_least_one(mask)
        states = self.gru(states, mask)
        return torch.cat([self._pool(name, states, mask) for name in self.pooling], dim=1)

    def logits_of(self, vectors: Tensor) -> Tensor:
        """(b, e) -> (b, c)."""
        # in bf16 the logits of like classes would be equal
        with torch.autocast(vectors.device.type, enabled=False):
            logits: Tensor = self.linear(self.dropout(vectors.to(self.linear.weight.dtype)))
        return logits

    def vectors_and_logits(self, states: Tensor, mask: Tensor) -> Tensor:
        """(b, e + c): each text's pooled states and its logits side by side."""
        vectors = self.vectors(states, mask).float()
        return torch.cat([vectors, self.logits_of(vectors)], dim=1)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """Parts from input to output."""
        return {"gru": [self.gru], "head": [self.linear]}

    def _pool(self, name: str, states: Tensor, mask: Tensor) -> Tensor:
        if name == "mean":
            return mean(states, mask)
        if name == "max":
            return maximum(states, mask)
        forward, backward = states.chunk(2, dim=2)
        return torch.cat([lasttoken(forward, mask), cls(backward, mask)], dim=1)


class WordGRU(nn.Module):
    """(b, t) word numbers, t ≥ 1 -> (b, c) logits; 0 is padding and stands behind each text, 1 unknown.

    Args:
        vectors: (v, d) pretrained word vectors by word number.
        n_classes: c.
        frozen: keep the word vectors as they are; else those of known words are trained with the rest.
        input_dropout: share of the d numbers of a vector zeroed while training, the same ones in all
            words of a text.
        hidden, layers, dropout, pooling: as in :class:`GRUHead`.
    """

    def __init__(
        self,
        vectors: Tensor,
        n_classes: int,
        *,
        frozen: bool = True,
        input_dropout: float = 0.25,
        hidden: int = 256,
        layers: int = 2,
        dropout: float = 0.25,
        pooling: tuple[str, ...] = GRU_POOLINGS,
    ) -> None:
        super().__init__()
        # a copy, since training changes it
        self.embedding: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            vectors.clone(), freeze=frozen, padding_idx=0
        )
        self.input_dropout = nn.Dropout(input_dropout)
        self.head = GRUHead(
            vectors.shape[1], n_classes, hidden=hidden, layers=layers, dropout=dropout, pooling=pooling
        )

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.head(self._states(ids), ids != 0)
        return logits

    def vectors_and_logits(self, ids: Tensor) -> Tensor:
        """(b, e + c): each text's pooled states and its logits side by side."""
        both: Tensor = self.head.vectors_and_logits(self._states(ids), ids != 0)
        return both

    def _states(self, ids: Tensor) -> Tensor:
        states: Tensor = self.embedding(ids)
        if self.embedding.weight.requires_grad:
            # what all unknown words have in common is no meaning
            states = torch.where((ids == UNK_ID)[:, :, None], states.detach(), states)
        kept: Tensor = self.input_dropout(torch.ones_like(states[:, :1]))
        return states * kept

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """Parts from input to output."""
        return {"embeddings": [self.embedding], **self.head.layer_groups()}
