"""Held-out rows judged: what was believed of them, and what was true; and belief corrected by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from textgraft.core.belief import Belief, calibration_error, tempered
from textgraft.core.held_out import HeldOut, Source, held_out
from textgraft.core.scores import Scores, keep_best

FEWEST_ROWS = 50
"""Held-out rows that belief can be corrected by; fewer would say little about two numbers."""

MOST_CLASSES = 100
"""Most believed classes of a row that matter to a temperature; bounds memory."""

PRIOR = 2.0
"""Weight of a normal prior on the logarithm of the temperature around 0, belief as it is: worth what 5 to 10
rows say about it where nine of ten are right, and what 13 to 18 say where 97 % are. Without one, few rows
that are all right, or nearly, make belief endlessly sure; 500 rows hardly feel it."""

_STARTS = (np.array([0.0, -5.0]), np.array([1.4, -5.0]))
"""Of the search: belief as it is, and four times too sure. From the first alone a method that is much too
sure of itself is often taken for one that errs at random, with a floor of ½."""


@dataclass(frozen=True)
class Judged:
    """Rows scored by a model that did not learn from them.

    Attributes:
        confidence: (h,).
        best: (h,) code of the most believed class.
        correct: (h,) bool, whether the most believed class was theirs.
        values: (h, k) belief in the k most believed classes, descending.
        own: (h,) belief in the row's own class.
        n_classes: c.
    """

    confidence: np.ndarray
    best: np.ndarray
    correct: np.ndarray
    values: np.ndarray
    own: np.ndarray
    n_classes: int

    def some(self, rows: np.ndarray) -> Judged:
        """Some of the rows."""
        return Judged(
            self.confidence[rows],
            self.best[rows],
            self.correct[rows],
            self.values[rows],
            self.own[rows],
            self.n_classes,
        )

    def kept(
        self, outside: np.ndarray, outside_best: np.ndarray, source: Source, n_uncovered_classes: int = 0
    ) -> HeldOut:
        """What a rule is fitted on: these rows, and confidences and classes (o,) of out-of-scope ones."""
        return held_out(
            self.confidence,
            self.correct,
            outside,
            source,
            n_uncovered_classes,
            best=self.best,
            outside_best=outside_best,
        )


def judge(scores: Scores, codes: np.ndarray) -> Judged:
    """Scores of rows beside their true class codes (h,)."""
    values = keep_best(scores, MOST_CLASSES).values
    best = scores.best if len(codes) else np.empty(0, dtype=np.int64)
    return Judged(scores.confidence, best, best == codes, values, scores.belief_in(codes), scores.n_classes)


def fit_belief(judged: Judged, source: Source) -> Belief:
    """The temperature and the floor under which the rows' own classes are most likely, given :data:`PRIOR`.

    The floor is at least what makes 1 − 1 / (n + 2) of a belief of 1, since n rows that are all right say no
    more than that (Laplace's rule of succession). With fewer than :data:`FEWEST_ROWS` rows belief stays as
    it is.
    """
    n = len(judged.own)
    if n < FEWEST_ROWS:
        return Belief()
    least = judged.n_classes / (judged.n_classes - 1) / (n + 2)
    temperature, floor = _fitted(judged, least)
    halves = np.arange(n) % 2 == 0
    after = np.empty(n)
    for rows in (halves, ~halves):
        numbers = _fitted(judged.some(~rows), least)
        after[rows] = tempered(judged.values[rows], *numbers, judged.n_classes)[:, 0]
    return Belief(
        temperature=round(temperature, 6),
        floor=round(floor, 8),
        rows=n,
        error_before=round(calibration_error(judged.values[:, 0], judged.correct), 6),
        error_after=round(calibration_error(after, judged.correct), 6),
        source=source,
    )


def _fitted(judged: Judged, least: float) -> tuple[float, float]:
    largest = judged.values[:, :1]
    with np.errstate(divide="ignore"):
        values, own = np.log(judged.values / largest), np.log(judged.own / largest[:, 0])

    def surprise(point: np.ndarray) -> float:
        temperature, floor = _numbers(point)
        share = np.exp(own / temperature) / np.exp(values / temperature).sum(axis=1)
        likely = (1.0 - floor) * share + floor / judged.n_classes
        loss = -float(np.log(np.maximum(likely, 1e-300)).sum())
        return (loss + 0.5 * PRIOR * float(np.log(temperature)) ** 2) / len(judged.own)

    found = [
        minimize(surprise, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6})
        for start in _STARTS
    ]
    temperature, floor = _numbers(min(found, key=lambda one: float(one.fun)).x)
    # not within the search: there it would pass for errors that the rows do not have, and lower the
    # temperature instead
    return temperature, max(floor, least)


def _numbers(point: np.ndarray) -> tuple[float, float]:
    """Temperature from 0.05 to 20 and floor from 0 to ½, of any two numbers."""
    return float(np.exp(np.clip(point[0], -3.0, 3.0))), float(0.5 * expit(point[1]))
