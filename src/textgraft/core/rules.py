"""What a person asks of rejection: a fixed cut, a coverage, or a risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from textgraft.core.binomial import rows_needed
from textgraft.errors import ParameterError

PER_CLASS = ":per-class"
"""What a rule ends in that looks at each class by itself."""


@dataclass(frozen=True)
class AtSimilarity:
    """Reject below a fixed confidence, as a person would set it. No guarantee.

    For ``knn`` that is fitted with this rule, confidence is the cosine similarity to the nearest training
    text of the winning class; for other methods see ``docs/rejection.md``.
    """

    threshold: float

    def __post_init__(self) -> None:
        if not -1.0 <= self.threshold <= 1.0:
            raise ParameterError(f"AtSimilarity needs a threshold from -1 to 1, found {self.threshold}.")

    def __str__(self) -> str:
        return f"similarity:{float(self.threshold)}"


@dataclass(frozen=True)
class AtCoverage:
    """Keep this share of in-scope texts: split-conformal, P(reject | in scope) ≤ 1 − coverage.

    The bound holds in finite samples for texts exchangeable with the held-out rows: the
    threshold is the ⌊(1 − coverage)(n + 1)⌋-th smallest of n held-out confidences
    (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005;
    Papadopoulos et al., "Inductive Confidence Machines for Regression", 2002).

    ``per_class`` keeps this share of the in-scope texts that are taken for each class: a class that
    enough held-out rows were taken for gets a threshold of its own (Vovk et al.: Mondrian), the others
    share one.
    """

    coverage: float
    per_class: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.coverage < 1.0:
            raise ParameterError(
                f"AtCoverage needs a share between 0 and 1, such as 0.95, found {self.coverage}."
            )

    def __str__(self) -> str:
        return f"coverage:{float(self.coverage)}" + self.per_class * PER_CLASS

    @property
    def rows_needed(self) -> int:
        """The fewest held-out rows with which anything can be rejected."""
        return math.ceil(undo_rounding(1.0 / (1.0 - self.coverage))) - 1

    @property
    def rows_needed_for_a_class(self) -> int:
        """With fewer, the one row at the edge would decide alone."""
        return 2 * self.rows_needed


@dataclass(frozen=True)
class AtRisk:
    """At most this share of errors among accepted texts, out-of-scope texts being errors.

    Learn-then-Test (Angelopoulos et al., 2021) with an exact binomial test of each threshold:
    with probability ``confidence`` over draws of the held-out rows the promise holds for texts
    that come like them. See :mod:`textgraft.core.risk`.

    ``per_class`` promises it of the accepted texts that are taken for each class, each with that
    confidence: a class that enough held-out rows were taken for gets a threshold of its own, the
    others share one.
    """

    max_error: float
    confidence: float = 0.95
    per_class: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.max_error < 1.0:
            raise ParameterError(
                f"AtRisk needs a share of errors between 0 and 1, such as 0.05, found {self.max_error}."
            )
        if not 0.5 <= self.confidence < 1.0:
            raise ParameterError(
                f"AtRisk needs a confidence from 0.5 to below 1, such as 0.95, found {self.confidence}."
            )

    def __str__(self) -> str:
        return f"risk:{float(self.max_error)}:{float(self.confidence)}" + self.per_class * PER_CLASS

    @property
    def rows_needed(self) -> int:
        """The fewest held-out rows that can show it, if not one of them is answered wrongly."""
        return rows_needed(self.max_error, self.confidence)

    @property
    def rows_needed_for_a_class(self) -> int:
        """The fewest that can bear an error."""
        return rows_needed(self.max_error, self.confidence, 1)


Rule = AtSimilarity | AtCoverage | AtRisk

NEEDS_ROWS = (AtCoverage, AtRisk)
"""Rules that are fitted on rows the model did not learn from."""


def parse_rule(text: str) -> Rule | None:
    """The rule that ``none``, ``similarity:0.85``, ``coverage:0.95`` or ``risk:0.05:0.95`` names.

    ``coverage:0.95:per-class`` and ``risk:0.05:per-class`` look at each class by itself.

    Raises:
        ParameterError: for any other words.
    """
    alone = text.strip().removesuffix(PER_CLASS)
    name, *numbers = alone.split(":")
    per_class = alone != text.strip()
    if name == "none" and not numbers and not per_class:
        return None
    kinds: dict[str, tuple[Callable[..., Rule], int]] = {
        "similarity": (AtSimilarity, 1),
        "coverage": (AtCoverage, 1),
        "risk": (AtRisk, 2),
    }
    kind, most = kinds.get(name, (None, 0))
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        kind = None
    if kind is None or not 1 <= len(numbers) <= most or (per_class and kind is AtSimilarity):
        raise ParameterError(
            "Expected a rejection rule 'none', 'similarity:0.85', 'coverage:0.95' or 'risk:0.05', of which "
            f"the last two may end in '{PER_CLASS}', found {text!r}."
        )
    return kind(*values, per_class=True) if per_class else kind(*values)


def undo_rounding(number: float) -> float:
    """Undo binary rounding, so that (1 − 0.95) × 20 counts as 1 and not as 0.9999…"""
    return round(number, 9)
