"""Logistic regression on a frozen encoder's vectors.

The standard probe of transfer learning (Alain and Bengio, "Understanding Intermediate
Layers Using Linear Classifier Probes", 2016; Kornblith et al., "Do Better ImageNet Models
Transfer Better?", 2019).

Confidence: signs of novelty, weighed where the rows are enough
(:mod:`textgraft.methods.confidence.left_out`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import numpy as np
from scipy.special import expit

from textgraft.bundle import Bundle
from textgraft.core.progress import Progress, Watch
from textgraft.core.rules import Rule
from textgraft.core.scores import Scores
from textgraft.encoders import Encoder, as_encoder
from textgraft.methods.base import TextClassifier
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.confidence.fusion import FUSED
from textgraft.methods.confidence.kinds import (
    USUAL,
    Confidence,
    confidence_faults,
    confidence_from_json,
    scores_of_logits,
)
from textgraft.methods.confidence.left_out import Look, can_weigh_outside, made_of
from textgraft.methods.confidence.novelty import Logits, looks_by_logits
from textgraft.methods.evidence import unit_rows
from textgraft.methods.lesson import Features, Lesson
from textgraft.methods.limits import check_class_count
from textgraft.methods.probe import fit_label_probes, fit_probe, strength_of


@dataclass(frozen=True)
class Weights:
    """One linear function a class, and the training vectors as evidence.

    Attributes:
        weight: (c, d) float32.
        bias: (c,) float32.
        evidence: (n, d) float16 rows of length 1.
        codes: (n,) class codes of the training texts, or (n, c) 0/1.
        outside: (o, d) likewise of out-of-scope rows that confidence learned from, perhaps none.
        confidence: what it is made of.
    """

    weight: np.ndarray
    bias: np.ndarray
    evidence: np.ndarray
    codes: np.ndarray
    outside: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float16))
    confidence: Confidence = field(default_factory=Confidence)

    @cached_property
    def of_classes(self) -> ClassEvidence:
        return ClassEvidence(self.evidence, self.codes, len(self.bias), self.outside)

    @property
    def notes(self) -> tuple[str, ...]:
        # of several labels there is no confidence but each one's belief
        return () if self.codes.ndim == 2 else (self.confidence.sentence(),)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(n, c) of vectors (n, d)."""
        return np.asarray(features @ self.weight.T + self.bias)


def rough_look(strength: float) -> Look:
    """Signs of novelty by logits that are learned closely enough to weigh them."""

    def learn(vectors: np.ndarray, codes: np.ndarray) -> Logits:
        weight, bias = fit_probe(vectors, codes, strength, tolerance=1e-3)
        return lambda asked: np.asarray(asked @ weight.T + bias)

    return looks_by_logits(learn)


@final
class LinearClassifier(TextClassifier):
    """Multinomial logistic regression over a frozen encoder's vectors; of several labels, one for each.

    Args:
        encoder: a name (``minilm+lower``), a folder, a hub id, or an :class:`Encoder`.
        C: inverse strength of the L2 penalty for two classes; larger fits the training rows closer.
            It grows with the root of the number of classes, since each then has fewer rows of its own.
        confidence: ``probability``, ``energy``, ``neighbours``, ``mahalanobis``, ``product``, or ``fusion``
            of several; ``auto`` is fusion with 30 out-of-scope rows, or 10 classes of 8 rows, else product.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out.
    """

    method = "linear"

    def __init__(
        self,
        encoder: str | Encoder = "minilm+lower",
        *,
        C: float = 5.0,
        confidence: str = "auto",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.C = C
        self.confidence = confidence
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = confidence_faults(self.confidence)
        if not isinstance(self.C, int | float) or not 0 < self.C < np.inf:
            faults.append(f"C must be a number above 0, found {self.C!r}")
        return faults

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def _learn(self, lesson: Lesson, watch: Watch) -> Weights:
        check_class_count(self.method, lesson.n_classes)
        watch(Progress("learning", 0, 1))
        strength = strength_of(self.C, lesson.n_classes)
        fit = fit_label_probes if lesson.multilabel else fit_probe
        weight, bias = fit(lesson.features, lesson.codes, strength, tolerance=1e-5)
        watch(Progress("learning", 1, 1))
        return Weights(
            weight,
            bias,
            unit_rows(lesson.features).astype(np.float16),
            lesson.codes,
            unit_rows(lesson.outside).astype(np.float16),
            made_of(self.confidence, USUAL, lesson, FUSED, rough_look(strength), self.seed, watch),
        )

    def _can_learn_outside(self, n: int, n_rows: int) -> bool:
        return can_weigh_outside(self.confidence, n)

    def _score(self, learned: Weights, features: Features, n_classes: int) -> Scores:
        vectors = unit_rows(features)
        return scores_of_logits(learned.logits(features), vectors, learned.of_classes, learned.confidence)

    def _believe(self, learned: Weights, features: Features) -> np.ndarray:
        return np.asarray(expit(learned.logits(features).astype(np.float64)))

    def _embed(self, learned: Weights, features: Features) -> np.ndarray:
        return unit_rows(features)

    def _pack(self, learned: Weights) -> Bundle:
        arrays = {name: getattr(learned, name) for name in ("weight", "bias", "evidence", "codes", "outside")}
        return Bundle(learned.confidence.to_json(), arrays, {})

    def _unpack(self, packed: Bundle) -> Weights:
        return Weights(**packed.arrays, confidence=confidence_from_json(packed.about))
