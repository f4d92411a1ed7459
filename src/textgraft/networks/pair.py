"""Do two texts say the same? Networks that give the log-odds of it, the same in both orders."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgraft.networks.dropout import FastDropout
from textgraft.networks.pooling import POOL

HIDDEN = (500, 100)

START_SCALE, START_SHIFT = 20.0, -10.0
"""Log-odds of a pair by its cosine where no pair has been seen: even at a cosine of one half."""


class CosineOdds(nn.Module):
    """(…) cosines -> (…) log-odds: a straight line that never falls."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([START_SCALE]))
        self.shift = nn.Parameter(torch.tensor([START_SHIFT]))

    def forward(self, cosines: Tensor) -> Tensor:
        return cosines * self.scale.clamp(min=0.0) + self.shift


class DensePair(nn.Module):
    """(…, d), (…, d) vectors of length 1 -> (…) log-odds that their texts belong together.

    A dense network over [u + v, |u − v|, u ∗ v] is added to the log-odds by the cosine of u + Wu and
    v + Wv. The first two features tell the same as u and v do, without their order (after Conneau et
    al., "Supervised Learning of Universal Sentence Representations", 2017). The network's last layer
    and W start at 0, so that before any training candidates are ranked by the cosine of u and v.

    Args:
        dim: d.
        dropout: after each hidden layer.
    """

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        widths = (3 * dim, *HIDDEN)
        self.hidden = nn.Sequential(
            *(
                nn.Sequential(nn.Linear(wide, narrow), nn.ReLU(), FastDropout(dropout))
                for wide, narrow in zip(widths, HIDDEN, strict=False)
            )
        )
        self.out = nn.Linear(HIDDEN[-1], 1)
        self.moved = nn.Linear(dim, dim, bias=False)
        self.cosine = CosineOdds()
        # numbers of a vector of length 1 are small; these bring them near to 1
        self.unit = float(dim) ** 0.5
        nn.init.zeros_(self.moved.weight)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        product = u * v
        near = F.cosine_similarity(u + self.moved(u), v + self.moved(v), dim=-1)
        features = torch.cat([(u + v) * self.unit, (u - v).abs() * self.unit, product * self.unit**2], dim=-1)
        odds: Tensor = self.out(self.hidden(features)).squeeze(-1) + self.cosine(near)
        return odds

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """What learns from the pairs, and what makes log-odds of it."""
        return {"pair layers": [self.hidden, self.moved], "pair odds": [self.out, self.cosine]}


class CrossPair(nn.Module):
    """(b, t) ids and mask of two joined texts -> (b, 1): what they add to log-odds; a cross-encoder.

    Reading both texts together is more exact and far slower than comparing vectors (Humeau et al.,
    "Poly-encoders", 2020). As in :class:`DensePair` that is added to the log-odds by the cosine, ``cosine``.

    Args:
        encoder: a pooled transformer; its states are pooled by their mean.
        dropout: of the pooled state.
    """

    def __init__(self, encoder: Any, dropout: float) -> None:
        super().__init__()
        self.transformer = encoder.transformer
        self.dropout = FastDropout(dropout)
        self.out = nn.Linear(encoder.transformer.dim, 1)
        self.cosine = CosineOdds()
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        states = POOL["mean"](self.transformer(ids, mask).float(), mask.float())
        odds: Tensor = self.out(self.dropout(states)).float()
        return odds

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        groups: dict[str, list[nn.Module]] = self.transformer.layer_groups()
        return groups | {"pair odds": [self.out, self.cosine]}


def pair_ids(tokens: Any, pairs: list[tuple[str, str]], limit: int) -> list[list[int]]:
    """Token ids of both texts of each pair in the tokenizer's own template, cut to ``limit``.

    The text that sorts first is put first, whichever way a pair is given. The longer text is cut first.

    Args:
        tokens: a :class:`textgraft.networks.transformer.TextTokenizer`.
        pairs: two texts each.
        limit: tokens of both together.
    """
    if not pairs:
        return []
    ordered = [sorted(tokens.prompt + text for text in pair) for pair in pairs]
    if tokens.lower_case:
        ordered = [[text.lower() for text in pair] for pair in ordered]
    ids: list[list[int]] = tokens.fast(
        [first for first, _ in ordered],
        [second for _, second in ordered],
        truncation="longest_first",
        max_length=limit,
        return_attention_mask=False,
        # every token gets the type that a single text has: the only one a sentence encoder was trained on
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]
    return ids
