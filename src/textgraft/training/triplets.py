"""Learning from triplets: a row should be nearer to its own class than to others, by a margin.

Schroff, Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and
Clustering", 2015: triplets are chosen inside a batch of P classes with K rows each, so no list
of triplets is ever made. Compared with the contrastive loss in :mod:`textgraft.training.losses`,
a row far enough from others costs nothing, so classes are not pushed further apart than the margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from textgraft.training.loop import Batches

B = TypeVar("B")


def semi_hard_triplet_loss(vectors: Tensor, codes: Tensor, margin: float = 0.4) -> Tensor:
    """Mean of max(0, d(a, p) − d(a, n) + margin) over all pairs (a, p) of one class in the batch.

    d is the cosine distance, from 0 to 2. The negative n of a pair is the nearest row of another
    class that is farther from a than p is (FaceNet, section 3.2), else the farthest one there
    is: nearer ones are so hard that early in training all rows collapse to one point.
    A batch without a pair or without a negative costs 0. Memory grows with b², not b³.

    Args:
        vectors: (…, b, d) of any length; leading dimensions are averaged over.
        codes: (b,) class codes.
        margin: distance by which classes should lie apart.
    """
    unit = F.normalize(vectors.float(), dim=-1)
    distances = 1.0 - unit @ unit.transpose(-1, -2)
    same = codes[:, None] == codes[None, :]
    n_negatives = (~same).sum(1)
    pairs = same & ~torch.eye(len(codes), dtype=torch.bool, device=codes.device)
    pairs = pairs & (n_negatives > 0)[:, None]
    if not bool(pairs.any()):
        return distances.sum() * 0.0
    negatives, _ = distances.masked_fill(same, torch.inf).sort(dim=-1)
    farther = torch.searchsorted(negatives.detach(), distances.detach(), right=True)
    place = torch.minimum(farther, (n_negatives - 1).clamp(min=0)[:, None])
    each = F.relu(distances - negatives.gather(-1, place) + margin)
    return each[..., pairs].mean()


@dataclass(frozen=True)
class BalancedBatches(Generic[B]):
    """Rows of other batches, drawn anew: about P classes a step with up to K rows of each.

    An epoch has as many steps as it takes to see as many rows as there are; rows of small classes
    come more often than those of large ones. A class of one row gives it twice: under dropout
    these are two views of it (Gao et al., "SimCSE", 2021), so that it too can be learned.

    Attributes:
        rows: gives the batch of some row numbers.
        codes: (n,) class codes; some codes may be missing.
        n_classes: P, at least 2; more where most classes have less than K rows, so that a step has
            about P × K rows.
        n_rows: K, at least 2.
        seed: of the order.
    """

    rows: Batches[B]
    codes: np.ndarray
    n_classes: int
    n_rows: int
    seed: int

    @cached_property
    def _counts(self) -> np.ndarray:
        """Rows of each class that has any."""
        return np.unique(self.codes, return_counts=True)[1]

    def steps(self, epoch: int) -> list[list[np.ndarray]]:
        """Row numbers of each step; every class comes as often as any other, up to one time."""
        random = np.random.default_rng([self.seed, epoch])
        counts = self._counts
        starts = np.cumsum(counts) - counts
        # rows of a class side by side, in random order within it
        order = np.lexsort((random.random(len(self.codes)), self.codes))
        taken = np.clip(counts, 2, self.n_rows)
        together = max(self.n_classes, int(self.n_classes * self.n_rows / taken.mean()))
        n_parts = max(1, len(counts) // together)
        a_step = taken.mean() * len(counts) / n_parts
        made: list[list[np.ndarray]] = []
        for step in range(max(1, round(len(self.codes) / a_step))):
            turn, part = divmod(step, n_parts)
            if part == 0:
                parts = np.array_split(random.permutation(len(counts)), n_parts)
            chosen = parts[part]
            place = turn * self.n_rows + np.arange(self.n_rows)
            rows = order[starts[chosen, None] + place % counts[chosen, None]]
            made.append([rows[np.arange(self.n_rows) < taken[chosen, None]]])
        return made

    @property
    def fewest(self) -> int:
        """K + 1: rows of a class lie side by side, so two of them are of one class, and one is of another."""
        return self.n_rows + 1

    def take(self, rows: np.ndarray, epoch: int) -> B:
        return self.rows.take(rows, epoch)
