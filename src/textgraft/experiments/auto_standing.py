"""Where the rungs stand: which is best, which are as good, and which of those is chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textgraft.experiments.auto_climb import Climb, beside
from textgraft.experiments.ladder import Candidate

FREE_SHARE = 0.02
"""Of the budget: what learns in less costs nothing to speak of. Among such rungs one standard error tells
little where rows are few, and a blend is preferred to its parts: it was hardly ever behind the better one."""


@dataclass(frozen=True)
class Standing:
    """Where the rungs that were judged stand.

    Attributes:
        best: the one of the highest accuracy.
        cheapest: of those within one standard error of it.
        chosen: the cheapest, or a blend within one standard error that costs nothing to speak of.
        compared: by rung, its accuracy less that of the best on the rows that both were judged on.
        standard_error: of the best's accuracy on all rows that it was judged on. On those that both were, a
            rung would be the more as good the less it was judged.
    """

    best: Candidate
    cheapest: Candidate
    chosen: Candidate
    compared: dict[str, float]
    standard_error: float


def standing(climb: Climb, ladder: Sequence[Candidate]) -> Standing:
    """Of rungs of which one at least was judged."""
    name = climb.leader()
    compared = {one: beside(climb.right, one, name) for one in climb.right}
    (best,) = (one for one in ladder if one.name == name)
    error = standard_error(climb.right[name])
    alike = [one for one in ladder if one.name in compared and compared[one.name] >= -error]
    saved = FREE_SHARE * climb.budget
    chosen = cheapest = _cheapest(climb, alike, saved)
    for one in alike:
        if one.blends and climb.refit_seconds[one.name] <= saved:
            chosen = one
    return Standing(best, cheapest, chosen, compared, error)


def standard_error(right: np.ndarray) -> float:
    """Of the accuracy of a rung that was right, or not, about so many rows; NaN where it was not judged."""
    share, n = float(np.nanmean(right)), int((~np.isnan(right)).sum())
    return math.sqrt(share * (1 - share) / n)


def _cheapest(climb: Climb, alike: Sequence[Candidate], saved: float) -> Candidate:
    """The first of the ladder, or what of the same method was clearly faster on these rows."""
    cheapest = alike[0]
    for one in alike[1:]:
        seconds = climb.refit_seconds[cheapest.name] - climb.refit_seconds[one.name]
        # an encoder's seconds are no part of these, so that methods cannot be compared by them
        if one.method == cheapest.method and seconds > saved:
            cheapest = one
    return cheapest
