"""From belief to label: rejection rules, fitted on held-out confidence.

A *rule* is what a person asks for; fitting it on held-out confidence gives a *threshold*.
A text is rejected when its confidence is below the threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from textgraft.core.scores import Scores
from textgraft.errors import ParameterError

REJECTED = "<rejected>"
"""The label of a text that no class is claimed for (``None`` would break sklearn.metrics)."""

Source = Literal["none", "held-out", "valid", "cross-fit"]
"""Where the confidences came from: no rows were needed, a hold-out, a file of the
caller's, or cross-fitting (each row scored by a model that did not see it)."""


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
        return math.ceil(_exact(1.0 / (1.0 - self.coverage))) - 1


Rule = AtSimilarity | AtCoverage


@dataclass(frozen=True)
class Threshold:
    """A fitted rule: reject below ``value``. ``None`` as rule never rejects."""

    rule: Rule | None
    value: float
    n_held_out: int
    source: Source
    n_uncovered_classes: int = 0

    @property
    def guaranteed(self) -> bool:
        """Whether the rule's statement holds in finite samples."""
        return isinstance(self.rule, AtCoverage) and self.source in ("held-out", "valid")

    def sentence(self) -> str:
        """How the threshold was chosen, in one sentence."""
        if self.rule is None:
            return "Nothing is rejected: no rejection rule was asked for."
        if isinstance(self.rule, AtSimilarity):
            return (
                f"A text is rejected when its confidence is below {self.value:.4g}: "
                "a fixed cut of your own, without a guarantee."
            )
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
        uncovered = (
            f"; {self.n_uncovered_classes:,} classes of a single row could not be held out "
            "and are not covered"
            if self.n_uncovered_classes
            else ""
        )
        return (
            f"A text is rejected when its confidence is below {self.value:.4g}, "
            f"chosen from {rows}, {promise}{uncovered}."
        )


_SOURCE_WORDS = {
    "held-out": "held-out rows that the model did not learn from",
    "valid": "rows of the validation file",
    "cross-fit": "rows, each scored by a model that did not see it",
    "none": "no rows",
}


def fit_threshold(
    rule: Rule | None, confidence: np.ndarray, source: Source, n_uncovered_classes: int = 0
) -> Threshold:
    """Fit a rule on the held-out confidence (n,) of in-scope texts.

    With too few rows for the coverage asked for, the threshold is −∞: nothing is
    rejected, which keeps the promise, and :meth:`Threshold.sentence` says so.
    """
    if rule is None:
        return Threshold(None, -math.inf, 0, "none")
    if isinstance(rule, AtSimilarity):
        return Threshold(rule, float(rule.threshold), 0, "none")
    n = len(confidence)
    rank = math.floor(_exact((1.0 - rule.coverage) * (n + 1)))
    value = float(np.sort(confidence)[rank - 1]) if rank >= 1 else -math.inf
    return Threshold(rule, value, n, source, n_uncovered_classes)


def accepted(scores: Scores, threshold: Threshold) -> np.ndarray:
    """(n,) bool: whose confidence reaches the threshold."""
    return np.asarray(scores.confidence >= threshold.value)


def decide(scores: Scores, classes: np.ndarray, threshold: Threshold) -> np.ndarray:
    """(n,) labels as objects: the most believed class, or ``REJECTED``."""
    labels = classes[scores.best].astype(object)
    labels[~accepted(scores, threshold)] = REJECTED
    return np.asarray(labels)


def parse_rule(text: str) -> Rule | None:
    """The rule that ``none``, ``similarity:0.85`` or ``coverage:0.95`` names.

    Raises:
        ParameterError: for any other words.
    """
    name, _, number = text.strip().partition(":")
    if name == "none" and not number:
        return None
    kinds: dict[str, type[AtSimilarity] | type[AtCoverage]] = {
        "similarity": AtSimilarity,
        "coverage": AtCoverage,
    }
    kind = kinds.get(name)
    try:
        value = float(number)
    except ValueError:
        kind = None
    if kind is None:
        raise ParameterError(
            f"Expected a rejection rule 'none', 'similarity:0.85' or 'coverage:0.95', found {text!r}."
        )
    return kind(value)


def _exact(number: float) -> float:
    """Undo binary rounding, so that (1 − 0.95) × 20 counts as 1 and not as 0.9999…"""
    return round(number, 9)
