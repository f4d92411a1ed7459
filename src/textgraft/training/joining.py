"""Two trainings, one after the other, as one story over the layer groups of both."""

from __future__ import annotations

from dataclasses import replace

from textgraft.core.plan import Plan
from textgraft.training.records import Training


def joined(prefix: str, first: Training, second: Training) -> Training:
    """Two trainings of one network as one story; groups of one name are the same layers.

    Args:
        prefix: name of the first one's phases.
        first, second: in the order in which they ran; either may have groups that the other lacks.
    """
    phases = tuple(replace(phase, name=prefix) for phase in first.plan.phases)
    reports = tuple(replace(report, phase=prefix) for report in first.reports)
    return _one_story(replace(first, plan=replace(first.plan, phases=phases), reports=reports), second)


def trained_in_turn(first: Training, second: Training, prefix: str = "pair") -> Training:
    """The trainings of two networks, one after the other, as one.

    Args:
        first, second: in the order in which they ran.
        prefix: put before names of the second's groups that the first has as well.
    """
    return _one_story(first, replace(second, plan=_told_apart(first.plan, second.plan, prefix)))


def plans_in_turn(first: Plan, second: Plan, prefix: str = "pair") -> Plan:
    """A plan over the groups of two networks, which learn one after the other.

    Groups of the second that are called like one of the first are called ``pair …``, or with another prefix.
    """
    return _one_plan(first, _told_apart(first, second, prefix))


def _told_apart(first: Plan, second: Plan, prefix: str) -> Plan:
    names = tuple(f"{prefix} {name}" if name in first.groups else name for name in second.groups)
    return replace(second, groups=names)


def _one_story(first: Training, second: Training) -> Training:
    """Both trainings over the plan of both; reports are of all epochs."""
    plan = _one_plan(first.plan, second.plan)
    done = first.plan.epochs
    early = [
        replace(report, epochs=plan.epochs, rates=_placed(report.rates, first.plan.groups, plan.groups))
        for report in first.reports
    ]
    late = [
        replace(
            report,
            epoch=done + report.epoch,
            epochs=plan.epochs,
            rates=_placed(report.rates, second.plan.groups, plan.groups),
        )
        for report in second.reports
    ]
    return Training(plan, (*early, *late), done + second.best_epoch, first.notes + second.notes)


def _one_plan(first: Plan, second: Plan) -> Plan:
    """The phases of both over the groups of both, those of the first in front."""
    groups = first.groups + tuple(name for name in second.groups if name not in first.groups)
    phases = [
        replace(
            phase,
            peak_rates=_placed(phase.peak_rates, plan.groups, groups),
            weight_decay=_placed(phase.weight_decay, plan.groups, groups),
        )
        for plan in (first, second)
        for phase in plan.phases
    ]
    return Plan(groups, tuple(phases))


def _placed(values: tuple[float, ...], own: tuple[str, ...], groups: tuple[str, ...]) -> tuple[float, ...]:
    """Numbers of some groups among all groups; 0 where there is none."""
    by_name = dict(zip(own, values, strict=True))
    return tuple(by_name.get(name, 0.0) for name in groups)
