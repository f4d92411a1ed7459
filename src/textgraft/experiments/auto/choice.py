"""What ``fit -m auto`` chose, why, and what else it tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textgraft.core.durations import duration_words
from textgraft.experiments.tables import as_json, percent

FOLDS = 5
"""Parts that rows are cut into; each is judged by models that learned the others."""


@dataclass(frozen=True)
class Tried:
    """One rung of the ladder.

    Attributes:
        name: the candidate's.
        accuracy: of the rows judged, none of which it had learned; ``None`` when skipped.
        folds: judged; fewer than all when the budget did not allow more.
        rows: judged.
        seconds: spent on it.
        beside_best: its accuracy less that of the best, on the rows that both were judged on.
        skipped: why it was not judged.
        kept: whether it was learned once, from all rows but those that judged it, for good.
    """

    name: str
    accuracy: float | None
    folds: int
    rows: int
    seconds: float
    beside_best: float | None = None
    skipped: str | None = None
    kept: bool = False


@dataclass(frozen=True)
class AutoChoice:
    """What was chosen, and why.

    Attributes:
        chosen: the candidate's name.
        cheapest: of those within one standard error of the best; a blend may be chosen in its stead.
        method, parameters: what it is.
        best: the candidate of the highest accuracy.
        standard_error: of the best's accuracy, on all rows that it was judged on.
        budget, seconds: given, and spent on choosing.
        tried: every rung, in order.
    """

    chosen: str
    cheapest: str
    method: str
    parameters: dict[str, Any]
    best: str
    standard_error: float
    budget: float
    seconds: float
    tried: tuple[Tried, ...]

    def sentences(self) -> list[str]:
        """Every rung on a line, and why the chosen one was."""
        width = max(len(one.name) for one in self.tried)
        lines = [f"  {one.name:<{width}}  {_rung_words(one)}" for one in self.tried]
        spent = f"{duration_words(self.seconds)} of {duration_words(self.budget)}"
        return [f"Tried on the training rows, in {spent}:", *lines, self.why]

    @property
    def why(self) -> str:
        """The choice in one sentence."""
        if self.chosen == self.best == self.tried[0].name:
            return f"Chosen: {self.chosen}, the best, and the cheapest."
        if self.chosen == self.best == self.cheapest:
            return f"Chosen: {self.chosen}, the best; nothing cheaper is within one standard error of it."
        blended = self.chosen != self.cheapest
        cheaper = (
            f"; {self.cheapest} is cheaper, but a blend that is as good is seldom behind." if blended else "."
        )
        if self.chosen == self.best:
            return f"Chosen: {self.chosen}, the best{cheaper}"
        (one,) = (one for one in self.tried if one.name == self.chosen)
        behind = f"{100 * (one.beside_best or 0.0):+.1f}".replace("-", "−")
        return (
            f"Chosen: {self.chosen}, {'' if blended else 'the cheapest '}within one standard error "
            f"({100 * self.standard_error:.1f} points) of the best, {self.best}: "
            f"{behind} points on the same rows{cheaper}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return as_json(self)


def _rung_words(one: Tried) -> str:
    if one.skipped is not None:
        return f"skipped: {one.skipped}"
    folds = "" if one.folds == FOLDS else f", {one.folds} of {FOLDS} folds"
    if one.kept:
        folds = ", learned once from all others"
    return f"{percent(one.accuracy)} of {one.rows:,} rows{folds}, {duration_words(one.seconds)}"
