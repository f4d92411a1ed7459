"""ULMFiT's classifier head: two small blocks of batch-norm, dropout and linear over pooled states."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

HIDDEN = 50
"""Units between the two blocks (Howard and Ruder, 2018)."""


class TextClassifierHead(nn.Module):
    """(b, d) pooled states -> (b, c) logits, in fp32 under autocast too.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018; fastai's
    ``PoolingLinearClassifier``. Linear layers behind a batch-norm have no bias, as there.

    Args:
        input_dim: d.
        n_classes: c.
        hidden: units between the blocks.
        output: share of pooled numbers dropped while training.
        dropout: share of hidden numbers dropped while training.
    """

    def __init__(
        self,
        input_dim: int,
        n_classes: int,
        *,
        hidden: int = HIDDEN,
        output: float = 0.4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_dim, self.n_classes = input_dim, n_classes
        sizes = [input_dim, hidden, n_classes]
        self.blocks = nn.ModuleList(
            _Block(reads, gives, rate)
            for (reads, gives), rate in zip(pairwise(sizes), (output, dropout), strict=True)
        )

    def forward(self, vectors: Tensor) -> Tensor:
        # in bf16 the logits of like classes would be equal
        with torch.autocast(vectors.device.type, enabled=False):
            first, second = self._blocks()
            logits: Tensor = second(first(vectors.to(first.linear.weight.dtype)).relu())
        return logits

    def normed(self, vectors: Tensor) -> Tensor:
        """(b, d) pooled states as the first batch-norm leaves them: states of one sign share no direction."""
        normed: Tensor = self._blocks()[0].norm(vectors)
        return normed

    @torch.no_grad()
    def settle(self, vectors: Tensor) -> None:
        """Take the statistics of batch-norm from (n, d) pooled states, n ≥ 2, as they are without dropout.

        Running means lag behind a body that has learned for a few steps only; these do not.
        Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021 (PreciseBN).
        """
        states = vectors.to(torch.float32)
        for block in self._blocks():
            assert block.norm.running_mean is not None
            assert block.norm.running_var is not None
            block.norm.running_mean.copy_(states.mean(0))
            block.norm.running_var.copy_(states.var(0))
            states = block.eval()(states).relu()

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """One group."""
        return {"head": [self.blocks]}

    def _blocks(self) -> list[_Block]:
        return list(self.blocks)  # type: ignore[arg-type]


class _Block(nn.Module):
    """(b, d) -> (b, e): batch-norm, dropout, linear."""

    def __init__(self, reads: int, gives: int, rate: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(reads)
        self.dropout = nn.Dropout(rate)
        self.linear = nn.Linear(reads, gives, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        # the variance of a single row is 0: it would learn from nothing but its bias
        alone = self.norm.training and len(vectors) == 1
        if alone:
            norm = self.norm
            vectors = nn.functional.batch_norm(
                vectors, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        else:
            vectors = self.norm(vectors)
        out: Tensor = self.linear(self.dropout(vectors))
        return out
