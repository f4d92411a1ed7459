"""Logistic regression on a frozen encoder's vectors.

The standard probe of transfer learning (Alain and Bengio, "Understanding Intermediate
Layers Using Linear Classifier Probes", 2016; Kornblith et al., "Do Better ImageNet Models
Transfer Better?", 2019). Confidence is the largest logit, squashed to 0..1: on texts of
unseen classes it separates better than the largest probability does (Hendrycks et al.,
"Scaling Out-of-Distribution Detection for Real-World Settings", 2022; measured here by
``benchmarks/defaults.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import expit, softmax

from textgraft.bundle import Bundle
from textgraft.core.decision import Rule
from textgraft.core.progress import Watch
from textgraft.core.scores import Scores, scores_from_dense
from textgraft.encoders import Encoder, as_encoder
from textgraft.methods.base import Features, TextClassifier
from textgraft.methods.evidence import unit_rows
from textgraft.methods.limits import check_class_count

SHRINKING_ROWS = 10


@dataclass(frozen=True)
class Weights:
    """One linear function a class, and the training vectors as evidence.

    Attributes:
        weight: (c, d) float64.
        bias: (c,) float64.
        evidence: (n, d) float16 rows of length 1.
    """

    weight: np.ndarray
    bias: np.ndarray
    evidence: np.ndarray


@final
class LinearClassifier(TextClassifier):
    """Multinomial logistic regression over a frozen encoder's vectors.

    Args:
        encoder: a name (``minilm``), a folder, a hub id, or an :class:`Encoder`.
        C: inverse strength of the L2 penalty for two classes; larger fits the training rows closer.
            It grows with the root of the number of classes, since each then has fewer rows of its own.
        standardize: give every dimension of the vectors the same spread before learning.
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
        C: float = 3.0,
        standardize: bool = True,
        reject: Rule | None = None,
        oos_labels: Iterable[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.C = C
        self.standardize = standardize
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = []
        if not isinstance(self.C, int | float) or not self.C > 0:
            faults.append(f"C must be a number above 0, found {self.C!r}")
        if self.standardize not in (True, False):
            faults.append(f"standardize must be True or False, found {self.standardize!r}")
        return faults

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def _learn(self, features: Features, codes: np.ndarray, n_classes: int, watch: Watch) -> Weights:
        from sklearn.linear_model import LogisticRegression

        check_class_count(self.method, n_classes)
        # float64: in float32 the line search stalls before the optimum
        rows = features.astype(np.float64)
        centre, spread = _centre_and_spread(rows) if self.standardize else (0.0, 1.0)
        strength = self.C * np.sqrt(n_classes / 2)
        model = LogisticRegression(C=strength, max_iter=1_000).fit((rows - centre) / spread, codes)
        # folded into the weights, so that scoring takes vectors as they come
        weight = model.coef_ / spread
        bias = model.intercept_ - (weight * centre).sum(axis=1)
        if n_classes == 2:
            # one logit z for two classes is the softmax of -z/2 and z/2
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        # sklearn may hand out Fortran order, whose products differ in the last bit from a reloaded array's
        weight = np.ascontiguousarray(weight)
        return Weights(weight, bias, unit_rows(features).astype(np.float16))

    def _score(self, learned: Weights, features: Features, n_classes: int) -> Scores:
        logits = features @ learned.weight.T + learned.bias
        return scores_from_dense(softmax(logits, axis=1), expit(logits.max(axis=1)))

    def _embed(self, learned: Weights, features: Features) -> np.ndarray:
        return unit_rows(features)

    def _pack(self, learned: Weights) -> Bundle:
        return Bundle({}, {"weight": learned.weight, "bias": learned.bias, "evidence": learned.evidence}, {})

    def _unpack(self, packed: Bundle) -> Weights:
        return Weights(**packed.arrays)


def _centre_and_spread(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and spread (d,) such that scaled rows have length 1 on average, as vectors have.

    Variances are shrunk towards their mean as if by ten more rows, so that a dimension
    that a few rows happen to agree in is not blown up.
    """
    n, d = rows.shape
    variance = rows.var(axis=0)
    shrunk = (n * variance + SHRINKING_ROWS * variance.mean()) / (n + SHRINKING_ROWS)
    return rows.mean(axis=0), np.sqrt(np.maximum(shrunk, np.finfo(np.float64).tiny) * d)
