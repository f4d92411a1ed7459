"""Where the rungs stand: which is best, which are as good, and which of those is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
        compared: by rung, its accuracy less that of the best, and the best's standard error, on the rows that
            both were judged on.
    """

    best: Candidate
    cheapest: Candidate
    chosen: Candidate
    compared: dict[str, tuple[float, float]]


def standing(climb: Climb, ladder: Sequence[Candidate]) -> Standing:
    """Of rungs of which one at least was judged."""
    name = climb.leader()
    compared = {one: beside(climb.right, one, name) for one in climb.right}
    (best,) = (one for one in ladder if one.name == name)
    alike = [one for one in ladder if one.name in compared and _alike(*compared[one.name])]
    saved = FREE_SHARE * climb.budget
    chosen = cheapest = _cheapest(climb, alike, saved)
    for one in alike:
        if one.blends and climb.refit_seconds[one.name] <= saved:
            chosen = one
    return Standing(best, cheapest, chosen, compared)


def _cheapest(climb: Climb, alike: Sequence[Candidate], saved: float) -> Candidate:
    """The first of the ladder, or what of the same method was clearly faster on these rows."""
    cheapest = alike[0]
    for one in alike[1:]:
        seconds = climb.refit_seconds[cheapest.name] - climb.refit_seconds[one.name]
        # an encoder's seconds are no part of these, so that methods cannot be compared by them
        if one.method == cheapest.method and seconds > saved:
            cheapest = one
    return cheapest


def _alike(behind: float, standard_error: float) -> bool:
    return behind >= -standard_error
