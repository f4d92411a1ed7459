"""Logistic regression on a frozen encoder's vectors.

The standard probe of transfer learning (Alain and Bengio, "Understanding Intermediate
Layers Using Linear Classifier Probes", 2016; Kornblith et al., "Do Better ImageNet Models
Transfer Better?", 2019).

Confidence asks two things at once: does the winning class stand out (the largest logit;
Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", 2022), and
is there a training text of that class like this one (cosine similarity to the nearest; Sun
et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022)? Their product m
becomes m / (1 + m). On texts of no known class it separates better than either alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from scipy.special import softmax

from textgraft.bundle import Bundle
from textgraft.core.decision import Rule
from textgraft.core.progress import Progress, Watch
from textgraft.core.scores import Scores, scores_from_dense
from textgraft.encoders import Encoder, as_encoder
from textgraft.methods.base import Features, TextClassifier
from textgraft.methods.evidence import cosines, unit_rows
from textgraft.methods.limits import check_class_count

MOST_ROWS_COMPARED = 1_000
"""Training texts of a class that a text is compared with; bounds the cost of a confidence."""


@dataclass(frozen=True)
class Weights:
    """One linear function a class, and the training vectors as evidence.

    Attributes:
        weight: (c, d) float32.
        bias: (c,) float32.
        evidence: (n, d) float16 rows of length 1.
        codes: (n,) class codes of the training texts.
    """

    weight: np.ndarray
    bias: np.ndarray
    evidence: np.ndarray
    codes: np.ndarray

    @cached_property
    def rows_of_class(self) -> list[np.ndarray]:
        """Rows of each class that a text is compared with: all, or evenly spaced ones of very many."""
        order = np.argsort(self.codes, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(self.codes, minlength=len(self.bias)))[:-1])
        return [
            rows[np.linspace(0, len(rows) - 1, MOST_ROWS_COMPARED).astype(int)]
            if len(rows) > MOST_ROWS_COMPARED
            else rows
            for rows in groups
        ]

    def nearest_of_class(self, vectors: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(n,) cosine similarity of each vector (n, d) to the nearest training text of its class."""
        nearest = np.zeros(len(vectors), dtype=np.float32)
        for code in np.unique(codes):
            asked, stored = np.flatnonzero(codes == code), self.rows_of_class[code]
            nearest[asked] = cosines(vectors[asked], self.evidence[stored]).max(axis=1)
        return nearest


@final
class LinearClassifier(TextClassifier):
    """Multinomial logistic regression over a frozen encoder's vectors.

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

    def _learn(self, features: Features, codes: np.ndarray, n_classes: int, watch: Watch) -> Weights:
        from sklearn.linear_model import LogisticRegression

        check_class_count(self.method, n_classes)
        watch(Progress("learning", 0, 1))
        strength = self.C * np.sqrt(n_classes / 2)
        model = LogisticRegression(C=strength, tol=1e-5, max_iter=1_000)
        with warnings.catch_warnings():
            # many classes of few rows are no sign of regression here
            warnings.filterwarnings("ignore", message="The number of unique classes is greater")
            model.fit(features, codes)
        watch(Progress("learning", 1, 1))
        weight, bias = model.coef_, model.intercept_
        if n_classes == 2:
            # one logit z for two classes is the softmax of -z/2 and z/2
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        # sklearn may hand out Fortran order, whose products differ in the last bit from a reloaded array's
        weight = np.ascontiguousarray(weight)
        return Weights(weight, bias, unit_rows(features).astype(np.float16), codes)

    def _score(self, learned: Weights, features: Features, n_classes: int) -> Scores:
        logits = features @ learned.weight.T + learned.bias
        # all logits of a text may be shifted together without changing any belief
        largest = logits.max(axis=1) - logits.mean(axis=1)
        nearest = learned.nearest_of_class(unit_rows(features), logits.argmax(axis=1))
        margin = largest * np.clip(nearest, 0.0, None)
        return scores_from_dense(softmax(logits, axis=1), margin / (1.0 + margin))

    def _embed(self, learned: Weights, features: Features) -> np.ndarray:
        return unit_rows(features)

    def _pack(self, learned: Weights) -> Bundle:
        arrays = {name: getattr(learned, name) for name in ("weight", "bias", "evidence", "codes")}
        return Bundle({}, arrays, {})

    def _unpack(self, packed: Bundle) -> Weights:
        return Weights(**packed.arrays)
