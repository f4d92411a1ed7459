"""Where the rungs stand: which is best, which are as good, and which of those is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textgraft.experiments.auto.climb import Climb, beside, standard_error
from textgraft.experiments.ladder import Candidate

CLEARLY_FASTER = 0.02
"""Of the budget: what of one method learns in so much less is the cheaper."""

BLEND_SHARE = 0.25
"""Of the budget: a blend that learns in less is preferred to what is cheaper and as good. Within one standard
error little is known, and on other rows a blend did better (``benchmarks/defaults_auto.py``)."""


@dataclass(frozen=True)
class Standing:
    """Where the rungs that were judged stand.

    Attributes:
        best: the one of the highest accuracy.
        cheapest: of those within one standard error of it.
        chosen: the cheapest, or a blend within one standard error that is affordable.
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
    chosen = cheapest = _cheapest(climb, alike)
    for one in alike:
        if one.blends and climb.refit_seconds[one.name] <= BLEND_SHARE * climb.budget:
            chosen = one
    return Standing(best, cheapest, chosen, compared, error)


def _cheapest(climb: Climb, alike: Sequence[Candidate]) -> Candidate:
    """The first of the ladder, or what of the same method was clearly faster on these rows."""
    cheapest = alike[0]
    for one in alike[1:]:
        seconds = climb.refit_seconds[cheapest.name] - climb.refit_seconds[one.name]
        # an encoder's seconds are no part of these, so that methods cannot be compared by them
        if one.method == cheapest.method and seconds > CLEARLY_FASTER * climb.budget:
            cheapest = one
    return cheapest
