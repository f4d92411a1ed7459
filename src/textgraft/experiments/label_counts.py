"""Scores of several labels a text, from how often each label is true, given, and both.

They are those of Tsoumakas, Katakis and Vlahavas, "Mining Multi-label Data", 2010.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelCounts:
    """Rows of each of c labels; they may be weighed.

    Attributes:
        hits, support, predicted: (c,) rows where it is true and given, true, given.
        rows: how many there are.
    """

    hits: np.ndarray
    support: np.ndarray
    predicted: np.ndarray
    rows: int

    @classmethod
    def of(cls, true: np.ndarray, given: np.ndarray) -> LabelCounts:
        """From (n, c) bool."""
        hits, support, predicted = (one.sum(axis=0) for one in (true & given, true, given))
        return cls(hits, support, predicted, len(true))

    @property
    def precision(self) -> np.ndarray:
        """(c,) of the rows given a label, how many have it; 0 of none."""
        return _shares(self.hits, self.predicted)

    @property
    def recall(self) -> np.ndarray:
        """(c,) of the rows that have a label, how many are given it; 0 of none."""
        return _shares(self.hits, self.support)

    @property
    def f1(self) -> np.ndarray:
        """(c,) harmonic mean of the two."""
        return _shares(2 * self.hits, self.support + self.predicted)

    @property
    def there(self) -> np.ndarray:
        """(c,) whether a label is true or given somewhere."""
        there: np.ndarray = self.support + self.predicted > 0
        return there

    def scores(self) -> dict[str, float]:
        """Scores over all labels, by name; the mean of F1 is over those that are true or given somewhere."""
        # in float64, as sums of weights of many labels are no longer exact in float32
        hits, support, predicted = (
            one.sum(dtype=np.float64) for one in (self.hits, self.support, self.predicted)
        )
        return {
            "micro_f1": float(_shares(2 * hits, support + predicted)),
            "micro_precision": float(_shares(hits, predicted)),
            "micro_recall": float(_shares(hits, support)),
            "macro_f1": float(self.f1[self.there].mean()) if self.there.any() else 0.0,
            "hamming_loss": float((support + predicted - 2 * hits) / (self.rows * len(self.support))),
        }


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Parts of wholes; 0 of nothing, as scikit-learn has it."""
    shares: np.ndarray = np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)
    return shares
