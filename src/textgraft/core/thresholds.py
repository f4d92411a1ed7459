"""Rules fitted on held-out rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from textgraft.core.held_out import HeldOut
from textgraft.core.risk import Tested, controlled_threshold, least_risk
from textgraft.core.rules import AtCoverage, AtRisk, AtSimilarity, Rule, undo_rounding
from textgraft.core.threshold import ClassThreshold, Threshold
from textgraft.errors import DataError


def fit_threshold(rule: Rule | None, rows: HeldOut, seed: int = 0) -> Threshold:
    """Fit a rule on held-out rows.

    With too few rows for the coverage asked for, the threshold is −∞: nothing is
    rejected, which keeps the promise, and :meth:`Threshold.sentence` says so. Where a risk
    cannot be shown it is ∞: everything is rejected, which keeps that promise.

    Args:
        rule: what is asked for.
        rows: held-out rows; out-of-scope ones matter to :class:`AtRisk` alone.
        seed: of the draw of rows that say where :class:`AtRisk` tests.

    Raises:
        DataError: too few rows to show a risk, whatever they say; or a confidence that is no number.
    """
    if rule is None:
        return Threshold(None, -math.inf, 0, "none")
    if isinstance(rule, AtSimilarity):
        return Threshold(rule, float(rule.threshold), 0, "none")
    _check_numbers(rows)
    check_enough_rows(rule, len(rows.confidence) + len(rows.outside))
    if not rule.per_class:
        return _fit_alike(rule, rows, seed)
    # a coverage speaks of in-scope texts alone; to a risk out-of-scope rows are errors, and count
    counts = rows.taken_for(outside=isinstance(rule, AtRisk))
    large = [code for code, count in counts.items() if count >= rule.rows_needed_for_a_class]
    own = []
    for code in large:
        found = _fit_alike(rule, rows.of(np.array([code])), seed)
        own.append(ClassThreshold(code, found.value, found.n_held_out))
    others = rows.of(np.array(large, dtype=np.int64), others=True)
    return replace(_fit_alike(rule, others, seed), by_class=tuple(own))


def _fit_alike(rule: AtCoverage | AtRisk, rows: HeldOut, seed: int) -> Threshold:
    """One threshold for texts of all classes that rows were taken for."""
    if isinstance(rule, AtRisk):
        return _fit_risk(rule, rows, seed)
    n = len(rows.confidence)
    rank = math.floor(undo_rounding((1.0 - rule.coverage) * (n + 1)))
    value = float(rows.confidence[rank - 1]) if rank >= 1 else -math.inf
    return Threshold(rule, value, n, rows.source, rows.n_uncovered_classes)


def _check_numbers(rows: HeldOut) -> None:
    confidence = np.concatenate([rows.confidence, rows.outside])
    if broken := int(np.isnan(confidence).sum()):
        raise DataError(
            f"Expected a number as the confidence of each held-out row, found none for {broken:,} of "
            f"{len(confidence):,} rows. Leave these rows out, or fit the model again."
        )


def check_enough_rows(rule: Rule | None, n_rows: int) -> None:
    """Refuse a risk that so many held-out rows cannot show, whatever they say.

    Raises:
        DataError: too few.
    """
    if isinstance(rule, AtRisk) and n_rows < rule.rows_needed:
        raise DataError(
            f"At most {100 * rule.max_error:g} % errors with {100 * rule.confidence:g} % confidence needs at "
            f"least {rule.rows_needed:,} held-out rows, even if none is wrong, and {n_rows:,} could be had. "
            "Give more rows, a validation file, a larger risk, or a rule such as coverage:0.9."
        )


def _fit_risk(rule: AtRisk, rows: HeldOut, seed: int) -> Threshold:
    confidence = np.concatenate([rows.confidence, rows.outside])
    if len(confidence) < rule.rows_needed:
        # of what is left besides the large classes
        tested = Tested(len(confidence), len(rows.outside), 0, 0, 0)
        return Threshold(rule, math.inf, len(confidence), rows.source, rows.n_uncovered_classes, tested)
    outside = np.arange(len(confidence)) >= len(rows.confidence)
    wrong = np.concatenate([~rows.correct, np.ones(len(rows.outside), dtype=bool)])
    value, tested = controlled_threshold(confidence, wrong, outside, rule.max_error, rule.confidence, seed)
    least = (
        None
        if value is not None
        else least_risk(confidence, wrong, outside, rule.max_error, rule.confidence, seed)
    )
    return Threshold(
        rule,
        math.inf if value is None else value,
        len(confidence),
        rows.source,
        rows.n_uncovered_classes,
        tested,
        least,
    )
