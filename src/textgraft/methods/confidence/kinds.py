"""Confidence of a method that has both logits and vectors: one sign of novelty, or several weighed.

The usual one, ``product``: does the winning class stand out (the largest logit; Hendrycks et al.,
"Scaling Out-of-Distribution Detection for Real-World Settings", 2022), and is there a training text
of that class like this one (cosine similarity to the nearest; Sun et al., "Out-of-Distribution
Detection with Deep Nearest Neighbors", 2022)? On texts of no known class it separates better than
either alone. What is better still where it can be had is ``fusion``: see
:mod:`textgraft.methods.confidence.left_out`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from textgraft.core.scores import Scores, scores_from_dense
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.confidence.fusion import Fusion, fusion_from_json
from textgraft.methods.confidence.novelty import Seen, signs

USUAL = "product"

ALONE = ("probability", "energy", "neighbours", "mahalanobis", USUAL)
"""Signs that can be a confidence by themselves."""

CONFIDENCES = ("auto", "fusion", *ALONE)
"""What the parameter ``confidence`` can be."""


def _share(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / (1.0 + values))


_BOUNDED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "energy": _share,
    "product": _share,
    "mahalanobis": expit,
}
"""Signs that have no bounds, brought between 0 and 1 in the same order."""


@dataclass(frozen=True)
class Confidence:
    """What a confidence is made of.

    Attributes:
        sign: one of :data:`ALONE`, or ``fusion``; of neighbours that vote, ``similarity`` or ``fusion``.
        fusion: the weights, where there are any.
    """

    sign: str = USUAL
    fusion: Fusion | None = None

    def of(self, logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence) -> np.ndarray:
        """(n,) of logits (n, c) and vectors (n, d) of length 1; larger is surer, never below −1."""
        if self.fusion is not None:
            return self.fusion.familiarity(signs(self.fusion.signs, logits, vectors, evidence))
        values: np.ndarray = getattr(Seen(logits, vectors, evidence), self.sign)
        return _BOUNDED[self.sign](values) if self.sign in _BOUNDED else values

    def sentence(self) -> str:
        """What it is made of, for a person."""
        if self.fusion is None:
            return f"Confidence: {self.sign}."
        *others, last = self.fusion.signs
        by_outside = last == "outside"
        by_classes = len(self.fusion.bias) > by_outside
        by = ["classes left out of learning"] * by_classes + ["out-of-scope rows"] * by_outside
        return f"Confidence: {', '.join(others)} and {last}, weighed by {' and by '.join(by)}."

    def to_json(self) -> dict[str, Any]:
        """As a model folder keeps it."""
        return {"confidence": asdict(self)}


def confidence_from_json(about: Mapping[str, Any]) -> Confidence:
    """The inverse of :meth:`Confidence.to_json`; models of before there was a choice have the usual one."""
    plain = about.get("confidence")
    if plain is None:
        return Confidence()
    return Confidence(plain["sign"], None if plain["fusion"] is None else fusion_from_json(plain["fusion"]))


def scores_of_logits(
    logits: np.ndarray, vectors: np.ndarray, evidence: ClassEvidence, confidence: Confidence
) -> Scores:
    """Belief from logits (n, c), confidence from them and vectors (n, d) of length 1."""
    return scores_from_dense(softmax(logits, axis=1), confidence.of(logits, vectors, evidence))


def confidence_faults(confidence: object, known: tuple[str, ...] = CONFIDENCES) -> list[str]:
    """Of the parameter.

    A trained network has only signs :data:`ALONE`: to weigh them, it would have to be trained several times.
    """
    if confidence in known:
        return []
    return [f"confidence must be one of {', '.join(known)}, found {confidence!r}"]
