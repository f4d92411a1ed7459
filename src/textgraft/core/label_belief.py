"""Belief in each of several labels that means what it says: of pairs believed at 80 %, four of five are true.

Platt, "Probabilistic Outputs for Support Vector Machines", 1999: log-odds are divided by a temperature and
shifted. A small share of belief then goes to each label by how many texts usually have it, since neighbours
that all agree would otherwise be believed without any doubt. All labels have the same three numbers, as rare
ones could not fit their own. No label changes its order of texts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from textgraft.core.belief import Bin, calibration_error, reliability
from textgraft.core.held_out import SOURCE_WORDS, Source

PLAUSIBLE = 0.1
"""Pairs of text and label believed less say little of how well belief is calibrated: nearly all labels are
far from nearly all texts, and a method that believes so is right."""

_CERTAIN = 1e-12
"""Belief nearer than this to 0 or 1 has no log-odds that mean more."""


@dataclass(frozen=True)
class LabelBelief:
    """How a method's own belief in each of c labels is corrected.

    Attributes:
        temperature: of log-odds; above 1 where the method is too sure of itself.
        shift: added to them; above 0 where labels are true more often than it believes.
        floor: share of belief that goes to labels as they usually are.
        usual: (c,) share of texts that have each label.
        rows: held-out rows that the numbers were fitted on; 0 where belief is the method's own.
        error_before: calibration error of the method's own belief on these rows; see
            :func:`label_calibration_error`. ``None`` where no pair was plausible.
        error_after: likewise corrected, each half of the rows by what the other half says.
        source: where the rows came from.
    """

    temperature: float = 1.0
    shift: float = 0.0
    floor: float = 0.0
    usual: np.ndarray = field(default_factory=lambda: np.empty(0))
    rows: int = 0
    error_before: float | None = None
    error_after: float | None = None
    source: Source = "none"

    def corrected(self, belief: np.ndarray) -> np.ndarray:
        """Belief (n, c) corrected; as it is where there were no rows."""
        if not self.rows:
            return belief
        return from_log_odds(log_odds(belief), self.temperature, self.shift, self.floor, self.usual)

    def sentence(self) -> str:
        """What was done, in one sentence."""
        if not self.rows:
            return "Belief is the method's own: too few rows were held out to correct it by."
        errors = ""
        if self.error_before is not None and self.error_after is not None:
            errors = (
                f": calibration error of what is believed at {100 * PLAUSIBLE:.0f} % or more "
                f"{self.error_before:.3f} before, {self.error_after:.3f} after"
            )
        return (
            f"Belief was calibrated on {self.rows:,} {SOURCE_WORDS[self.source]} (log-odds divided by "
            f"{self.temperature:.3g} and shifted by {self.shift:+.2g}, {100 * self.floor:.2g} % of belief "
            f"as labels usually are){errors}."
        )


def log_odds(belief: np.ndarray) -> np.ndarray:
    """Of belief from 0 to 1; of certainty a large number."""
    some = np.clip(belief, _CERTAIN, 1.0 - _CERTAIN)
    return np.asarray(np.log(some) - np.log1p(-some))


def from_log_odds(
    odds: np.ndarray, temperature: float, shift: float, floor: float, usual: np.ndarray
) -> np.ndarray:
    """Belief (n, c) from log-odds (n, c); the numbers are those of :class:`LabelBelief`."""
    # no power of such log-odds is too large for a number
    shares = 1.0 / (1.0 + np.exp(-np.clip(odds / temperature + shift, -700.0, 700.0)))
    return np.asarray((1.0 - floor) * shares + floor * usual)


def label_reliability(belief: np.ndarray, true: np.ndarray) -> tuple[Bin, ...]:
    """Plausible pairs of text and label grouped by belief (n, c), and the share true (n, c) of each group."""
    plausible = belief >= PLAUSIBLE
    return reliability(belief[plausible], true[plausible])


def label_calibration_error(belief: np.ndarray, true: np.ndarray) -> float | None:
    """Expected calibration error over pairs of text and label believed at :data:`PLAUSIBLE` or more.

    Args:
        belief, true: (n, c).

    Returns:
        ``None`` where there is no such pair.
    """
    plausible = belief >= PLAUSIBLE
    return calibration_error(belief[plausible], true[plausible]) if plausible.any() else None
