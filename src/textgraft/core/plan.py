"""Training as data: which layer groups learn, how fast, for how long.

Gradual unfreezing, discriminative rates, one-cycle and "train the head only" are one thing: a
list of phases with a peak rate for each layer group, 0 meaning frozen. A plan prints before it
runs, is tested without torch, and is stored in the model folder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textgraft.core.schedules import (
    OneCycle,
    Schedule,
    SlantedTriangular,
    schedule_from_json,
    schedule_name,
    schedule_to_json,
)
from textgraft.errors import ParameterError

WEIGHT_DECAY = 0.01
"""Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019; the value of BERT."""


@dataclass(frozen=True)
class Phase:
    """Some epochs under one schedule.

    Attributes:
        name: for people.
        epochs: times that every row is seen.
        peak_rates: highest learning rate of each layer group, input → output; 0 is frozen.
        weight_decay: of each layer group.
        schedule: how the rates move within the phase.
    """

    name: str
    epochs: int
    peak_rates: tuple[float, ...]
    weight_decay: tuple[float, ...]
    schedule: Schedule


@dataclass(frozen=True)
class Plan:
    """Phases over named layer groups, input → output.

    Raises:
        ParameterError: a phase that does not fit the groups; all faults at once.
    """

    groups: tuple[str, ...]
    phases: tuple[Phase, ...]

    def __post_init__(self) -> None:
        faults = []
        if not self.groups:
            faults.append("there are no layer groups")
        if twice := sorted({group for group in self.groups if self.groups.count(group) > 1}):
            faults.append(f"layer groups named twice: {', '.join(twice)}")
        for phase in self.phases:
            for what in ("peak_rates", "weight_decay"):
                values = getattr(phase, what)
                if len(values) != len(self.groups):
                    faults.append(
                        f"phase {phase.name!r} has {len(values)} {what} for {len(self.groups)} groups"
                    )
                if not all(0.0 <= value < math.inf for value in values):
                    faults.append(
                        f"phase {phase.name!r} has a number among its {what} that is negative or not finite"
                    )
            if phase.epochs < 0 or phase.epochs != int(phase.epochs):
                faults.append(f"phase {phase.name!r} has {phase.epochs} epochs")
        if faults:
            raise ParameterError.of("Plan", faults)

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)

    def freeze_to(self, n: int) -> Plan:
        """The same plan with the first n groups frozen; −1 leaves only the last one."""
        frozen = range(*slice(None, n).indices(len(self.groups)))
        return self._masked(lambda number: number not in frozen)

    def freeze_all_but(self, names: Collection[str]) -> Plan:
        """The same plan with only the named groups learning.

        Raises:
            ParameterError: a name that no group has.
        """
        unknown = sorted(set(names) - set(self.groups))
        if unknown:
            raise ParameterError(
                f"Unknown layer groups {', '.join(unknown)}: expected some of {', '.join(self.groups)}."
            )
        return self._masked(lambda number: self.groups[number] in names)

    def then(self, other: Plan) -> Plan:
        """This plan, and another of the same groups after it.

        Raises:
            ParameterError: the other has other groups.
        """
        if self.groups != other.groups:
            raise ParameterError("Plans follow one another only over the same layer groups.")
        return Plan(self.groups, self.phases + other.phases)

    def _masked(self, learns: Callable[[int], bool]) -> Plan:
        return replace(
            self,
            phases=tuple(
                replace(
                    phase,
                    peak_rates=tuple(
                        rate if learns(number) else 0.0 for number, rate in enumerate(phase.peak_rates)
                    ),
                )
                for phase in self.phases
            ),
        )


@dataclass(frozen=True)
class Stage:
    """One network's training, before it runs.

    Attributes:
        name: for people.
        plan: what learns, how fast, for how long; without phases, what is computed at once.
        sizes: parameters of each layer group.
        rate: the peak rate that the method was given or chose, from which the plan's follow.
        parameter: of the method, which sets that rate.
    """

    name: str
    plan: Plan
    sizes: dict[str, int]
    rate: float
    parameter: str = "rate"


def discriminative(rate: float, n_groups: int, factor: float) -> tuple[float, ...]:
    """Peak rates that shrink by ``factor`` from each group to the one before it.

    Howard and Ruder, "ULMFiT", 2018, section 3.2, use 2.6. A factor of 1 is one rate for all.

    Raises:
        ParameterError: the factor is not above 0.
    """
    if not factor > 0:
        raise ParameterError(f"The factor between layer groups must be above 0, found {factor}.")
    return tuple(rate / factor ** (n_groups - 1 - number) for number in range(n_groups))


def one_cycle(
    groups: Sequence[str],
    epochs: int,
    rate: float,
    *,
    factor: float = 1.0,
    weight_decay: float = WEIGHT_DECAY,
    name: str = "all layers",
    schedule: Schedule | None = None,
) -> Plan:
    """All groups at once, under one cycle.

    Args:
        groups: layer groups, input → output.
        epochs: times that every row is seen.
        rate: peak rate of the last group.
        factor: how many times slower each group learns than the one after it.
        weight_decay: of every group.
        name: of the phase.
        schedule: another one than :class:`OneCycle`.
    """
    rates = discriminative(rate, len(groups), factor)
    decay = (weight_decay,) * len(groups)
    return Plan(tuple(groups), (Phase(name, epochs, rates, decay, schedule or OneCycle()),))


def slanted_triangular(
    groups: Sequence[str],
    epochs: int,
    rate: float,
    *,
    factor: float = 2.6,
    weight_decay: float = WEIGHT_DECAY,
) -> Plan:
    """All groups at once, under one slanted triangle, rates shrinking towards the input."""
    return one_cycle(
        groups, epochs, rate, factor=factor, weight_decay=weight_decay, schedule=SlantedTriangular()
    )


def head_first(
    groups: Sequence[str],
    head_epochs: int,
    epochs: int,
    rate: float,
    *,
    head_rate: float,
    factor: float = 1.0,
    weight_decay: float = WEIGHT_DECAY,
) -> Plan:
    """The last group alone, then all of them (Kumar et al., "Fine-Tuning Can Distort …", 2022)."""
    head = one_cycle(groups, head_epochs, head_rate, weight_decay=weight_decay, name="head").freeze_to(-1)
    return head.then(one_cycle(groups, epochs, rate, factor=factor, weight_decay=weight_decay))


def gradual_unfreezing(
    groups: Sequence[str],
    rate: float,
    *,
    epochs_each: int = 1,
    last_epochs: int = 1,
    factor: float = 2.6,
    weight_decay: float = WEIGHT_DECAY,
    schedule: Schedule | None = None,
) -> Plan:
    """One group more in each phase, from the output to the input (ULMFiT, 2018, section 3.3).

    Args:
        groups: layer groups, input → output.
        rate: peak rate of the last group.
        epochs_each: of every phase but the last.
        last_epochs: of the last phase, in which all groups learn.
        factor: how many times slower each group learns than the one after it.
        weight_decay: of every group.
        schedule: of each phase, another one than :class:`SlantedTriangular`.
    """
    whole = one_cycle(
        groups, 1, rate, factor=factor, weight_decay=weight_decay, schedule=schedule or SlantedTriangular()
    )
    phases = []
    for learning in range(1, len(groups) + 1):
        last = learning == len(groups)
        (phase,) = whole.freeze_to(-learning).phases if not last else whole.phases
        name = "all layers" if last else f"last {learning}"
        phases.append(replace(phase, name=name, epochs=last_epochs if last else epochs_each))
    return Plan(tuple(groups), tuple(phases))


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON values."""
    return {
        "groups": list(plan.groups),
        "phases": [
            {
                "name": phase.name,
                "epochs": phase.epochs,
                "peak_rates": list(phase.peak_rates),
                "weight_decay": list(phase.weight_decay),
                "schedule": schedule_to_json(phase.schedule),
            }
            for phase in plan.phases
        ],
    }


def plan_from_json(plain: dict[str, Any]) -> Plan:
    """The inverse of :func:`plan_to_json`.

    Raises:
        ParameterError: the values are no plan.
    """
    try:
        return Plan(
            tuple(plain["groups"]),
            tuple(
                Phase(
                    phase["name"],
                    phase["epochs"],
                    tuple(phase["peak_rates"]),
                    tuple(phase["weight_decay"]),
                    schedule_from_json(phase["schedule"]),
                )
                for phase in plain["phases"]
            ),
        )
    except (KeyError, TypeError) as error:
        raise ParameterError(f"These values are no plan ({error}).") from error


def plan_table(plan: Plan, sizes: dict[str, int]) -> str:
    """Phases, groups, rates and how many parameters learn, as lines of text.

    Args:
        plan: what to print; without phases, its groups are computed at once.
        sizes: parameters of each layer group by name.
    """
    width = max(len(group) for group in plan.groups)
    if not plan.phases:
        return "\n".join(
            f"   {group:<{width}}  {sizes[group]:>13,}  computed at once, in no epochs"
            for group in plan.groups
        )
    lines = []
    for number, phase in enumerate(plan.phases, 1):
        learning = sum(
            sizes[group] for group, rate in zip(plan.groups, phase.peak_rates, strict=True) if rate > 0
        )
        lines.append(
            f"{number}. {phase.name}: {_counted(phase.epochs, 'epoch')}, {schedule_name(phase.schedule)}, "
            f"{learning:,} of {sum(sizes.values()):,} parameters learn"
        )
        for group, rate, decay in zip(plan.groups, phase.peak_rates, phase.weight_decay, strict=True):
            pace = f"rate {rate:.2e}  weight decay {decay:g}" if rate > 0 else "frozen"
            lines.append(f"   {group:<{width}}  {sizes[group]:>13,}  {pace}")
    return "\n".join(lines)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
