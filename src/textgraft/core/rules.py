"""What a person asks of rejection: a fixed cut, a coverage, or a risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from textgraft.core.binomial import rows_needed
from textgraft.errors import ParameterError


@dataclass(frozen=True)
class AtSimilarity:
    """Reject below a fixed confidence, as a person would set it. No guarantee.

    Confidence is the cosine similarity to the nearest training text for ``knn`` and a
    probability for the other methods.
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
    """

    coverage: float

    def __post_init__(self) -> None:
        if not 0.0 < self.coverage < 1.0:
            raise ParameterError(
                f"AtCoverage needs a share between 0 and 1, such as 0.95, found {self.coverage}."
            )

    def __str__(self) -> str:
        return f"coverage:{float(self.coverage)}"

    @property
    def rows_needed(self) -> int:
        """The fewest held-out rows with which anything can be rejected."""
        return math.ceil(undo_rounding(1.0 / (1.0 - self.coverage))) - 1


@dataclass(frozen=True)
class AtRisk:
    """At most this share of errors among accepted texts, out-of-scope texts being errors.

    Learn-then-Test (Angelopoulos et al., 2021) with an exact binomial test of each threshold:
    with probability ``confidence`` over draws of the held-out rows the promise holds for texts
    that come like them. See :mod:`textgraft.core.risk`.
    """

    max_error: float
    confidence: float = 0.95

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
        return f"risk:{float(self.max_error)}:{float(self.confidence)}"

    @property
    def rows_needed(self) -> int:
        """The fewest held-out rows that can show it, if not one of them is answered wrongly."""
        return rows_needed(self.max_error, self.confidence)


Rule = AtSimilarity | AtCoverage | AtRisk

NEEDS_ROWS = (AtCoverage, AtRisk)
"""Rules that are fitted on rows the model did not learn from."""


def parse_rule(text: str) -> Rule | None:
    """The rule that ``none``, ``similarity:0.85``, ``coverage:0.95`` or ``risk:0.05:0.95`` names.

    Raises:
        ParameterError: for any other words.
    """
    name, *numbers = text.strip().split(":")
    if name == "none" and not numbers:
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
    if kind is None or not 1 <= len(numbers) <= most:
        raise ParameterError(
            "Expected a rejection rule 'none', 'similarity:0.85', 'coverage:0.95' or 'risk:0.05', "
            f"found {text!r}."
        )
    return kind(*values)


def undo_rounding(number: float) -> float:
    """Undo binary rounding, so that (1 − 0.95) × 20 counts as 1 and not as 0.9999…"""
    return round(number, 9)
