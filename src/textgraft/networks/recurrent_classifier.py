"""A classifier over the body of a language model, for texts of any length."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from textgraft.errors import ParameterError
from textgraft.networks.awd_lstm import AWDLSTM, State
from textgraft.networks.concat_pooling import Pooled
from textgraft.networks.fast_lstm import LSTMLayer
from textgraft.networks.pooling import at_least_one
from textgraft.networks.text_classifier_head import TextClassifierHead

POOLS = {"concat": ("last", "max", "mean"), "last": ("last",), "max": ("max",), "mean": ("mean",)}
"""What the head sees of the states."""

TOKENS_AT_ONCE = 32_768
"""Tokens of a batch, padding included, whose states are in memory together."""


STEPS_AT_ONCE = 64
"""Longest window where nothing is learned; after each, texts that have ended are left out."""


class RecurrentClassifier(nn.Module):
    """(b, t) word numbers, (b, t) mask -> (b, c) logits.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.3. Long
    texts are read in windows; the state goes from each to the next, and pooling runs over all of them
    (the paper's BPT3C). Gradients reach every window: where texts are longer than a window, states of all
    windows but the last are computed again on the way back, one window at a time (Chen et al., "Training
    Deep Nets with Sublinear Memory Cost", 2016), so that memory does not grow with a text but for a few
    numbers a window.

    Args:
        body: of a language model that reads in one direction.
        n_classes: c.
        pool: one of :data:`POOLS`.
        output: share of pooled numbers dropped while training.
        tokens_at_once: of a batch, padding included; a window has so many over b.

    Raises:
        ParameterError: another pool, or a body that reads both ways.
    """

    def __init__(
        self,
        body: AWDLSTM,
        n_classes: int,
        *,
        pool: str = "concat",
        output: float = 0.4,
        tokens_at_once: int = TOKENS_AT_ONCE,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ParameterError(f"Unknown pool {pool!r}: expected one of {', '.join(POOLS)}.")
        if body.settings.bidirectional:
            raise ParameterError("A text is read in windows from one end; found a body that reads both ways.")
        self.body = body
        self.pool = pool
        self.tokens_at_once = tokens_at_once
        # a language model's perplexity would rise a little, what a classifier decides stays
        for layer in body.modules():
            if isinstance(layer, LSTMLayer):
                layer.answers_in_int8 = True
        self.head = TextClassifierHead(len(POOLS[pool]) * body.settings.embedding, n_classes, output=output)

    @property
    def dim(self) -> int:
        """Numbers that the head sees of a text."""
        return self.head.input_dim

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.head(self.vectors(ids, mask))
        return logits

    def vectors_and_logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(b, v + c): what the head sees, behind its batch-norm, and what it says."""
        vectors = self.vectors(ids, mask)
        return torch.cat([self.head.normed(vectors), self.head(vectors)], dim=1)

    def vectors(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(b, v) pooled states; padding stands behind each text, and a text without tokens is one token."""
        mask = at_least_one(mask)
        if not torch.is_grad_enabled():
            return self._answered(ids, mask)
        rows, t = ids.shape
        window = max(1, self.tokens_at_once // rows)
        state: State = self.body.initial_state(rows)
        pooled = Pooled.nothing(state[0][0], rows, self.body.settings.embedding)
        # the first window is the short one: the last, whose states stay in memory, is as long as can be
        for begin, end in pairwise((0, *range(t - (t - 1) // window * window, t + 1, window))):
            some = ids[:, begin:end], mask[:, begin:end], state, pooled
            if end < t:
                state, pooled = checkpoint(self._read, *some, use_reentrant=False)
            else:
                state, pooled = self._read(*some)
        return self._pooled(pooled)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """Parts from input to output."""
        return {**self.body.layer_groups(), "head": [self.head]}

    def _answered(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The same where nothing is learned: texts that have ended take no more part."""
        lengths, order = mask.sum(1).sort(descending=True, stable=True)
        ids, mask = ids[order], mask[order]
        rows = len(ids)
        state: State = self.body.initial_state(rows)
        pooled = Pooled.nothing(state[0][0], rows, self.body.settings.embedding)
        ended: list[Pooled] = []
        begin = 0
        while rows:
            window = slice(begin, begin + min(STEPS_AT_ONCE, max(1, self.tokens_at_once // rows)))
            state, pooled = self._read(ids[:rows, window], mask[:rows, window], state, pooled)
            begin = window.stop
            rows = int((lengths > begin).sum())
            ended.append(Pooled(*(part[rows:] for part in pooled)))
            pooled = Pooled(*(part[:rows] for part in pooled))
            state = tuple(tuple(part[:rows] for part in layer) for layer in state)
        # the longest ended last
        together = Pooled(*(torch.cat(parts) for parts in zip(*reversed(ended), strict=True)))
        return self._pooled(together)[order.argsort()]

    def _pooled(self, pooled: Pooled) -> Tensor:
        named = pooled.by_name()
        return torch.cat([named[name] for name in POOLS[self.pool]], dim=1)

    def _read(self, ids: Tensor, mask: Tensor, state: State, pooled: Pooled) -> tuple[State, Pooled]:
        states, after = self.body(ids, state)
        return after, pooled.then(states, mask)
