"""A fitted rule: below which confidence a text is rejected, and what that promises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.held_out import SOURCE_WORDS, Source
from textgraft.core.risk import Tested, rows_to_bear
from textgraft.core.rules import NEEDS_ROWS, AtRisk, AtSimilarity, Rule


@dataclass(frozen=True)
class ClassThreshold:
    """The threshold of texts that are taken for one class.

    Attributes:
        code: of the most believed class.
        value: −∞ rejects nothing, ∞ everything.
        n_held_out: rows that it was fitted on.
    """

    code: int
    value: float
    n_held_out: int


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
        by_class: thresholds of classes that have one of their own; the others share ``value``.
    """

    rule: Rule | None
    value: float
    n_held_out: int
    source: Source
    n_uncovered_classes: int = 0
    tested: Tested | None = None
    least: float | None = None
    by_class: tuple[ClassThreshold, ...] = ()

    def cuts(self, best: np.ndarray) -> np.ndarray:
        """(n,) thresholds of texts whose most believed classes (n,) are given."""
        if not self.by_class:
            return np.full(len(best), self.value)
        own = {one.code: one.value for one in self.by_class}
        return np.array([own.get(code, self.value) for code in best.tolist()])

    @property
    def guaranteed(self) -> bool:
        """Whether the rule's statement holds in finite samples."""
        return isinstance(self.rule, NEEDS_ROWS) and self.source in ("held-out", "valid")

    def sentence(self) -> str:
        """How the threshold was chosen, in one sentence."""
        return self._class_sentence() + self._common_sentence()

    def _common_sentence(self) -> str:
        if self.rule is None:
            return "Nothing is rejected: no rejection rule was asked for."
        if isinstance(self.rule, AtSimilarity):
            return f"{self._cut}: a fixed cut of your own, without a guarantee."
        if isinstance(self.rule, AtRisk):
            return self._risk_sentence(self.rule)
        share = f"{100 * self.rule.coverage:g} %"
        if self.value == -math.inf:
            return (
                f"Nothing is rejected: keeping {share} of in-scope texts needs at least "
                f"{self.rule.rows_needed:,} {SOURCE_WORDS[self.source]}, and {self.n_held_out:,} could be "
                "had; give more rows, a validation file, or a fixed cut such as similarity:0.5."
            )
        rows = f"{self.n_held_out:,} {SOURCE_WORDS[self.source]}"
        promise = (
            f"so at least {share} of in-scope texts are kept on average (finite-sample guarantee)"
            if self.guaranteed
            else f"so about {share} of in-scope texts are kept (an estimate, not a guarantee)"
        )
        return f"{self._cut}, chosen from {rows}, {promise}{self._uncovered()}."

    @property
    def _cut(self) -> str:
        return f"A text is rejected when its confidence is below {self.value:.4g}"

    def _class_sentence(self) -> str:
        """What the thresholds of single classes promise; leads over to what the others share."""
        if not self.by_class:
            return ""
        values = sorted(one.value for one in self.by_class if math.isfinite(one.value))
        between = f" ({values[0]:.3g} to {values[-1]:.3g})" if values else ""
        fewest = min(one.n_held_out for one in self.by_class)
        if isinstance(self.rule, AtRisk):
            shut = sum(one.value == math.inf for one in self.by_class)
            promise = (
                f"at most {100 * self.rule.max_error:g} % errors among accepted texts taken for it, with "
                f"{100 * self.rule.confidence:g} % confidence for each class"
                + (
                    f"; texts taken for {shut:,} of them are all rejected, since it could not be shown"
                    if shut
                    else ""
                )
            )
        else:
            assert isinstance(self.rule, NEEDS_ROWS)
            share = f"{100 * self.rule.coverage:g} %"
            promise = f"at least {share} of the in-scope texts taken for it are kept on average"
        surely = "" if self.guaranteed else " (an estimate, not a guarantee)"
        return (
            f"By {SOURCE_WORDS[self.source]}, each of {counted(len(self.by_class), 'class', 'classes')} that "
            f"{fewest:,} of them or more were taken for has a threshold of its own{between}: "
            f"{promise}{surely}. For all other classes together: "
        )

    def _risk_sentence(self, rule: AtRisk) -> str:
        assert self.tested is not None
        tested = self.tested
        rows = f"{tested.rows:,} {SOURCE_WORDS[self.source]}"
        share, sure = f"{100 * rule.max_error:g} %", f"{100 * rule.confidence:g} %"
        if tested.rows < rule.rows_needed:
            return (
                f"Every text is rejected: at most {share} errors with {sure} confidence needs at least "
                f"{rule.rows_needed:,} {SOURCE_WORDS[self.source]}, and only {tested.rows:,} "
                "were taken for them."
            )
        if self.value == math.inf:
            needed = rows_to_bear(tested.wrong, tested.rows, rule.max_error, rule.confidence)
            other = (
                f"risk:{self.least:g} could be promised"
                if self.least is not None
                else "no risk up to 50 % could be promised"
            )
            return (
                f"Every text is rejected: at most {share} errors among accepted texts could not be shown "
                f"with {sure} confidence; of {rows}, {tested.wrong:,} of the {tested.accepted:,} surest are "
                f"errors, and so many can only be borne by {needed:,} accepted rows or more. With these rows "
                f"{other}; more rows or a better model allow for less."
            )
        cut = "Nothing is rejected" if self.value == -math.inf else self._cut
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
        coverage = tested.coverage
        share_in_scope = "" if coverage is None else f" ({100 * coverage:.3g} % of those in scope)"
        return (
            f"{cut}: at most {share} errors among accepted texts, with {sure} confidence, {promise}; "
            f"{tested.accepted:,} of these are accepted{share_in_scope}, {tested.wrong:,} wrongly"
            f"{self._uncovered()}."
        )

    def _uncovered(self) -> str:
        if not self.n_uncovered_classes:
            return ""
        verb = "is" if self.n_uncovered_classes == 1 else "are"
        return (
            f"; {counted(self.n_uncovered_classes, 'class', 'classes')} of a single row could not be held "
            f"out and {verb} not covered"
        )
