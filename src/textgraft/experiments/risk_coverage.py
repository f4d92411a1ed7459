"""How many errors are left when more or fewer texts are rejected: the risk–coverage curve.

El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.experiments.answers import Answers

FEWEST_ROWS = 20
"""Accepted rows from which a curve begins: among the very surest a single error looks like a disaster."""

MOST_POINTS = 200
"""Of a curve; more cannot be told apart."""


@dataclass(frozen=True)
class Kept:
    """What one threshold does.

    Attributes:
        coverage: share of in-scope texts that are accepted.
        risk: errors among accepted in-scope texts; ``None`` when none is accepted.
        risk_of_all: the same with accepted out-of-scope texts counted as errors; ``None`` without such rows.
    """

    coverage: float
    risk: float | None
    risk_of_all: float | None


@dataclass(frozen=True)
class RiskCoverage:
    """The curve.

    Attributes:
        points: from strict thresholds, that accept some rows at least, to loose ones; the last accepts all.
        chosen: what the classifier's own threshold does.
        area: mean risk over all coverages (AURC), in-scope texts.
    """

    points: tuple[Kept, ...]
    chosen: Kept
    area: float

    def at(self, coverage: float) -> Kept:
        """The strictest point that accepts so large a share."""
        return next(point for point in self.points if point.coverage >= coverage - 1e-9)


def risk_coverage(answers: Answers) -> RiskCoverage:
    """The curve of a classifier on rows it has not seen, one point for each confidence that occurs."""
    n, confidence = answers.n, answers.scores.confidence
    wrong, outside = ~answers.best_is_right, confidence[n:]
    order = np.argsort(-confidence[:n], kind="stable")
    sorted_confidence = confidence[:n][order]
    # rows of one confidence are accepted together
    ends = np.flatnonzero(np.append(sorted_confidence[1:] < sorted_confidence[:-1], True))
    accepted = ends + 1
    errors = np.cumsum(wrong[order])[ends]
    first = int(np.searchsorted(accepted, min(FEWEST_ROWS, n)))
    some = np.unique(np.linspace(first, len(ends) - 1, min(MOST_POINTS, len(ends))).astype(int))
    strangers = [int((outside >= cut).sum()) for cut in sorted_confidence[ends[some]]]
    points = tuple(
        Kept(
            coverage=float(accepted[at] / n),
            risk=float(errors[at] / accepted[at]),
            risk_of_all=_share(errors[at] + others, accepted[at] + others) if len(outside) else None,
        )
        for at, others in zip(some, strangers, strict=True)
    )
    kept, kept_outside = answers.accepted[:n], int(answers.accepted[n:].sum())
    count, wrong_kept = int(kept.sum()), int((wrong & kept).sum())
    chosen = Kept(
        coverage=count / n,
        risk=_share(wrong_kept, count),
        risk_of_all=_share(wrong_kept + kept_outside, count + kept_outside) if len(outside) else None,
    )
    gained = np.diff(accepted, prepend=0)
    return RiskCoverage(points, chosen, float((errors / accepted * gained).sum() / n))


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
