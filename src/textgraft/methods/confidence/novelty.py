"""Signs that a text is like those learned from, or that it is new: each one number a text, larger is surer.

No sign is best everywhere. A logit says whether a class stands out, a distance whether such a text was
ever seen, and a text can be odd in one way alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.special import logsumexp, softmax

from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.evidence import unit_rows

if TYPE_CHECKING:
    from textgraft.methods.confidence.left_out import Look

SIGNS = ("probability", "energy", "neighbours", "mahalanobis", "product", "margin", "nearest", "outside")
"""What :class:`Seen` has, by name."""

Logits: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Of vectors (n, d): (n, c)."""


@dataclass(frozen=True)
class Seen:
    """n texts beside the training texts; each sign is (n,), and computed once.

    Attributes:
        logits: (n, c).
        vectors: (n, d) of length 1.
        evidence: the training texts.
    """

    logits: np.ndarray
    vectors: np.ndarray
    evidence: ClassEvidence

    @cached_property
    def probability(self) -> np.ndarray:
        """Of the most believed class (Hendrycks and Gimpel, 2017)."""
        return np.asarray(softmax(self.logits, axis=1).max(axis=1))

    @cached_property
    def energy(self) -> np.ndarray:
        """Of all classes together (Liu et al., "Energy-based Out-of-distribution Detection", 2020)."""
        return np.asarray(logsumexp(self._centred, axis=1))

    @cached_property
    def margin(self) -> np.ndarray:
        """How far the largest logit stands out (Hendrycks et al., 2022)."""
        return np.asarray(self._centred.max(axis=1))

    @cached_property
    def nearest(self) -> np.ndarray:
        """Similarity to the nearest training text of the most believed class."""
        own = self.evidence.nearest(self.vectors, self.logits.argmax(axis=1))
        return np.asarray(np.clip(own, 0.0, None))

    @cached_property
    def product(self) -> np.ndarray:
        """:attr:`margin` × :attr:`nearest`."""
        return np.asarray(self.margin * self.nearest)

    @cached_property
    def neighbours(self) -> np.ndarray:
        """Mean similarity to the nearest training texts of any class (Sun et al., 2022)."""
        return np.asarray(self.evidence.neighbours(self.vectors))

    @cached_property
    def mahalanobis(self) -> np.ndarray:
        """Nearness to a class in the shape that classes have (Ren et al., 2021)."""
        return np.asarray(self.evidence.gaussians.nearness(self.vectors))

    @cached_property
    def outside(self) -> np.ndarray:
        """Unlikeness to the nearest out-of-scope row that was learned from."""
        return -self.evidence.nearest_outside(self.vectors)

    @cached_property
    def _centred(self) -> np.ndarray:
        """Logits less their mean: all of a text may be shifted together without changing any belief."""
        return np.asarray(self.logits - self.logits.mean(axis=1, keepdims=True))


def signs(
    names: Sequence[str], logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence
) -> np.ndarray:
    """(n, s) float64, one column a name."""
    seen = Seen(logits, vectors, evidence)
    return np.stack([getattr(seen, name) for name in names], axis=1).astype(np.float64)


def looks_by_logits(learn: Callable[[np.ndarray, np.ndarray], Logits]) -> Look:
    """Signs by what learns logits from vectors and codes 0 … c − 1, each of which occurs."""

    def look(
        names: tuple[str, ...], taught: np.ndarray, codes: np.ndarray, outside: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray]:
        logits_of = learn(taught, codes)
        evidence = ClassEvidence(
            unit_rows(taught).astype(np.float16),
            codes,
            int(codes.max()) + 1,
            unit_rows(outside).astype(np.float16),
        )
        return lambda asked: signs(names, logits_of(asked), unit_rows(asked), evidence)

    return look
