"""The loosest threshold whose errors among accepted texts are shown to be few.

Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test: Calibrating Predictive Algorithms to
Achieve Risk Control", 2021: each threshold is a hypothesis, "too many errors here"; thresholds are
tested from strict to loose, and the loosest that is refuted is used. Of the accepted rows the errors
are binomial whatever their number, so a test is exact. One level of significance serves the whole
sequence as long as no test fails; where there are many rows, half of it is kept for a second
beginning further down (Wiens, "A Fixed Sequence Bonferroni Procedure for Testing Multiple
Endpoints", 2003).

A threshold that accepts so few rows that not even flawless ones could pass is skipped, and has not
failed: how many rows are accepted depends on their confidences alone. This is exact as long as surer
texts are wrong no more often than others. Suppose that a threshold breaks the promise and is the
first one tested, since the one before it, which breaks it too, was skipped. Of the rows it accepts
some were drawn from above the other threshold, the rest from between the two, where errors are no
rarer. So however many there are of each, errors are at least as many as the binomial says, and the
test passes no more often.

The sequence must not depend on the rows that test it. A fifth of the rows, drawn at random, says
where thresholds lie, and the others test them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from textgraft.core.binomial import lower_tail, rows_needed

STEPS = 50
"""Thresholds of a sequence, at even shares of accepted rows."""

PLACING_SHARE = 0.2
"""Of the rows, that say where thresholds lie."""

ERRORS_AT_START, ROWS_AT_START = 4, 100
"""The strictest threshold accepts so many rows, and enough to bear so many errors, where there are
enough: with fewer rows a single error among the surest could end the sequence before it began."""

ROWS_FOR_TWO_STARTS = 1_000
"""Rows that test, from which a second beginning costs little and is often the only one that passes:
among the few surest rows a share of errors near the one allowed cannot be refuted."""

LEAST_RISKS: tuple[float, ...] = tuple(number / 100 for number in (*range(1, 20), *range(20, 51, 5)))
"""Risks that are tried when the one asked for cannot be had."""


@dataclass(frozen=True)
class Tested:
    """What a threshold did to the rows that tested it.

    Attributes:
        rows: tested with.
        outside: of them out of scope.
        accepted: of them not rejected.
        wrong: of the accepted.
        accepted_outside: of the accepted, out of scope; ``None`` in older models, which did not count them.
    """

    rows: int
    outside: int
    accepted: int
    wrong: int
    accepted_outside: int | None = None

    @property
    def coverage(self) -> float | None:
        """Share of the in-scope rows that were accepted; ``None`` if there were none, or nobody counted."""
        if self.accepted_outside is None or self.rows == self.outside:
            return None
        return (self.accepted - self.accepted_outside) / (self.rows - self.outside)


def controlled_threshold(
    confidence: np.ndarray,
    wrong: np.ndarray,
    outside: np.ndarray,
    max_error: float,
    sureness: float,
    seed: int,
) -> tuple[float | None, Tested]:
    """The loosest threshold of a sequence that is shown to keep errors among accepted rows few.

    Args:
        confidence: (n,) of rows that the model did not learn from; enough to show it if none is wrong.
        wrong: (n,) bool, whether accepting the row is an error.
        outside: (n,) bool, whether it is out of scope; only counted.
        max_error: share of errors allowed among accepted rows.
        sureness: probability, over draws of the rows, that the promise holds.
        seed: of the draw of placing rows.

    Returns:
        The threshold and what it did; ``None`` and what the strictest one that was tested did where no
        threshold could be shown to be safe.
    """
    order = np.random.default_rng(seed).permutation(len(confidence))
    fewest = rows_needed(max_error, sureness)
    # with so few rows only one threshold, nothing rejected, can be tested with any hope
    n_placing = int(PLACING_SHARE * len(order)) if len(order) >= 2 * fewest else 0
    placing, testing = confidence[order[:n_placing]], order[n_placing:]
    at_start = max(ROWS_AT_START, rows_needed(max_error, sureness, ERRORS_AT_START))
    thresholds, begins = _sequence(placing, len(testing), fewest, at_start, _starts(len(testing)))
    found: tuple[float | None, Tested] | None = None
    level = 0.0
    for number, threshold in enumerate(thresholds):
        level += (1 - sureness) / len(begins) if number in begins else 0.0
        if level == 0.0:
            continue
        kept = testing[confidence[testing] >= threshold]
        tested = Tested(
            rows=len(testing),
            outside=int(outside[testing].sum()),
            accepted=len(kept),
            wrong=int(wrong[kept].sum()),
            accepted_outside=int(outside[kept].sum()),
        )
        if lower_tail(tested.wrong, len(kept), max_error) <= level:
            found = threshold, tested
        elif lower_tail(0, len(kept), max_error) <= level:
            found = found or (None, tested)
            level = 0.0
    assert found is not None
    return found


def rows_to_bear(wrong: int, n_testing: int, max_error: float, sureness: float) -> int:
    """The fewest accepted rows that could have had so many errors and passed where the sequence begins."""
    return rows_needed(max_error, 1 - (1 - sureness) / _starts(n_testing), wrong)


def least_risk(
    confidence: np.ndarray, wrong: np.ndarray, outside: np.ndarray, refused: float, sureness: float, seed: int
) -> float | None:
    """The least of :data:`LEAST_RISKS` above the one refused that could be promised; ``None`` if none could.

    Each risk has its own thresholds, so that a smaller one can now and then be had where a larger
    one cannot; to say so would only puzzle.
    """
    for risk in (one for one in LEAST_RISKS if one > refused):
        found, _ = controlled_threshold(confidence, wrong, outside, risk, sureness, seed)
        if found is not None:
            return risk
    return None


def _starts(n_testing: int) -> int:
    return 2 if n_testing >= ROWS_FOR_TWO_STARTS else 1


def _sequence(
    placing: np.ndarray, n_testing: int, fewest: int, at_start: int, starts: int
) -> tuple[list[float], set[int]]:
    """Thresholds from strict to loose, of which the last, −∞, accepts everything; and the beginnings."""
    if not len(placing):
        return [-math.inf], {0}
    first = min(at_start, max(fewest, n_testing // 2)) / n_testing
    shares = np.linspace(first, 1.0, STEPS)[:-1]
    thresholds = np.quantile(placing, 1.0 - shares, method="inverted_cdf")
    # the second beginning lies half way in proportion
    begins = np.searchsorted(shares, np.geomspace(first, 1.0, starts + 1)[:-1])
    return [*thresholds.tolist(), -math.inf], set(begins.tolist())
