"""A sentence vector projected into a space where classes lie apart.

The head of a siamese network (Bromley et al., "Signature Verification using a 'Siamese' Time
Delay Neural Network", 1993; Schroff et al., "FaceNet", 2015, for vectors of length 1): dense
layers with batch norm and dropout. Two additions make it learn from few rows: a linear shortcut
that starts as an orthogonal projection, which keeps what the encoder knows (He et al., "Deep
Residual Learning", 2016), and several heads side by side whose similarities are averaged
(Lakshminarayanan et al., "Deep Ensembles", 2017). The heads share one matrix product a layer, so
that five cost little more time than one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from textgraft.networks.dropout import FastDropout

ROWS_AT_ONCE = 8_192
"""Vectors projected together without learning; bounds memory."""


class Projection(nn.Module):
    """(b, d) vectors of any length -> (b, h × e) of length 1: h heads of e numbers side by side.

    The cosine of two outputs is the mean over heads of the heads' cosines. Only directions are
    read: a vector of zeros is projected as it is.

    Args:
        dim: d.
        widths: numbers of each dense layer's output; the last is e.
        n_heads: h.
        dropout: between dense layers.
        seed: of the weights that it starts with.
    """

    def __init__(
        self, dim: int, widths: Sequence[int], n_heads: int, *, dropout: float = 0.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {"dim": dim, "widths": list(widths), "n_heads": n_heads}
        self.n_heads, self.dim = n_heads, n_heads * widths[-1]
        # the caller's random state is nobody's business here
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers: list[nn.Module] = [nn.Linear(dim, n_heads * widths[0])]
            for before, after in pairwise(widths):
                layers += [nn.BatchNorm1d(n_heads * before), nn.ReLU(), FastDropout(dropout)]
                layers.append(ParallelLinear(before, after, n_heads))
            self.dense = nn.Sequential(*layers)
            self.shortcut = nn.Linear(dim, self.dim, bias=False)
            for weight in self.shortcut.weight.detach().view(n_heads, widths[-1], dim):
                weight.copy_(nn.init.orthogonal_(torch.empty_like(weight)))

    def forward(self, vectors: Tensor) -> Tensor:
        # numbers of size 1 on average, whatever the encoder's scale, are what the layers start from
        scaled = nn.functional.normalize(vectors, dim=1) * math.sqrt(vectors.shape[1])
        heads = (self.dense(scaled) + self.shortcut(scaled)).view(len(vectors), self.n_heads, -1)
        projected: Tensor = nn.functional.normalize(heads, dim=2).flatten(1) / math.sqrt(self.n_heads)
        return projected

    def by_head(self, projected: Tensor) -> Tensor:
        """(b, h × e) -> (h, b, e): what each head says, of length 1."""
        heads = projected.view(len(projected), self.n_heads, -1).transpose(0, 1)
        return heads * math.sqrt(self.n_heads)

    def rows(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) -> (n, h × e) float32, without learning."""
        parts = [np.empty((0, self.dim), dtype=np.float32)]
        with torch.inference_mode():
            for start in range(0, len(vectors), ROWS_AT_ONCE):
                part = torch.from_numpy(np.ascontiguousarray(vectors[start : start + ROWS_AT_ONCE]))
                parts.append(self(part).numpy())
        return np.concatenate(parts)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        return {"heads": [self.shortcut, self.dense]}


class ParallelLinear(nn.Module):
    """(b, h × i) -> (b, h × o): a linear layer for each of h heads."""

    def __init__(self, inputs: int, outputs: int, n_heads: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(n_heads, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(n_heads * outputs))

    def forward(self, vectors: Tensor) -> Tensor:
        heads = vectors.view(len(vectors), len(self.weight), -1).transpose(0, 1)
        return torch.bmm(heads, self.weight).transpose(0, 1).flatten(1) + self.bias


class ProjectedEncoder(nn.Module):
    """(b, t) token ids and mask -> (b, h × e) of length 1: an encoder that learns under its projection.

    Args:
        encoder: a module from ids and mask to (b, d) vectors, with ``layer_groups``.
        projection: of d numbers.
    """

    def __init__(self, encoder: Any, projection: Projection) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = projection
        self.dim = projection.dim

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.of_parts([(ids, mask)])

    def of_parts(self, parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Ids and mask of each part of a batch -> (b, h × e); batch norm sees the rows of all parts."""
        vectors = torch.cat([self.encoder(ids, mask).float() for ids, mask in parts])
        # similarities are compared to the third digit, which bf16 does not have
        with torch.autocast(vectors.device.type, enabled=False):
            projected: Tensor = self.projection(vectors)
        return projected

    def by_head(self, projected: Tensor) -> Tensor:
        """As :meth:`Projection.by_head`."""
        return self.projection.by_head(projected)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        groups: dict[str, list[nn.Module]] = self.encoder.layer_groups()
        return groups | self.projection.layer_groups()
