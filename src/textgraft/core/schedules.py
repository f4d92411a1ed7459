"""How a learning rate moves while a phase goes on.

Every schedule is a function of *progress*, the share of the phase's steps that are done, in
[0, 1], and gives the share of the peak rate to use. None of them counts steps, so a phase of
one step is as sound as one of a million.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from textgraft.errors import ParameterError


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

    Raises:
        ParameterError: a share that is not from 0 to 1; all faults at once.
    """

    warmup: float = 0.25
    start: float = 0.04
    end: float = 0.0

    def __post_init__(self) -> None:
        _check_shares("OneCycle", warmup=self.warmup, start=self.start, end=self.end)

    def at(self, progress: float) -> float:
        if progress < self.warmup:
            return _cosine(self.start, 1.0, progress / self.warmup)
        return _cosine(1.0, self.end, 1.0 - _left(progress, self.warmup))


@dataclass(frozen=True)
class SlantedTriangular:
    """A short straight way up, a long one down (Howard and Ruder, "ULMFiT", 2018, equation 3).

    Attributes:
        cut: share of the phase that goes up.
        ratio: how many times smaller than the peak the lowest rate is.

    Raises:
        ParameterError: numbers that cannot be; all faults at once.
    """

    cut: float = 0.1
    ratio: float = 32.0

    def __post_init__(self) -> None:
        ratio = [] if 1.0 <= self.ratio < math.inf else [f"ratio must be 1 or more, found {self.ratio}"]
        _check_shares("SlantedTriangular", ratio, cut=self.cut)

    def at(self, progress: float) -> float:
        up = progress / self.cut if self.cut > 0 else 1.0
        return (1.0 + min(up, _left(progress, self.cut)) * (self.ratio - 1.0)) / self.ratio


@dataclass(frozen=True)
class LinearDecay:
    """Straight up from nothing, then straight down to nothing (Devlin et al., "BERT", 2019).

    Attributes:
        warmup: share of the phase that goes up.

    Raises:
        ParameterError: the share is not from 0 to 1.
    """

    warmup: float = 0.1

    def __post_init__(self) -> None:
        _check_shares("LinearDecay", warmup=self.warmup)

    def at(self, progress: float) -> float:
        if progress < self.warmup:
            return progress / self.warmup
        return _left(progress, self.warmup)


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
    """The inverse of :func:`schedule_to_json`.

    Raises:
        ParameterError: no schedule has that name or those settings.
    """
    if plain.get("name") not in SCHEDULES:
        raise ParameterError(
            f"Unknown schedule {plain.get('name')!r}: expected one of {', '.join(SCHEDULES)}."
        )
    settings = {key: value for key, value in plain.items() if key != "name"}
    try:
        return SCHEDULES[plain["name"]](**settings)
    except TypeError as error:
        raise ParameterError(f"The schedule {plain['name']!r} has other settings ({error}).") from error


def _left(progress: float, turn: float) -> float:
    """Share of the way down that is left, for a schedule that turns at ``turn``: 1 there, 0 at the end."""
    # clipped, since (1 − p) / (1 − p) may round to more than 1
    return min(max((1.0 - progress) / (1.0 - turn), 0.0), 1.0) if turn < 1.0 else 1.0


def _check_shares(schedule: str, faults: Sequence[str] = (), **shares: float) -> None:
    wrong = [f"{name} must be from 0 to 1, found {s}" for name, s in shares.items() if not 0.0 <= s <= 1.0]
    if faults or wrong:
        raise ParameterError.of(schedule, [*wrong, *faults])


def _cosine(a: float, b: float, share: float) -> float:
    return a + (b - a) * (1.0 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2.0
