"""How far a run has come, and how that goes into a checkpoint and back."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from torch import Tensor

from textgraft.core.plan import Plan, plan_to_json
from textgraft.errors import TrainingError
from textgraft.training.checkpoints import RunFolder
from textgraft.training.groups import owned_parameters
from textgraft.training.processes import Processes
from textgraft.training.records import EpochReport, report_from_json


@dataclass
class Place:
    """How far a run has come; what a checkpoint knows beside tensors.

    Attributes:
        epoch: epochs done, of all phases.
        step: steps done of the next one.
        loss_sum, loss_rows, seconds: of the steps done.
        best_loss: lowest held-out loss, and ``best_epoch`` its epoch, from 1.
        parts: in how many parts a batch is computed.
        stopped: whether patience was over.
        reports: of the epochs done.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_rows: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf
    best_epoch: int = 0
    parts: int = 1
    stopped: bool = False
    reports: tuple[EpochReport, ...] = ()

    def sentences(self, plan: Plan, fewest: int) -> list[str]:
        """What a person should know of a run that has come here.

        Args:
            plan: of the run.
            fewest: as its batches have it.
        """
        said = []
        if self.stopped:
            said.append(
                f"Stopped after epoch {self.epoch} of {plan.epochs}: the held-out loss was best "
                f"after epoch {self.best_epoch}, whose weights are kept."
            )
        if self.parts > 1:
            changes = (
                "which changes time but not what a batch weighs."
                if fewest == 1
                else "and rows were compared with those of their own part alone: losses, and what was "
                "learned, are not those of whole batches."
            )
            said.append(
                f"A batch did not fit in memory; batches were computed in up to {self.parts} parts, {changes}"
            )
        return said


class Saved(NamedTuple):
    """A checkpoint: a place, and tensors by name."""

    place: Place
    network: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[str, Tensor]


def save_state(run: RunFolder, plan: Plan, saved: Saved) -> None:
    """Write a checkpoint.

    Raises:
        TrainingError: it cannot be written.
    """
    place = asdict(saved.place) | {"plan": plan_to_json(plan)}
    # JSON has no infinity
    place["best_loss"] = saved.place.best_loss if saved.best else None
    kinds = {"network": saved.network, "best": saved.best, "optimizer": saved.optimizer}
    run.write(place, {f"{kind}.{name}": t for kind, tensors in kinds.items() for name, t in tensors.items()})


def read_state(run: RunFolder, plan: Plan, shapes: dict[str, Tensor]) -> Saved | None:
    """The checkpoint of a run, or None where there is none.

    Args:
        run: where it lies.
        plan: of the run.
        shapes: the network's tensors that the plan changes.

    Raises:
        TrainingError: it is damaged, another run's, or for another plan or network.
    """
    found = run.read()
    if found is None:
        return None
    values, tensors = found
    if values.pop("plan", None) != plan_to_json(plan):
        raise TrainingError(
            f"The checkpoint in {run.path} was written under another plan. "
            "Name another folder, or remove it to begin anew."
        )
    network = _under("network.", tensors)
    if {name: t.shape for name, t in network.items()} != {name: t.shape for name, t in shapes.items()}:
        raise TrainingError(
            f"The checkpoint in {run.path} is of another network. "
            "Name another folder, or remove it to begin anew."
        )
    try:
        values["best_loss"] = math.inf if values["best_loss"] is None else values["best_loss"]
        values["reports"] = tuple(report_from_json(report) for report in values["reports"])
        place = Place(**values)
    except (KeyError, TypeError) as error:
        raise TrainingError(
            f"The checkpoint in {run.path} is of another version of textgraft ({error}). "
            "Remove the folder to begin anew."
        ) from error
    return Saved(place, network, _under("best.", tensors), _under("optimizer.", tensors))


def resume(run: RunFolder, plan: Plan, network: Any, names: list[str], processes: Processes) -> Saved:
    """Put a checkpoint's tensors into the network; a fresh place where there is no checkpoint.

    Raises:
        TrainingError: as :func:`read_state`, or the processes find different checkpoints.
    """
    saved = read_state(run, plan, copied(network, names)) or Saved(Place(), {}, {}, {})
    if not processes.agree((saved.place.epoch, saved.place.step)):
        raise TrainingError(
            f"Not every process finds the same checkpoint in {run.path}. Name a folder that all of them see."
        )
    restore(network, saved.network)
    return saved


def changing(network: Any, plan: Plan) -> list[str]:
    """Names of the tensors that a plan changes: parameters of groups with a rate, and all buffers."""
    learning: set[int] = set()
    for number, parameters in enumerate(owned_parameters(network).values()):
        if any(phase.peak_rates[number] and phase.epochs for phase in plan.phases):
            learning |= {id(parameter) for parameter in parameters}
    kept = network.state_dict().keys()
    named = [name for name, parameter in network.named_parameters() if id(parameter) in learning]
    return named + [name for name, _ in network.named_buffers() if name in kept]


def copied(network: Any, names: list[str]) -> dict[str, Tensor]:
    """Copies of some of a network's tensors, on the CPU."""
    state = network.state_dict()
    return {name: state[name].detach().cpu().clone() for name in names}


def restore(network: Any, tensors: dict[str, Tensor]) -> None:
    """Put copies back; tensors that are not among them stay."""
    network.load_state_dict(tensors, strict=False)


def optimizer_tensors(optimizer: Any) -> dict[str, Tensor]:
    """What an optimiser remembers, by name."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, values in state.items() for name, value in values.items()}


def load_optimizer(optimizer: Any, tensors: dict[str, Tensor]) -> None:
    """The inverse of :func:`optimizer_tensors`, for an optimiser of the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    if state:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
