"""How far a long piece of work has come; who shows it is not our business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units of the work called ``what``.

    ``pace`` says how fast, where it is known, ``seconds_left`` how long it takes yet, where whoever works
    knows that better than units do, and ``found`` what came of it so far, such as the last epoch's loss.
    """

    what: str
    done: int
    total: int
    pace: str = ""
    seconds_left: float | None = None
    found: str = ""


Watch = Callable[[Progress], None]
"""Told of progress now and then; called from the working thread."""


def unwatched(_: Progress) -> None:
    """Watch nothing."""
