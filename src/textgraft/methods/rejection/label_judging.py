"""Belief in several labels a text, corrected by held-out rows."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from textgraft.core.held_out import Source
from textgraft.core.label_belief import LabelBelief, from_log_odds, label_calibration_error, log_odds
from textgraft.methods.rejection.judging import FEWEST_ROWS, PRIOR

MOST_PAIRS = 2_000_000
"""Pairs of row and label that three numbers are fitted on; rows in between are left out, which bounds time
and memory."""

_STARTS = (np.array([0.0, 0.0, -5.0]), np.array([1.4, 0.0, -5.0]))
"""Of the search, as for one label a text: belief as it is, and four times too sure."""

_BOUNDS = [(-3.0, 3.0), (-20.0, 20.0), (-20.0, 10.0)]

_LEAST = 1e-12
"""A probability in a logarithm."""


def fit_label_belief(belief: np.ndarray, true: np.ndarray, source: Source) -> LabelBelief:
    """Temperature, shift and floor under which the labels of held-out rows are most likely.

    A normal prior draws the logarithm of the temperature and the shift to 0, with the weight that
    :data:`textgraft.methods.rejection.judging.PRIOR` has for one label a text. The floor is at least
    1 / (n + 2), since n rows that are all right say no more than that (Laplace's rule of succession). With
    fewer than :data:`textgraft.methods.rejection.judging.FEWEST_ROWS` rows belief stays as it is.

    Args:
        belief, true: (n, c) of rows not learned from; true is 0/1.
        source: where the rows came from.
    """
    n = len(belief)
    if n < FEWEST_ROWS or not true.any():
        return LabelBelief()
    # each held-out row counts once more as if it had the label, and once as if it had not
    usual = (true.sum(axis=0) + 1.0) / (n + 2.0)
    odds = log_odds(belief)
    temperature, shift, floor = _fitted(odds, true, usual)
    halves = np.arange(n) % 2 == 0
    after = np.empty_like(odds)
    for rows in (halves, ~halves):
        after[rows] = from_log_odds(odds[rows], *_fitted(odds[~rows], true[~rows], usual), usual)
    before_error, after_error = (label_calibration_error(one, true) for one in (belief, after))
    return LabelBelief(
        temperature=round(temperature, 6),
        shift=round(shift, 6),
        floor=round(floor, 8),
        usual=usual,
        rows=n,
        error_before=None if before_error is None else round(before_error, 6),
        error_after=None if after_error is None else round(after_error, 6),
        source=source,
    )


def _fitted(odds: np.ndarray, true: np.ndarray, usual: np.ndarray) -> tuple[float, float, float]:
    """Temperature, shift and floor; arguments as of :func:`textgraft.core.label_belief.from_log_odds`."""
    least = 1.0 / (len(odds) + 2.0)
    step = -(-odds.size // MOST_PAIRS)
    odds, wanted = odds[::step], true[::step].astype(np.float64)

    def surprise(point: np.ndarray) -> tuple[float, np.ndarray]:
        temperature, shift, floor = _numbers(point)
        shares = expit(odds / temperature + shift)
        likely = np.clip((1.0 - floor) * shares + floor * usual, _LEAST, 1.0 - _LEAST)
        loss = -float((wanted * np.log(likely) + (1.0 - wanted) * np.log1p(-likely)).sum())
        slope = (likely - wanted) / (likely * (1.0 - likely))
        moved = (1.0 - floor) * slope * shares * (1.0 - shares)
        gradient = np.array(
            [
                -float((moved * odds).sum()) / temperature + PRIOR * point[0],
                float(moved.sum()) + PRIOR * shift,
                float((slope * (usual - shares)).sum()) * floor * (1.0 - 2.0 * floor),
            ]
        )
        prior = 0.5 * PRIOR * float(point[0] ** 2 + shift**2)
        return (loss + prior) / len(odds), gradient / len(odds)

    found = [minimize(surprise, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS) for start in _STARTS]
    temperature, shift, floor = _numbers(min(found, key=lambda one: float(one.fun)).x)
    # not within the search, as for one label a text
    return temperature, shift, max(floor, least)


def _numbers(point: np.ndarray) -> tuple[float, float, float]:
    """Temperature, shift, and floor from 0 to ½."""
    return float(np.exp(point[0])), float(point[1]), float(0.5 * expit(point[2]))
