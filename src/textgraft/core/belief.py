"""Belief that means what it says: of texts believed at 80 %, four of five should be right.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017: beliefs are raised
to the power 1 / temperature and made to sum to 1 again. A small share is spread evenly over all
classes, since neighbours that all agree would otherwise be believed without any doubt. Neither
changes which class is believed most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from textgraft.core.held_out import SOURCE_WORDS, Source
from textgraft.core.scores import Scores

BINS = 15
"""Of equal width, as Guo et al. have them."""


@dataclass(frozen=True)
class Belief:
    """How a method's own belief is corrected.

    Attributes:
        temperature: above 1 where the method is too sure of itself, below 1 where it is not sure enough.
        floor: share spread evenly over all classes.
        rows: held-out rows that both were fitted on; 0 where belief is the method's own.
        error_before: expected calibration error of the method's own belief on these rows.
        error_after: likewise corrected, each half of the rows by what the other half says.
        source: where the rows came from; of older models, which did not note it, a hold-out.
    """

    temperature: float = 1.0
    floor: float = 0.0
    rows: int = 0
    error_before: float | None = None
    error_after: float | None = None
    source: Source = "held-out"

    def sentence(self) -> str:
        """What was done, in one sentence."""
        if not self.rows:
            return "Belief is the method's own: no held-out rows were there to correct it by."
        return (
            f"Belief was calibrated on {self.rows:,} {SOURCE_WORDS[self.source]} (temperature "
            f"{self.temperature:.3g}, {100 * self.floor:.2g} % spread over all classes): expected "
            f"calibration error {self.error_before:.3f} before, {self.error_after:.3f} after."
        )


def corrected(scores: Scores, belief: Belief) -> Scores:
    """The same classes in the same order, with corrected belief beside their own; confidence stays."""
    if not belief.rows:
        return scores
    values = tempered(scores.values, belief.temperature, belief.floor, scores.n_classes)
    return replace(scores, values=np.where(scores.codes >= 0, values, 0.0), uncorrected=scores.values)


def tempered(values: np.ndarray, temperature: float, floor: float, n_classes: int) -> np.ndarray:
    """Belief (n, k) in k of c classes, sharpened or flattened, of which a share goes to all c alike.

    Classes that are not among the k are believed with ``floor / c`` each.
    """
    # by the largest, so that no power is too small for a number
    powers = (values / values[:, :1]) ** (1.0 / temperature)
    shares = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - floor) * shares + floor / n_classes)


@dataclass(frozen=True)
class Bin:
    """Texts that were believed alike.

    Attributes:
        belief: mean belief in the most believed class.
        right: share of them whose class it was.
        rows: how many.
    """

    belief: float
    right: float
    rows: int


def reliability(belief: np.ndarray, correct: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """Texts grouped by belief (n,) in the most believed class, and the share correct (n,) of each group.

    Groups without a text are left out.
    """
    numbers = np.clip((belief * bins).astype(int), 0, bins - 1)
    return tuple(
        Bin(float(belief[inside].mean()), float(correct[inside].mean()), int(inside.sum()))
        for inside in (numbers == number for number in range(bins))
        if inside.any()
    )


def calibration_error(belief: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of belief and share correct over groups of like belief.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015.
    """
    groups = reliability(belief, correct, bins)
    return sum(one.rows * abs(one.belief - one.right) for one in groups) / max(1, len(belief))
