"""How high a learning rate the network of a method takes, found before it learns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from textgraft.core.plan import Plan, Stage
from textgraft.core.progress import Watch
from textgraft.errors import ParameterError
from textgraft.methods.lesson import Lesson
from textgraft.training.records import Training, WatchEpochs

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier
    from textgraft.training.rate_finder import RateSearch
    from textgraft.training.settings import Batches, LossOf, Settings


@dataclass(frozen=True)
class FoundRate:
    """What rates were tried, in terms of the method's own parameter.

    Attributes:
        stage: the training that was tried out.
        parameter: of the method, which sets its rate.
        usual: the parameter's value now; of ``auto``, what it stands for on these rows.
        suggestion: the value at which the loss falls fastest.
        search: every step, in rates of the network's fastest layer group.
        factor: how many times the parameter that group's rate is.
    """

    stage: str
    parameter: str
    usual: float
    suggestion: float
    search: RateSearch
    factor: float

    def sentence(self) -> str:
        """One line for a person."""
        return (
            f"In the {self.stage}, the loss falls fastest at {self.parameter} {self.suggestion:.1e} "
            f"({len(self.search.rates)} steps, one rate each); a fit would use {self.usual:.1e}."
        )


class _Found(Exception):
    """Ends learning where the first network has been tried."""

    def __init__(self, search: RateSearch) -> None:
        super().__init__()
        self.search = search


def found_rate(classifier: TextClassifier, lesson: Lesson, watch: Watch) -> FoundRate:
    """Let a classifier learn up to its first training, and try rates there instead.

    Raises:
        ParameterError: the method trains no network, or nothing learns in it.
    """
    plan_of: Any = getattr(classifier, "plan", None)
    stages: tuple[Stage, ...] = plan_of(len(lesson.codes), lesson.n_classes) if plan_of else ()
    stage = next((one for one in stages if _peak(one.plan)), None)
    if stage is None:
        raise ParameterError(
            f"The method {classifier.method} trains no network with these parameters, so it has no rate."
        )
    try:
        classifier._learn(replace(lesson, trainer=_try_rates), watch)
    except _Found as found:
        factor = _peak(stage.plan) / stage.rate
        suggestion = found.search.suggestion / factor
        return FoundRate(stage.name, stage.parameter, stage.rate, suggestion, found.search, factor)
    raise ParameterError(
        f"The method {classifier.method} trains no network on these rows, so it has no rate."
    )


def _try_rates(
    network: Any,
    plan: Plan,
    batches: Batches[Any],
    loss_of: LossOf,
    *,
    valid: Batches[Any] | None,
    settings: Settings,
    watch: Watch,
    watch_epoch: WatchEpochs | None,
) -> Training:
    from textgraft.training.rate_finder import find_rate

    if not _peak(plan):
        return Training(plan, (), 0)
    raise _Found(find_rate(network, plan, batches, loss_of, settings, watch=watch))


def _peak(plan: Plan) -> float:
    """The highest rate of the last phase in which something learns; 0 without one."""
    peaks = [max(phase.peak_rates) for phase in plan.phases if phase.epochs]
    return next((peak for peak in reversed(peaks) if peak), 0.0)
