"""How fast a network can learn: a short trial at ever higher rates.

Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3, with the
smoothing and the early end of fastai. The network is left as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from textgraft.core.plan import Plan
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.errors import ParameterError, TrainingError
from textgraft.training.groups import check_groups
from textgraft.training.processes import join_processes, own_random_state
from textgraft.training.settings import Batches, LossOf, Settings
from textgraft.training.state import copied, restore
from textgraft.training.step import Stepper

B = TypeVar("B")

SMOOTHING = 0.9
"""Share of the running mean that each new loss leaves as it is. fastai uses 0.98, which lags
about 50 steps behind and so shifts the suggestion on a search of 100."""

DIVERGED = 4.0
"""How many times the best smoothed loss is the end; fastai's choice."""


@dataclass(frozen=True)
class RateSearch:
    """What was tried, and what to use.

    Attributes:
        rates: (s,) rates of the last learning group, rising evenly in their logarithm.
        losses: (s,) loss of the step at each rate, before it moved.
        smoothed: (s,) running mean of the losses.
        suggestion: the rate at which the smoothed loss falls fastest.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float


def find_rate(
    network: Any,
    plan: Plan,
    batches: Batches[B],
    loss_of: LossOf,
    settings: Settings | None = None,
    *,
    lowest: float = 1e-7,
    highest: float = 1.0,
    steps: int = 100,
    watch: Watch = unwatched,
) -> RateSearch:
    """Try rates from the lowest to the highest, a step each, and put the weights back.

    Of the plan only its last phase that learns is used: which groups are frozen, and how their
    rates relate. Ends early where the smoothed loss is :data:`DIVERGED` times its best.

    Args:
        network: a torch module with ``layer_groups()``.
        plan: what is going to learn.
        batches: training rows.
        loss_of: the loss of one batch.
        settings: seed, device and the like; no checkpoint is written.
        lowest, highest: rates of the fastest group.
        steps: how many rates.
        watch: told of every step.

    Raises:
        ParameterError: numbers that cannot be, or a plan in which nothing learns; all faults at once.
        TrainingError: there are no rows, or the loss is no number from the very start.
    """
    settings = settings or Settings()
    phases = [phase for phase in plan.phases if any(phase.peak_rates)]
    faults = []
    if not 0 < lowest < highest < math.inf:
        faults.append(f"expected 0 < lowest < highest, found {lowest} and {highest}")
    if steps < 3:
        faults.append(f"steps must be 3 or more, found {steps}")
    if not phases:
        faults.append("nothing learns in the plan")
    if faults:
        raise ParameterError.of("find_rate", faults)
    check_groups(network, plan)
    processes = join_processes(settings.device)
    rates = np.geomspace(lowest, highest, steps)
    learns = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    modes = [(module, module.training) for module in network.modules()]
    before = copied(network, list(network.state_dict()))
    network.to(processes.device)
    with own_random_state(processes.device), torch.inference_mode(False), torch.enable_grad():
        try:
            stepper: Stepper[B] = Stepper(network, plan, phases[-1], loss_of, settings, processes)
            losses = _tried(stepper, batches, rates, settings.accumulate, watch)
        finally:
            restore(network, before)
            network.zero_grad(set_to_none=True)
            for parameter, learned in learns:
                parameter.requires_grad_(learned)
            for module, mode in modes:
                module.training = mode
    if len(losses) < 3:
        raise TrainingError(
            "The loss is no number from the very start. Look for texts that break the encoder, or begin "
            f"lower than at a rate of {lowest:.1e}."
        )
    smoothed = _running_mean(losses)
    tried = rates[: len(losses)]
    # rates count for the group that is fastest; with falling rates towards the input, the last
    return RateSearch(tried, np.array(losses), smoothed, _steepest(tried, smoothed))


def _tried(
    stepper: Stepper[B], batches: Batches[B], rates: np.ndarray, size: int, watch: Watch
) -> list[float]:
    """Losses of steps at rising rates, up to the one where learning broke down."""
    losses: list[float] = []
    peak = max(stepper.phase.peak_rates)
    epoch = 0
    while True:
        steps = batches.steps(epoch)
        if not any(len(part) for step in steps for part in step):
            raise TrainingError("There are no rows to learn from.")
        for at in range(0, len(steps), size):
            taken = [part for parts in steps[at : at + size] for part in parts]
            found = stepper.step(batches, taken, epoch, at, float(rates[len(losses)]) / peak)
            if not found.is_finite:
                return losses
            losses.append(found.loss)
            if stepper.processes.is_main:
                watch(Progress("finding a rate", len(losses), len(rates)))
            smoothed = _running_mean(losses)
            if len(losses) == len(rates) or smoothed[-1] > DIVERGED * smoothed.min():
                return losses
        epoch += 1


def _running_mean(losses: list[float]) -> np.ndarray:
    """Exponential running mean, corrected for its start (as Adam's)."""
    mean, means = 0.0, []
    for number, loss in enumerate(losses, 1):
        mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss
        means.append(mean / (1.0 - SMOOTHING**number))
    return np.array(means)


def _steepest(rates: np.ndarray, smoothed: np.ndarray) -> float:
    """The rate at which the loss falls fastest on the way to its lowest point.

    Slopes are those of straight lines through several points, and the first points, means of few
    losses, are passed over: batches differ by chance, which must not look like learning.
    """
    n = len(rates)
    around, first = max(1, n // 20), n // 10
    last = max(int(smoothed.argmin()), first + 1)
    slopes = []
    for at in range(first, last + 1):
        near = slice(max(at - around, 0), at + around + 1)
        slopes.append(np.polyfit(np.log(rates[near]), smoothed[near], 1)[0])
    return float(rates[first + int(np.argmin(slopes))])
