"""Which rows a rejection rule is fitted on, which the model learns from, and cross-fitting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from textgraft.core.examples import Examples
from textgraft.core.held_out import Source
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.core.rules import NEEDS_ROWS, AtRisk, Rule
from textgraft.core.scores import Scores, join_scores, keep_best
from textgraft.core.splits import fold_numbers, holdout_rows
from textgraft.methods.lesson import Features, Learned, Lesson
from textgraft.methods.rejection.judging import MOST_CLASSES

FEWEST_HELD_OUT, MOST_HELD_OUT = 200, 5_000
"""With fewer than 200 rows a coverage of 95 % would itself vary by 3 points (two standard
deviations); beyond 5,000 it varies by half a point and rows are worth more to the model."""

FEWEST_ROWS_TO_SPARE = 1_000
"""Below this, 200 held-out rows would cost the model more than a fifth of its rows."""

CROSS_FIT_FOLDS = 5


@dataclass(frozen=True)
class Calibration:
    """The split behind a rule.

    Attributes:
        source: where confidences come from.
        learns: (n,) bool, the rows that the model learns from.
        n_uncovered_classes: classes of one row, which can only be learned from.
    """

    source: Source
    learns: np.ndarray
    n_uncovered_classes: int

    def n_rows(self, given: Examples | None) -> int:
        """In-scope rows that the rule will be fitted on."""
        if self.source == "valid" and given is not None:
            return len(given.texts) + len(given.out_of_scope)
        return int(self.learns.sum() if self.source == "cross-fit" else (~self.learns).sum())


def plan_calibration(
    rule: Rule | None, codes: np.ndarray, holdout: float | str, seed: int, has_valid: bool
) -> Calibration:
    """Choose between a file of the caller's, a hold-out and cross-fitting.

    Args:
        rule: only those of :data:`NEEDS_ROWS` need any; rows that were given are used in any case.
        codes: (n,) class codes.
        holdout: a share of the rows, 0 for cross-fitting, or ``auto``: a tenth, but 200 to
            5,000 rows, and cross-fitting where there are fewer than 1,000.
        seed: of the draw.
        has_valid: whether the caller gave rows for this.
    """
    if not has_valid and not isinstance(rule, NEEDS_ROWS):
        return Calibration("none", np.ones(len(codes), dtype=bool), 0)
    return plan_rows(codes, holdout, seed, has_valid)


def plan_rows(
    codes: np.ndarray,
    holdout: float | str,
    seed: int,
    has_valid: bool,
    spare_from: int = FEWEST_ROWS_TO_SPARE,
) -> Calibration:
    """The same for what always needs rows; codes are (n,), or (n, c) 0/1 for several labels a row.

    With fewer rows than ``spare_from``, ``auto`` is cross-fitting.
    """
    everything = np.ones(len(codes), dtype=bool)
    if has_valid:
        return Calibration("valid", everything, 0)
    if codes.ndim == 2 and len(codes) == 1:
        return Calibration("none", everything, 0)
    counts = codes.sum(axis=0, dtype=np.int64) if codes.ndim == 2 else np.bincount(codes)
    single = int((counts == 1).sum())
    share = _automatic_share(len(codes), spare_from) if holdout == "auto" else float(holdout)
    if share == 0.0:
        return Calibration("cross-fit", everything, single)
    return Calibration("held-out", ~holdout_rows(codes, share, seed), single)


def outside_to_learn(rule: Rule | None, n: int, seed: int) -> np.ndarray:
    """(n,) bool, which out-of-scope rows a method that can may learn from.

    All, but half where a rule of risk must count how many are accepted.
    """
    order = np.random.default_rng(seed).permutation(n)
    return np.asarray(order < n // 2) if isinstance(rule, AtRisk) else np.ones(n, dtype=bool)


def cross_fitted(
    whole: Lesson,
    learn: Callable[[Lesson, Watch], Learned],
    score: Callable[[Any, Features, int], Scores],
    seed: int,
    watch: Watch,
    what: str = "cross-fitting the threshold",
    most: int = MOST_CLASSES,
) -> tuple[np.ndarray, Scores]:
    """Row numbers (m,) and scores of rows under models that learned the other folds, fold by fold.

    A class of one row is not scored, since nothing is left to learn it from. Of each row the ``most`` best
    classes are kept.
    """
    folds = fold_numbers(whole.codes, CROSS_FIT_FOLDS, seed)
    rows, parts = [np.empty(0, dtype=np.int64)], []
    for fold in range(CROSS_FIT_FOLDS):
        out = folds == fold
        if out.any():
            run = None if whole.run is None else whole.run.fold(fold + 1)
            learned = learn(replace(whole.some(~out), run=run), unwatched)
            rows.append(np.flatnonzero(out))
            parts.append(keep_best(score(learned, whole.features[out], whole.n_classes), most))
        watch(Progress(what, fold + 1, CROSS_FIT_FOLDS))
    return np.concatenate(rows), join_scores(parts, whole.n_classes)


def _automatic_share(n_rows: int, spare_from: int) -> float:
    if n_rows < spare_from:
        return 0.0
    return min(max(0.1 * n_rows, FEWEST_HELD_OUT), MOST_HELD_OUT) / n_rows
