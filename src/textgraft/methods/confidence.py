"""Confidence of a method that has both logits and vectors.

Does the winning class stand out (the largest logit; Hendrycks et al., "Scaling
Out-of-Distribution Detection for Real-World Settings", 2022), and is there a training text of
that class like this one (cosine similarity to the nearest; Sun et al., "Out-of-Distribution
Detection with Deep Nearest Neighbors", 2022)? Their product m becomes m / (1 + m). On texts of
no known class it separates better than either alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import softmax

from textgraft.core.scores import Scores, scores_from_dense
from textgraft.methods.evidence import cosines

MOST_ROWS_COMPARED = 1_000
"""Training texts of a class that a text is compared with; bounds the cost of a confidence."""


@dataclass(frozen=True)
class ClassEvidence:
    """The training texts, by class.

    Attributes:
        vectors: (n, d) float16 rows of length 1.
        codes: (n,) class codes.
        n_classes: c.
    """

    vectors: np.ndarray
    codes: np.ndarray
    n_classes: int

    @cached_property
    def rows_of_class(self) -> list[np.ndarray]:
        """Rows of each class that a text is compared with: all, or evenly spaced ones of very many."""
        order = np.argsort(self.codes, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(self.codes, minlength=self.n_classes))[:-1])
        return [
            rows[np.linspace(0, len(rows) - 1, MOST_ROWS_COMPARED).astype(int)]
            if len(rows) > MOST_ROWS_COMPARED
            else rows
            for rows in groups
        ]

    def nearest(self, vectors: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(n,) cosine similarity of each vector (n, d) to the nearest training text of its class."""
        nearest = np.zeros(len(vectors), dtype=np.float32)
        for code in np.unique(codes):
            asked, stored = np.flatnonzero(codes == code), self.rows_of_class[code]
            nearest[asked] = cosines(vectors[asked], self.vectors[stored]).max(axis=1)
        return nearest


def scores_of_logits(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> Scores:
    """Belief from logits (n, c), confidence from them and vectors (n, d) of length 1."""
    # all logits of a text may be shifted together without changing any belief
    largest = logits.max(axis=1) - logits.mean(axis=1)
    margin = largest * np.clip(evidence.nearest(vectors, logits.argmax(axis=1)), 0.0, None)
    return scores_from_dense(softmax(logits, axis=1), margin / (1.0 + margin))
