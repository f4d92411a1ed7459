"""How long the rest of a comparison takes: cells of one method and size take alike, others by their rows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Kind = tuple[str, str]
"""A method and a size."""


@dataclass
class TimeLeft:
    """What cells took so far, and what that says of those to come.

    Attributes:
        todo: kind and rows of every cell that is still to be measured, in order.
        clock: seconds.
        took: by kind, seconds of every cell that ended.
    """

    todo: list[tuple[Kind, int]]
    clock: Callable[[], float] = time.monotonic
    took: dict[Kind, list[float]] = field(default_factory=dict)
    _rows: dict[Kind, int] = field(default_factory=dict)
    _began: float = 0.0

    def begin(self) -> None:
        """The first cell of ``todo`` begins."""
        self._began = self.clock()

    def end(self) -> None:
        """It ended."""
        kind, self._rows[kind] = self.todo.pop(0)
        self.took.setdefault(kind, []).append(self.clock() - self._began)

    def seconds(self, part: float = 0.0) -> float | None:
        """Seconds until all is done; ``None`` while nothing is known.

        Args:
            part: done of the cell that runs, from 0 to 1, if it says.
        """
        spent, took, rows = self.clock() - self._began, dict(self.took), dict(self._rows)
        if part > 0:
            kind, n = self.todo[0]
            # the first of its kind is reckoned from what was seen of it
            took.setdefault(kind, [spent / part])
            rows.setdefault(kind, n)
        if not took or not self.todo:
            return None
        estimates = [_estimate(kind, n, took, rows) for kind, n in self.todo]
        return sum(estimates) - min(spent, estimates[0])


def _estimate(kind: Kind, n: int, took: Mapping[Kind, list[float]], rows: Mapping[Kind, int]) -> float:
    """As cells of its kind took; else as those of its method, by rows; else as any took."""
    if kind in took:
        return statistics.mean(took[kind])
    alike = [one for one in took if one[0] == kind[0]]
    if alike:
        return statistics.mean(took[alike[-1]]) * max(n / max(rows[alike[-1]], 1), 1.0)
    return statistics.mean(seconds for every in took.values() for seconds in every)
