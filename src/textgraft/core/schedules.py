"""How a learning rate moves while a phase goes on.

Every schedule is a function of *progress*, the share of the phase's steps that are done, in
[0, 1], and gives the share of the peak rate to use. None of them counts steps, so a phase of
one step is as sound as one of a million.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Constant:
    """The peak rate, always."""

    def at(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class OneCycle:
    """Up and down along cosines (Smith, "Super-Convergence", 2018, as fastai draws it).

    Attributes:
        warmup: share of the phase that goes up.
        start, end: share of the peak rate at both ends.
    """

    warmup: float = 0.25
    start: float = 0.04
    end: float = 0.0

    def at(self, progress: float) -> float:
        if progress < self.warmup:
            return _cosine(self.start, 1.0, progress / self.warmup)
        return _cosine(1.0, self.end, (progress - self.warmup) / max(1.0 - self.warmup, 1e-12))


@dataclass(frozen=True)
class SlantedTriangular:
    """A short straight way up, a long one down (Howard and Ruder, "ULMFiT", 2018, equation 3).

    Attributes:
        cut: share of the phase that goes up.
        ratio: how many times smaller than the peak the lowest rate is.
    """

    cut: float = 0.1
    ratio: float = 32.0

    def at(self, progress: float) -> float:
        up = progress / self.cut if self.cut > 0 else 1.0
        down = (1.0 - progress) / max(1.0 - self.cut, 1e-12)
        return (1.0 + min(up, down) * (self.ratio - 1.0)) / self.ratio


@dataclass(frozen=True)
class LinearDecay:
    """Straight up from nothing, then straight down to nothing (Devlin et al., "BERT", 2019).

    Attributes:
        warmup: share of the phase that goes up.
    """

    warmup: float = 0.1

    def at(self, progress: float) -> float:
        if progress < self.warmup:
            return progress / self.warmup
        return (1.0 - progress) / max(1.0 - self.warmup, 1e-12)


Schedule: TypeAlias = Constant | OneCycle | SlantedTriangular | LinearDecay

SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "one-cycle": OneCycle,
    "slanted-triangular": SlantedTriangular,
    "linear-decay": LinearDecay,
}


def schedule_name(schedule: Schedule) -> str:
    """The name of a schedule's kind."""
    return next(name for name, kind in SCHEDULES.items() if kind is type(schedule))


def schedule_to_json(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON values."""
    return {"name": schedule_name(schedule)} | asdict(schedule)


def schedule_from_json(plain: dict[str, Any]) -> Schedule:
    """The inverse of :func:`schedule_to_json`."""
    settings = {key: value for key, value in plain.items() if key != "name"}
    return SCHEDULES[plain["name"]](**settings)


def _cosine(a: float, b: float, share: float) -> float:
    return a + (b - a) * (1.0 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2.0
