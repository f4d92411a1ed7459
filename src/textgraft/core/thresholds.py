"""Rules fitted on held-out rows: below which confidence a text is rejected, and what that promises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from textgraft.core.held_out import HeldOut, Source
from textgraft.core.risk import Tested, controlled_threshold, least_risk
from textgraft.core.rules import NEEDS_ROWS, AtRisk, AtSimilarity, Rule, undo_rounding
from textgraft.errors import DataError


@dataclass(frozen=True)
class Threshold:
    """A fitted rule: reject below ``value``. ``None`` as rule never rejects.

    Attributes:
        rule: as it was asked for.
        value: −∞ rejects nothing, ∞ everything.
        n_held_out: rows that it was fitted on.
        source: where they came from.
        n_uncovered_classes: classes that none of them is of.
        tested: for :class:`AtRisk`, what the threshold did to the rows that tested it.
        least: likewise, a risk that could be promised where the one asked for could not.
    """

    rule: Rule | None
    value: float
    n_held_out: int
    source: Source
    n_uncovered_classes: int = 0
    tested: Tested | None = None
    least: float | None = None

    @property
    def guaranteed(self) -> bool:
        """Whether the rule's statement holds in finite samples."""
        return isinstance(self.rule, NEEDS_ROWS) and self.source in ("held-out", "valid")

    def sentence(self) -> str:
        """How the threshold was chosen, in one sentence."""
        if self.rule is None:
            return "Nothing is rejected: no rejection rule was asked for."
        if isinstance(self.rule, AtSimilarity):
            return (
                f"A text is rejected when its confidence is below {self.value:.4g}: "
                "a fixed cut of your own, without a guarantee."
            )
        if isinstance(self.rule, AtRisk):
            return self._risk_sentence(self.rule)
        share = f"{100 * self.rule.coverage:g} %"
        if self.value == -math.inf:
            return (
                f"Nothing is rejected: keeping {share} of in-scope texts needs at least "
                f"{self.rule.rows_needed:,} held-out rows and {self.n_held_out:,} could be had; "
                "give more rows, a validation file, or a fixed cut such as similarity:0.5."
            )
        rows = f"{self.n_held_out:,} {_SOURCE_WORDS[self.source]}"
        promise = (
            f"so at least {share} of in-scope texts are kept on average (finite-sample guarantee)"
            if self.guaranteed
            else f"so about {share} of in-scope texts are kept (an estimate, not a guarantee)"
        )
        return (
            f"A text is rejected when its confidence is below {self.value:.4g}, "
            f"chosen from {rows}, {promise}{self._uncovered()}."
        )

    def _risk_sentence(self, rule: AtRisk) -> str:
        assert self.tested is not None
        tested = self.tested
        rows = f"{tested.rows:,} {_SOURCE_WORDS[self.source]}"
        share, sure = f"{100 * rule.max_error:g} %", f"{100 * rule.confidence:g} %"
        if self.value == math.inf:
            other = (
                f"risk:{self.least:g} could be promised"
                if self.least is not None
                else "no risk up to 50 % could be promised"
            )
            return (
                f"Every text is rejected: at most {share} errors among accepted texts could not be shown "
                f"with {sure} confidence; of {rows}, {tested.wrong:,} of the {tested.accepted:,} surest are "
                f"errors. With these rows {other}; more rows or a better model allow for less."
            )
        cut = (
            "Nothing is rejected"
            if self.value == -math.inf
            else f"A text is rejected when its confidence is below {self.value:.4g}"
        )
        scope = (
            f"{tested.outside:,} of them out of scope"
            if tested.outside
            else "none of them out of scope, so nothing is said of such texts"
        )
        promise = (
            f"if new texts come like {rows}, {scope}"
            if self.guaranteed
            else f"as far as {rows}, {scope}, can tell (an estimate, not a guarantee)"
        )
        return (
            f"{cut}: at most {share} errors among accepted texts, with {sure} confidence, {promise}; "
            f"{tested.accepted:,} of these are accepted, {tested.wrong:,} wrongly{self._uncovered()}."
        )

    def _uncovered(self) -> str:
        if not self.n_uncovered_classes:
            return ""
        return (
            f"; {self.n_uncovered_classes:,} classes of a single row could not be held out "
            "and are not covered"
        )


_SOURCE_WORDS = {
    "held-out": "held-out rows that the model did not learn from",
    "valid": "rows of the validation file",
    "cross-fit": "rows, each scored by a model that did not see it",
    "none": "no rows",
}


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
        DataError: too few rows to show a risk, whatever they say.
    """
    if rule is None:
        return Threshold(None, -math.inf, 0, "none")
    if isinstance(rule, AtSimilarity):
        return Threshold(rule, float(rule.threshold), 0, "none")
    if isinstance(rule, AtRisk):
        return _fit_risk(rule, rows, seed)
    n = len(rows.confidence)
    rank = math.floor(undo_rounding((1.0 - rule.coverage) * (n + 1)))
    value = float(rows.confidence[rank - 1]) if rank >= 1 else -math.inf
    return Threshold(rule, value, n, rows.source, rows.n_uncovered_classes)


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
    check_enough_rows(rule, len(confidence))
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
