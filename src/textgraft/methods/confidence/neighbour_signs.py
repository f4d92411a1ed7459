"""Signs that a text is like those learned from, or new, as its nearest neighbours tell them.

Each is one number a text, larger is surer. Unlike those of :mod:`textgraft.methods.confidence.novelty` they
need neither logits nor a pass over the training texts of a class: with tens of thousands of classes a search
is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.core.neighbours import Neighbours
from textgraft.core.scores import Scores
from textgraft.methods.confidence.class_evidence import NEIGHBOURS, mean_of_nearest

VOTED = ("similarity", "belief", "neighbours", "around")
"""Signs that are weighed: chosen on training rows of two data sets (``benchmarks/novelty.py choice:knn``)."""


@dataclass(frozen=True)
class SeenByVoters:
    """n texts beside the training texts that vote on them; each sign is (n,).

    Attributes:
        voters: their nearest training texts.
        scores: what these vote for.
        vectors: (n, d) of length 1.
        strange: (o, d) likewise of out-of-scope rows that were learned from, perhaps none.
    """

    voters: Neighbours
    scores: Scores
    vectors: np.ndarray
    strange: np.ndarray

    @property
    def similarity(self) -> np.ndarray:
        """To the nearest training text of the winning class."""
        return self.scores.confidence

    @property
    def belief(self) -> np.ndarray:
        """Share of the votes that the winning class has."""
        return np.asarray(self.scores.values[:, 0])

    @property
    def neighbours(self) -> np.ndarray:
        """Mean similarity to the nearest training texts of any class (Sun et al., 2022)."""
        return np.asarray(self.voters.similarities[:, :NEIGHBOURS].mean(axis=1))

    @property
    def around(self) -> np.ndarray:
        """Mean similarity to all that vote: whether it lies where there are many texts, or few."""
        return np.asarray(self.voters.similarities.mean(axis=1))

    @property
    def outside(self) -> np.ndarray:
        """Unlikeness to the nearest out-of-scope row that was learned from."""
        return -mean_of_nearest(self.vectors, self.strange, 1)


def voted_signs(names: Sequence[str], seen: SeenByVoters) -> np.ndarray:
    """(n, s) float64, one column a name."""
    return np.stack([getattr(seen, name) for name in names], axis=1).astype(np.float64)
