"""Signs that a text is like those learned from, or that it is new: each one number a text, larger is surer.

No sign is best everywhere. A logit says whether a class stands out, a distance whether such a text was
ever seen, and a text can be odd in one way alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp, softmax

from textgraft.methods.class_evidence import ClassEvidence

Sign = Callable[[np.ndarray, np.ndarray, ClassEvidence], np.ndarray]
"""Of logits (n, c) and vectors (n, d) of length 1, beside the training texts: (n,)."""


def probability(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Of the most believed class (Hendrycks and Gimpel, 2017)."""
    return np.asarray(softmax(logits, axis=1).max(axis=1))


def energy(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Of all classes together (Liu et al., "Energy-based Out-of-distribution Detection", 2020)."""
    return np.asarray(logsumexp(centred(logits), axis=1))


def margin(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """How far the largest logit stands out (Hendrycks et al., 2022)."""
    return np.asarray(centred(logits).max(axis=1))


def nearest(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Similarity to the nearest training text of the most believed class."""
    return np.asarray(np.clip(evidence.nearest(vectors, logits.argmax(axis=1)), 0.0, None))


def product(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """:func:`margin` × :func:`nearest`."""
    return np.asarray(margin(logits, vectors, evidence) * nearest(logits, vectors, evidence))


def neighbours(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Mean similarity to the nearest training texts of any class (Sun et al., 2022)."""
    return np.asarray(evidence.neighbours(vectors))


def mahalanobis(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Nearness to a class in the shape that classes have (Ren et al., 2021)."""
    return np.asarray(evidence.gaussians.nearness(vectors))


def outside(logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
    """Unlikeness to the nearest out-of-scope row that was learned from."""
    return -evidence.nearest_outside(vectors)


SIGNS: dict[str, Sign] = {
    "probability": probability,
    "energy": energy,
    "neighbours": neighbours,
    "mahalanobis": mahalanobis,
    "product": product,
    "margin": margin,
    "nearest": nearest,
    "outside": outside,
}
"""Name → sign."""


def centred(logits: np.ndarray) -> np.ndarray:
    """Logits (n, c) less their mean: all of a text may be shifted together without changing any belief."""
    return np.asarray(logits - logits.mean(axis=1, keepdims=True))


def signs(
    names: tuple[str, ...], logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence
) -> np.ndarray:
    """(n, s) float64, one column a name."""
    columns = [SIGNS[name](logits, vectors, evidence) for name in names]
    return np.stack(columns, axis=1).astype(np.float64)
