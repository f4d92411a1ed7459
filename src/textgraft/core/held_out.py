"""Rows that a rejection rule is fitted on: how sure a model was of each, and whether it was right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

Source = Literal["none", "held-out", "valid", "cross-fit", "chose"]
"""Where the confidences came from: no rows were needed, a hold-out, a file of the
caller's, cross-fitting (each row scored by a model that did not see it), or a hold-out by which the
model was chosen from others (so that it looks a little better on it than it is)."""


SOURCE_WORDS: dict[Source, str] = {
    "held-out": "held-out rows that the model did not learn from",
    "valid": "rows of the validation file",
    "cross-fit": "rows, each scored by a model that did not see it",
    "chose": "held-out rows that the model did not learn from, but was chosen by",
    "none": "no rows",
}
"""As a sentence says it."""


@dataclass(frozen=True)
class HeldOut:
    """Rows scored by a model that did not learn from them.

    Attributes:
        confidence: (h,) of in-scope rows, ascending.
        correct: (h,) bool, whether the most believed class was theirs; empty if nobody noted it.
        outside: (o,) confidences of out-of-scope rows, ascending.
        source: where the in-scope rows came from.
        n_uncovered_classes: classes of a single row, which could not be held out.
        best, outside_best: (h,) and (o,) codes of the most believed classes; empty if nobody noted them.
    """

    confidence: np.ndarray = field(default_factory=lambda: np.empty(0))
    correct: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    outside: np.ndarray = field(default_factory=lambda: np.empty(0))
    source: Source = "none"
    n_uncovered_classes: int = 0
    best: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    outside_best: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def taken(self) -> bool:
        """Whether it is known of every row which class it was taken for."""
        return len(self.best) == len(self.confidence) and len(self.outside_best) == len(self.outside)

    def taken_for(self, *, outside: bool) -> dict[int, int]:
        """How many rows, with or without those out of scope, were taken for each class, by its code."""
        others = self.outside_best.tolist() if outside else []
        return dict(sorted(Counter([*self.best.tolist(), *others]).items()))

    def of(self, codes: np.ndarray, *, others: bool = False) -> HeldOut:
        """The rows that were taken for these classes, or those that were not."""
        inside = np.isin(self.best, codes, invert=others)
        outside = np.isin(self.outside_best, codes, invert=others)
        return replace(
            self,
            confidence=self.confidence[inside],
            correct=self.correct[inside],
            outside=self.outside[outside],
            best=self.best[inside],
            outside_best=self.outside_best[outside],
        )

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
    best: np.ndarray | None = None,
    outside_best: np.ndarray | None = None,
) -> HeldOut:
    """The same rows in the order of their confidence."""
    order, outside_order = (np.argsort(one, kind="stable") for one in (confidence, outside))
    nobody = np.empty(0, dtype=np.int64)
    return HeldOut(
        confidence[order],
        correct[order],
        outside[outside_order],
        source,
        n_uncovered_classes,
        nobody if best is None else best[order],
        nobody if outside_best is None else outside_best[outside_order],
    )
