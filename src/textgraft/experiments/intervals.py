"""Bootstrap intervals for scores of several methods on the same rows, and for their differences.

Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979: seeds are drawn with replacement,
and rows within them, and the middle 95 % of the scores of a thousand such draws is the interval.
Every method sees the same draw, so a difference keeps what their rows have in common.

Draws from rows that are all right are all right too, and from few rows that proves little. So no score is
known better than a share of as many rows (Wilson, 1927), and where all draws of a difference agree it is
known to 3 / n: what happens to none of n rows may yet happen to so many (Hanley and Lippman-Hand, "If
Nothing Goes Wrong, Is Everything All Right?", 1983).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.core.binomial import wilson_interval

DRAWS = 1_000
COVERS = 0.95

Arm = tuple[str, str]
"""A method and a number of labels."""

Score = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""Of true codes (m,), predicted codes (m,) and weights (m,)."""


@dataclass(frozen=True)
class Interval:
    """A value, and between which it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Resampled:
    """Scores of arms under the same draws.

    Attributes:
        arms: what was scored, in order.
        values: (a, s) scores by arm and seed; NaN where there is none.
        drawn: (b, a, s) the same for b draws; the last axis is the seeds drawn.
        n_rows: different rows that were scored.
    """

    arms: tuple[Arm, ...]
    values: np.ndarray
    drawn: np.ndarray
    n_rows: int

    def contrast(self, shares: Mapping[Arm, float]) -> Interval:
        """The sum of some arms' scores, each times its share, over the seeds that all of them have.

        Args:
            shares: 1 of a single arm for its score; else a difference, whose shares sum to 0.
        """
        at = [self.arms.index(arm) for arm in shares]
        share = np.array(list(shares.values()))
        value = np.einsum("as,a->s", self.values[at], share)
        drawn = np.einsum("bas,a->bs", self.drawn[:, at], share)
        with warnings.catch_warnings():
            # a draw of failed seeds alone has no mean, and is left out
            warnings.simplefilter("ignore", RuntimeWarning)
            low, high = np.nanquantile(np.nanmean(drawn, axis=1), [(1 - COVERS) / 2, (1 + COVERS) / 2])
        middle = float(np.nanmean(value))
        if len(shares) == 1:
            floor = wilson_interval(middle, self.n_rows)
            return Interval(middle, min(float(low), floor[0]), max(float(high), floor[1]))
        # the most that one row can add
        most = float(share[share > 0].sum())
        if high - low < 1e-9:
            few = most * min(1.0, 3 / self.n_rows)
            low, high = max(-most, middle - few), min(most, middle + few)
        return Interval(middle, float(low), float(high))


def resample(
    truth: Sequence[np.ndarray],
    predicted: Mapping[Arm, Mapping[int, np.ndarray]],
    score: Score,
    *,
    same_rows: bool,
    n_rows: int,
    n_draws: int = DRAWS,
    seed: int = 0,
) -> Resampled:
    """Score arms on the rows as they are, and on rows and seeds drawn with replacement.

    Args:
        truth: by seed, true codes (m,).
        predicted: by arm and seed, predicted codes (m,); a seed may be missing.
        score: of one seed's rows.
        same_rows: whether every seed has the same rows, which are then drawn once for all.
        n_rows: different rows among those of all seeds.
        n_draws: how many.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    arms, n_seeds = tuple(predicted), len(truth)

    def scored(at: int, weights: np.ndarray) -> list[float]:
        return [
            score(truth[at], of_seed[at], weights) if at in of_seed else np.nan
            for of_seed in predicted.values()
        ]

    values = np.array([scored(at, np.ones(len(rows))) for at, rows in enumerate(truth)]).T
    drawn = np.empty((n_draws, len(arms), n_seeds))
    for number in range(n_draws):
        weights = None
        for place, at in enumerate(random.integers(0, n_seeds, n_seeds)):
            if weights is None or not same_rows:
                m = len(truth[at])
                weights = np.bincount(random.integers(0, m, m), minlength=m).astype(float)
            drawn[number, :, place] = scored(int(at), weights)
    return Resampled(arms, values, drawn, n_rows)


def accuracy(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """Share of the weight on rows that are right."""
    return float(weights @ (truth == predicted) / weights.sum())


def macro_f1(
    truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray, no_class: Sequence[int] | np.ndarray = ()
) -> float:
    """Mean F1 of the classes that are true or predicted on rows of some weight, ``no_class`` left out."""
    n_classes = int(max(truth.max(), predicted.max())) + 1
    right = np.bincount(truth, weights * (truth == predicted), n_classes)
    both = np.bincount(truth, weights, n_classes) + np.bincount(predicted, weights, n_classes)
    there = both > 0
    there[np.asarray(no_class, dtype=np.int64)] = False
    return float(np.mean(2 * right[there] / both[there]))


METRICS: dict[str, Score] = {"accuracy": accuracy, "macro-f1": macro_f1}
