"""Logistic regression on a frozen encoder's vectors.

The standard probe of transfer learning (Alain and Bengio, "Understanding Intermediate
Layers Using Linear Classifier Probes", 2016; Kornblith et al., "Do Better ImageNet Models
Transfer Better?", 2019).

Confidence: see :mod:`textgraft.methods.confidence`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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
from textgraft.methods.confidence import ClassEvidence, scores_of_logits
from textgraft.methods.evidence import unit_rows
from textgraft.methods.lesson import Features, Lesson
from textgraft.methods.limits import check_class_count
from textgraft.methods.probe import fit_label_probes, fit_probe


@dataclass(frozen=True)
class Weights:
    """One linear function a class, and the training vectors as evidence.

    Attributes:
        weight: (c, d) float32.
        bias: (c,) float32.
        evidence: (n, d) float16 rows of length 1.
        codes: (n,) class codes of the training texts, or (n, c) 0/1.
    """

    weight: np.ndarray
    bias: np.ndarray
    evidence: np.ndarray
    codes: np.ndarray

    @cached_property
    def of_classes(self) -> ClassEvidence:
        return ClassEvidence(self.evidence, self.codes, len(self.bias))


@final
class LinearClassifier(TextClassifier):
    """Multinomial logistic regression over a frozen encoder's vectors; of several labels, one for each.

    Args:
        encoder: a name (``minilm``), a folder, a hub id, or an :class:`Encoder`.
        C: inverse strength of the L2 penalty for two classes; larger fits the training rows closer.
            It grows with the root of the number of classes, since each then has fewer rows of its own.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out.
    """

    method = "linear"

    def __init__(
        self,
        encoder: str | Encoder = "minilm",
        *,
        C: float = 5.0,
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.C = C
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        if not isinstance(self.C, int | float) or not 0 < self.C < np.inf:
            return [f"C must be a number above 0, found {self.C!r}"]
        return []

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def _learn(self, lesson: Lesson, watch: Watch) -> Weights:
        check_class_count(self.method, lesson.n_classes)
        watch(Progress("learning", 0, 1))
        strength = self.C * np.sqrt(max(2, lesson.n_classes) / 2)
        fit = fit_label_probes if lesson.multilabel else fit_probe
        weight, bias = fit(lesson.features, lesson.codes, strength, tolerance=1e-5)
        watch(Progress("learning", 1, 1))
        return Weights(weight, bias, unit_rows(lesson.features).astype(np.float16), lesson.codes)

    def _score(self, learned: Weights, features: Features, n_classes: int) -> Scores:
        logits = features @ learned.weight.T + learned.bias
        return scores_of_logits(logits, unit_rows(features), learned.of_classes)

    def _believe(self, learned: Weights, features: Features) -> np.ndarray:
        return np.asarray(expit((features @ learned.weight.T + learned.bias).astype(np.float64)))

    def _embed(self, learned: Weights, features: Features) -> np.ndarray:
        return unit_rows(features)

    def _pack(self, learned: Weights) -> Bundle:
        arrays = {name: getattr(learned, name) for name in ("weight", "bias", "evidence", "codes")}
        return Bundle({}, arrays, {})

    def _unpack(self, packed: Bundle) -> Weights:
        return Weights(**packed.arrays)
