"""Rows that a rejection rule is fitted on: how sure a model was of each, and whether it was right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Source = Literal["none", "held-out", "valid", "cross-fit"]
"""Where the confidences came from: no rows were needed, a hold-out, a file of the
caller's, or cross-fitting (each row scored by a model that did not see it)."""


@dataclass(frozen=True)
class HeldOut:
    """Rows scored by a model that did not learn from them.

    Attributes:
        confidence: (h,) of in-scope rows, ascending.
        correct: (h,) bool, whether the most believed class was theirs; empty if nobody noted it.
        outside: (o,) confidences of out-of-scope rows, ascending.
        source: where the in-scope rows came from.
        n_uncovered_classes: classes of a single row, which could not be held out.
    """

    confidence: np.ndarray = field(default_factory=lambda: np.empty(0))
    correct: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    outside: np.ndarray = field(default_factory=lambda: np.empty(0))
    source: Source = "none"
    n_uncovered_classes: int = 0

    @property
    def judged(self) -> bool:
        """Whether it is known of every row if it was answered rightly."""
        return len(self.correct) == len(self.confidence)


def held_out(
    confidence: np.ndarray,
    correct: np.ndarray,
    outside: np.ndarray,
    source: Source,
    n_uncovered_classes: int = 0,
) -> HeldOut:
    """The same rows in the order of their confidence."""
    order = np.argsort(confidence, kind="stable")
    return HeldOut(confidence[order], correct[order], np.sort(outside), source, n_uncovered_classes)
