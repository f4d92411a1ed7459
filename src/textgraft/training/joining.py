"""Two trainings, one after the other, as one story over the layer groups of both."""

from __future__ import annotations

from dataclasses import replace

from textgraft.core.plan import Plan
from textgraft.training.records import Training


def joined(prefix: str, first: Training, second: Training) -> Training:
    """Two trainings of one network as one story, over the second's layer groups.

    Args:
        prefix: name of the first one's phases.
        first, second: in the order in which they ran; the first's groups are the second's first ones.
    """
    phases = tuple(replace(phase, name=prefix) for phase in first.plan.phases)
    reports = tuple(replace(report, phase=prefix) for report in first.reports)
    named = replace(first, plan=replace(first.plan, phases=phases), reports=reports)
    return _one_story(_one_plan(second.plan.groups, named.plan, second.plan), named, second)


def trained_in_turn(first: Training, second: Training) -> Training:
    """The trainings of two networks, one after the other, as one."""
    return _one_story(plans_in_turn(first.plan, second.plan), first, second)


def plans_in_turn(first: Plan, second: Plan) -> Plan:
    """A plan over the groups of two networks, which learn one after the other.

    Groups of the second that are called like one of the first are called ``pair …``.
    """
    renamed = tuple(f"pair {name}" if name in first.groups else name for name in second.groups)
    return _one_plan(first.groups + renamed, first, second)


def _one_story(plan: Plan, first: Training, second: Training) -> Training:
    """Both trainings over a plan of :func:`_one_plan`."""
    done = first.plan.epochs
    before, after = _idle(plan.groups, second.plan), _idle(plan.groups, first.plan)
    early = [replace(report, epochs=plan.epochs, rates=report.rates + after) for report in first.reports]
    late = [
        replace(report, epoch=done + report.epoch, epochs=plan.epochs, rates=before + report.rates)
        for report in second.reports
    ]
    return Training(plan, (*early, *late), done + second.best_epoch, first.notes + second.notes)


def _one_plan(groups: tuple[str, ...], first: Plan, second: Plan) -> Plan:
    """Over groups of which the first plan has the first ones, and the second the last ones."""
    before, after = _idle(groups, second), _idle(groups, first)
    early = [
        replace(phase, peak_rates=phase.peak_rates + after, weight_decay=phase.weight_decay + after)
        for phase in first.phases
    ]
    late = [
        replace(phase, peak_rates=before + phase.peak_rates, weight_decay=before + phase.weight_decay)
        for phase in second.phases
    ]
    return Plan(groups, (*early, *late))


def _idle(groups: tuple[str, ...], plan: Plan) -> tuple[float, ...]:
    """Rates of the groups that a plan does not have."""
    return (0.0,) * (len(groups) - len(plan.groups))
