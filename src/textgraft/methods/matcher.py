"""What the method ``pair`` learned: how it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from textgraft.core.neighbours import Neighbours, vote
from textgraft.core.scores import Scores
from textgraft.encoders.encoder import Encoder
from textgraft.methods.evidence import unit_rows
from textgraft.search.index import Index

if TYPE_CHECKING:
    from textgraft.networks.matching import Passages, Scorer, TunedVectors
    from textgraft.training.records import Training

SCORER_ALONE = (0.0, 0.0, 1.0)
"""The mixture that takes a scorer's log-odds as they are."""


@dataclass(frozen=True)
class Matcher:
    """What answers whether two texts say the same.

    Attributes:
        index: vectors of the training texts, and how to find the nearest.
        codes: (n,) their class codes.
        texts: the training texts if the scorer reads them, else none.
        encoder: makes vectors of texts; frozen, or trained.
        scorer: scores a text with each of its candidates.
        mix: (3,) log-odds are mix[0] + mix[1] × cosine + mix[2] × the scorer's.
        changed: tensors that training changed, ``encoder.…`` and ``scorer.…``.
        training: how it came to be.
    """

    index: Index
    codes: np.ndarray
    texts: list[str]
    encoder: Encoder | TunedVectors
    scorer: Scorer
    mix: np.ndarray
    changed: dict[str, np.ndarray]
    training: Training

    @property
    def evidence(self) -> np.ndarray:
        return self.index.vectors

    def vectors(self, texts: list[str]) -> np.ndarray:
        """Rows (n, d) of length 1."""
        return unit_rows(self.encoder.encode(texts))

    def scores(self, texts: list[str], k: int, n_classes: int) -> Scores:
        """Votes of the k nearest training texts with their odds, and the probability of the best one."""
        from textgraft.networks.matching import Passages

        ranked = self._ranked(Passages(texts, self.vectors(texts)), k)
        # at temperature 1 a candidate's vote weighs exp(log-odds), its odds
        scores = vote(ranked, self.codes, n_classes, 1.0)
        return replace(scores, confidence=_probability(scores.confidence))

    def _ranked(self, asked: Passages, k: int) -> Neighbours:
        """Candidates with their log-odds, likeliest first."""
        from textgraft.networks.matching import Passages

        near = self.index.search(asked.vectors, k)
        stored = Passages(self.texts, self.index.vectors)
        shift, by_cosine, by_scorer = self.mix
        odds = self.scorer.odds(asked, stored, near.positions).astype(np.float64)
        odds = shift + by_cosine * near.similarities + by_scorer * odds
        order = np.argsort(-odds, axis=1, kind="stable")
        return Neighbours(
            np.take_along_axis(near.positions, order, axis=1), np.take_along_axis(odds, order, axis=1)
        )


def mixture(
    scorer: Scorer,
    index: Index,
    kept: tuple[Passages, np.ndarray],
    asked: tuple[Passages, np.ndarray],
    k: int,
) -> np.ndarray:
    """(3,) how to mix a scorer and the cosine, by what they say of rows not learned from.

    Args:
        scorer: as training left it.
        index: over the vectors of ``kept``.
        kept: rows learned from, and their class codes.
        asked: rows not learned from, and their class codes.
        k: candidates of each.
    """
    from textgraft.training.pairs import mixed_on

    near = index.search(asked[0].vectors, k)
    odds = scorer.odds(asked[0], kept[0], near.positions)
    same = kept[1][near.positions] == asked[1][:, None]
    return mixed_on(near.similarities.ravel(), odds.ravel(), same.ravel())


def _probability(log_odds: np.ndarray) -> np.ndarray:
    """(n,) in (0, 1); log-odds beyond ±30 are taken for that, so that none becomes exactly 1."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0))))
