"""Signs of novelty weighed against one another by rows of which it is known whether they are new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

FUSED = ("margin", "nearest", "product", "mahalanobis")
"""Signs that are weighed: chosen on training rows of three data sets (``benchmarks/novelty.py``)."""


@dataclass(frozen=True)
class Fusion:
    """A linear function of signs.

    Attributes:
        signs: s names of :data:`textgraft.methods.novelty.SIGNS`.
        middle, spread, weight: (s,) each; a sign counts ``weight`` for every ``spread`` above ``middle``.
        bias: added to the sum.
    """

    signs: tuple[str, ...]
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float

    def familiarity(self, values: np.ndarray) -> np.ndarray:
        """(n,) from 0 to 1 of signs (n, s): near 1 where texts are like those known."""
        scaled = (values - np.array(self.middle)) / np.array(self.spread)
        return np.asarray(expit(scaled @ np.array(self.weight) + self.bias))


def fusion_from_json(plain: Mapping[str, Any]) -> Fusion:
    """The inverse of :func:`dataclasses.asdict`, after a file has made tuples lists."""
    return Fusion(
        signs=tuple(plain["signs"]),
        middle=tuple(plain["middle"]),
        spread=tuple(plain["spread"]),
        weight=tuple(plain["weight"]),
        bias=float(plain["bias"]),
    )


def fit_fusion(names: Sequence[str], known: np.ndarray, new: np.ndarray) -> Fusion:
    """Logistic regression of signs (n, s) of known and (m, s) of new texts, both counting alike.

    Neither may have been learned from by what gave the signs.
    """
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([known, new])
    is_known = np.arange(len(values)) < len(known)
    middle, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    counts = np.where(is_known, 0.5 / len(known), 0.5 / len(new)) * len(values)
    model = LogisticRegression(C=1.0, max_iter=1_000).fit((values - middle) / spread, is_known, counts)
    return Fusion(
        signs=tuple(names),
        middle=tuple(middle.tolist()),
        spread=tuple(spread.tolist()),
        weight=tuple(model.coef_[0].tolist()),
        bias=float(model.intercept_[0]),
    )
