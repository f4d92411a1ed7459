"""Votes of nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.core.scores import Scores


@dataclass(frozen=True)
class Neighbours:
    """The k nearest stored rows of each query, nearest first.

    Attributes:
        positions: (n, k) int64 row numbers in the index.
        similarities: (n, k) float32 cosine similarities, descending.
    """

    positions: np.ndarray
    similarities: np.ndarray


def vote(neighbours: Neighbours, codes: np.ndarray, n_classes: int, temperature: float) -> Scores:
    """Let neighbours vote for their classes; votes of a text sum to 1.

    A neighbour at similarity s weighs exp((s − s_top) / temperature): a soft version of
    the distance-weighted rule (Dudani, "The Distance-Weighted k-Nearest-Neighbor Rule",
    1976); an infinite temperature gives every neighbour one vote. Classes with equal votes
    are ordered by their nearest neighbour. Confidence is the similarity of the nearest
    neighbour of the winning class.

    Args:
        neighbours: of n texts, k each.
        codes: (m,) class codes of the stored rows.
        n_classes: c.
        temperature: above 0, in units of cosine similarity.
    """
    sims = neighbours.similarities.astype(np.float64)
    weights = np.exp((sims - sims[:, :1]) / temperature)
    voted = codes[neighbours.positions]
    votes = _votes_at_first(voted, weights)
    order = np.argsort(-votes, axis=1, kind="stable")
    votes = np.take_along_axis(votes, order, axis=1)
    ranked = np.where(votes >= 0, np.take_along_axis(voted, order, axis=1), -1)
    belief = np.clip(votes, 0.0, None)
    belief /= belief.sum(axis=1, keepdims=True)
    confidence = np.take_along_axis(sims, order[:, :1], axis=1)[:, 0]
    return Scores(ranked, belief, confidence, n_classes)


def vote_labels(neighbours: Neighbours, targets: np.ndarray, temperature: float) -> np.ndarray:
    """Belief (n, c) in each label: the share of the neighbours' weight that has it.

    Zhang and Zhou, "ML-kNN", 2007, count neighbours with a label likewise; weights are those of :func:`vote`.

    Args:
        neighbours: of n texts, k each.
        targets: (m, c) 0/1, which labels each stored row has.
        temperature: above 0, in units of cosine similarity.
    """
    sims = neighbours.similarities.astype(np.float64)
    weights = np.exp((sims - sims[:, :1]) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    belief = np.zeros((len(sims), targets.shape[1]))
    # one neighbour after the other: all at once would take k times the memory
    for place in range(sims.shape[1]):
        belief += weights[:, place, None] * targets[neighbours.positions[:, place]]
    return np.minimum(belief, 1.0)


def _votes_at_first(voted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, k): a class's summed weight at the place of its nearest neighbour, −1 elsewhere."""
    if not voted.size:
        return np.empty(voted.shape)
    by_class = np.argsort(voted, axis=1, kind="stable")
    grouped = np.take_along_axis(voted, by_class, axis=1)
    begins = np.ones(voted.shape, dtype=bool)
    begins[:, 1:] = grouped[:, 1:] != grouped[:, :-1]
    group = np.cumsum(begins.ravel()) - 1
    sums = np.bincount(group, weights=np.take_along_axis(weights, by_class, axis=1).ravel())
    votes = np.full(voted.shape, -1.0)
    rows = np.nonzero(begins)[0]
    # the sort is stable, so a group begins with its nearest neighbour
    votes[rows, by_class[begins]] = sums
    return votes
