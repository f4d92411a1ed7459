"""Rows with a mate and with strangers, in batches, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from textgraft.core.sampling import NOBODY, ClassRows, hard_negatives
from textgraft.networks.pair import pair_ids
from textgraft.text.batches import padded_ids
from textgraft.training.batches import parts_of


@dataclass(frozen=True)
class Draws:
    """How the partners of a row are drawn: one mate of its class, and strangers.

    Attributes:
        classes: of all rows.
        anchors: (a,) rows that partners are drawn for.
        nearest: (a, k) rows near each of them.
        negatives: rows of other classes for each anchor, from the nearest ones.
        strangers: rows of other classes for each anchor, from anywhere.
        seed: of the draws.
    """

    classes: ClassRows
    anchors: np.ndarray
    nearest: np.ndarray
    negatives: int
    strangers: int
    seed: int

    def steps(self, batch_size: int, epoch: int) -> list[list[np.ndarray]]:
        """Numbers of anchors in batches, each anchor once an epoch."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.anchors))
        return [[part] for part in np.array_split(order, -(-len(order) // batch_size))]

    def partners(self, numbers: np.ndarray, epoch: int) -> np.ndarray:
        """(b, 1 + negatives + strangers) rows: a mate first, ``NOBODY`` where there is none."""
        draw = np.random.default_rng([self.seed, epoch, *map(int, numbers[:2]), len(numbers)])
        rows = self.anchors[numbers]
        mates = self.classes.mates(rows, 1, draw)
        near = hard_negatives(self.classes, rows, self.nearest[numbers], self.negatives, draw)
        far = self.classes.strangers(rows, self.strangers, draw)
        return np.concatenate([mates, near, far], axis=1)

    def same(self, numbers: np.ndarray, partners: np.ndarray) -> tuple[Tensor, Tensor]:
        """(b, m) float32: 1 for a mate; (b, m) bool: whether there is a partner at all."""
        own = self.classes.codes[self.anchors[numbers]][:, None]
        there = partners != NOBODY
        together = (self.classes.codes[partners] == own) & there
        return torch.from_numpy(together.astype(np.float32)), torch.from_numpy(there)


class VectorPairs(NamedTuple):
    """u (b, 1, d), v (b, m, d), same (b, m) float32, there (b, m) bool."""

    u: Tensor
    v: Tensor
    same: Tensor
    there: Tensor


@dataclass(frozen=True)
class VectorPairBatches:
    """Pairs of vectors (n, d), an anchor and its partners in a row."""

    fewest: ClassVar[int] = 1

    vectors: np.ndarray
    draws: Draws
    batch_size: int

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        return self.draws.steps(self.batch_size, epoch)

    def take(self, rows: np.ndarray, epoch: int) -> VectorPairs:
        partners = self.draws.partners(rows, epoch)
        anchors = self.vectors[self.draws.anchors[rows]]
        return VectorPairs(
            torch.from_numpy(anchors).unsqueeze(1),
            torch.from_numpy(self.vectors[partners]),
            *self.draws.same(rows, partners),
        )


class PartedTexts(NamedTuple):
    """n texts in parts (ids, mask) of like length, and their places (n,) among the rows of all parts."""

    parts: tuple[tuple[Tensor, Tensor], ...]
    places: Tensor

    @classmethod
    def of(cls, ids: list[list[int]], pad: int, in_parts: bool) -> PartedTexts:
        """Token ids of n texts, in parts where lengths differ, or as one part."""
        groups = parts_of(np.array([len(row) for row in ids]), in_parts)
        padded = [padded_ids([ids[row] for row in group], pad) for group in groups]
        return cls(
            tuple((torch.from_numpy(part), torch.from_numpy(mask)) for part, mask in padded),
            torch.from_numpy(np.argsort(np.concatenate(groups))),
        )

    def through(self, network: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """What a network from ids and mask gives for the n texts, in their order."""
        return torch.cat([network(ids, mask) for ids, mask in self.parts])[self.places]


class JoinedPairs(NamedTuple):
    """b × m joined texts, cosines (b × m,), same and there (b, m)."""

    texts: PartedTexts
    cosines: Tensor
    same: Tensor
    there: Tensor


@dataclass(frozen=True)
class JoinedPairBatches:
    """Pairs of n texts with vectors (n, d) of length 1, each joined into one sequence of tokens."""

    fewest: ClassVar[int] = 1

    texts: list[str]
    vectors: np.ndarray
    tokens: Any
    max_tokens: int
    draws: Draws
    batch_size: int
    in_parts: bool = True

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        return self.draws.steps(self.batch_size, epoch)

    def take(self, rows: np.ndarray, epoch: int) -> JoinedPairs:
        partners = self.draws.partners(rows, epoch)
        anchors = self.draws.anchors[rows]
        pairs = [
            (self.texts[anchor], self.texts[partner])
            for anchor, some in zip(anchors, partners, strict=True)
            for partner in some
        ]
        ids = pair_ids(self.tokens, pairs, self.max_tokens)
        return JoinedPairs(
            PartedTexts.of(ids, self.tokens.pad, self.in_parts),
            torch.from_numpy(_cosines(self.vectors, anchors, partners).ravel()),
            *self.draws.same(rows, partners),
        )


class MatedTexts(NamedTuple):
    """3b texts and their codes (3b,)."""

    texts: PartedTexts
    codes: Tensor


@dataclass(frozen=True)
class MatedTextBatches:
    """Anchors, then their mates, then one hard negative each, as token ids.

    Every anchor must have a mate; ``draws`` gives one negative and no strangers, since the rest of the
    batch is that.
    """

    fewest: ClassVar[int] = 2
    """So that an anchor has mates of others to choose from."""

    ids: list[list[int]]
    pad: int
    draws: Draws
    batch_size: int
    in_parts: bool = True

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        return self.draws.steps(self.batch_size, epoch)

    def take(self, rows: np.ndarray, epoch: int) -> MatedTexts:
        partners = self.draws.partners(rows, epoch)
        texts = np.concatenate([self.draws.anchors[rows], *partners.T])
        return MatedTexts(
            PartedTexts.of([self.ids[row] for row in texts], self.pad, self.in_parts),
            torch.from_numpy(self.draws.classes.codes[texts]),
        )


# ── losses ──────────────────────────────────────────────────────────────────────────


def list_loss(odds: Tensor, same: Tensor, there: Tensor) -> Tensor:
    """Mean loss of log-odds (b, m) of an anchor's m partners, the mate first.

    Two things are asked. Is each partner of the anchor's class (binary cross entropy, which makes
    odds of the numbers)? And which of all of them is it (cross entropy over the list, which makes a
    ranking of them; Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007)?
    An anchor without a mate is only asked the first.

    Args:
        odds: (b, m) log-odds.
        same: (b, m) 1 where the partner is of the anchor's class.
        there: (b, m) whether there is a partner.
    """
    each = F.binary_cross_entropy_with_logits(odds.float(), same, reduction="none")
    binary = (each * there).sum() / there.sum().clamp(min=1)
    # not −∞: a list without anything in it must not become nan
    log_share = F.log_softmax(odds.float().masked_fill(~there, -1e4), dim=1)[:, 0]
    mated = there[:, 0]
    return binary - (log_share * mated).sum() / mated.sum().clamp(min=1)


def vector_pair_loss(network: Any, batch: VectorPairs) -> Tensor:
    """:func:`list_loss` of a network over pairs of vectors."""
    return list_loss(network(batch.u.expand_as(batch.v), batch.v), batch.same, batch.there)


def joined_pair_loss(network: Any, batch: JoinedPairs) -> Tensor:
    """:func:`list_loss` of a network over joined texts."""
    odds = batch.texts.through(network).squeeze(-1) + network.cosine(batch.cosines)
    return list_loss(odds.view_as(batch.same), batch.same, batch.there)


def ranking_loss(vectors: Tensor, codes: Tensor, temperature: float) -> Tensor:
    """Multiple negatives ranking: choose each anchor's mate among all mates and negatives of the batch.

    Henderson et al., "Efficient Natural Language Response Suggestion for Smart Reply", 2017, section
    4.4, with cosines and hard negatives. Others of the anchor's class are left out of its choice.

    Args:
        vectors: (3b, d): b anchors, their mates, one negative each; of any length.
        codes: (3b,) class codes.
        temperature: of the cosines.
    """
    unit = F.normalize(vectors.float(), dim=1)
    b = len(unit) // 3
    similar = unit[:b] @ unit[b:].T / temperature
    target = torch.arange(b, device=unit.device)
    also_right = codes[:b, None] == codes[None, b:]
    also_right[target, target] = False
    return F.cross_entropy(similar.masked_fill(also_right, -1e4), target)


def mated_text_loss(network: Any, batch: MatedTexts, temperature: float) -> Tensor:
    """:func:`ranking_loss` of an encoder."""
    return ranking_loss(batch.texts.through(network), batch.codes, temperature)


# ── where a scorer starts, and where it ends ────────────────────────────────────────

MOST_LISTS_FITTED = 5_000
"""Anchors that a straight line is fitted on; two or three numbers need no more."""


def start_from_cosine(network: Any, vectors: np.ndarray, draws: Draws) -> None:
    """Set a scorer's log-odds by the cosine to logistic regression over sampled pairs.

    Args:
        network: a scorer with ``cosine``; what it adds to that is still 0.
        vectors: (n, d) of length 1.
        draws: the pairs to learn from; some anchors must have a mate.
    """
    # spread over all anchors, so that those with mates are among them
    numbers = np.unique(np.linspace(0, len(draws.anchors) - 1, MOST_LISTS_FITTED).astype(np.int64))
    partners = draws.partners(numbers, 0)
    same, there = (part.numpy() for part in draws.same(numbers, partners))
    cosines = _cosines(vectors, draws.anchors[numbers], partners)
    if len(np.unique(same[there])) < 2:
        return
    weights, shift = _regression(cosines[there][:, None], same[there])
    with torch.no_grad():
        network.cosine.scale.fill_(max(0.0, float(weights[0])))
        network.cosine.shift.fill_(float(shift))


def mixed_on(cosines: np.ndarray, odds: np.ndarray, same: np.ndarray) -> np.ndarray:
    """(3,) shift and weights of cosine and log-odds, by logistic regression on pairs not learned from.

    So a scorer that learned its own pairs by heart is trusted less, and its odds mean what they say on
    candidates as they are retrieved (Platt, "Probabilistic Outputs for Support Vector Machines", 1999).
    Where the scorer is worth nothing, or all pairs are alike, it is left as it is.

    Args:
        cosines, odds: (p,) of retrieved candidates.
        same: (p,) bool, whether it is of the text's class.
    """
    if same.all() or not same.any():
        return np.array([0.0, 0.0, 1.0])
    weights, shift = _regression(np.stack([cosines, odds], axis=1), same)
    if weights[1] <= 0:
        return np.array([0.0, 0.0, 1.0])
    return np.array([shift, *weights])


def _regression(features: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100.0, max_iter=1_000).fit(features.astype(np.float64), same)
    return model.coef_[0], float(model.intercept_[0])


def _cosines(vectors: np.ndarray, anchors: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """(b, m) float32."""
    similar: np.ndarray = np.einsum("bd,bmd->bm", vectors[anchors], vectors[partners])
    return similar
