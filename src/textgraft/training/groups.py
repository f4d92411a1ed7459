"""From a network's layer groups and a phase to what the optimiser is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from torch import nn

from textgraft.core.plan import Phase, Plan
from textgraft.errors import ParameterError

LayerGroups = dict[str, list[nn.Module]]
"""Named lists of modules, input → output; each parameter belongs to one of them."""


@runtime_checkable
class Network(Protocol):
    """A torch module that says what its layers are."""

    def layer_groups(self) -> LayerGroups:
        """Modules by group, input → output."""


def group_sizes(network: Network) -> dict[str, int]:
    """Parameters of each layer group."""
    return {
        name: sum(parameter.numel() for parameter in _parameters(modules))
        for name, modules in network.layer_groups().items()
    }


def thaw(network: Network, phase: Phase) -> None:
    """Let the groups with a rate learn, and freeze all other parameters of the network."""
    assert isinstance(network, nn.Module)
    network.requires_grad_(False)
    for modules, rate in zip(network.layer_groups().values(), phase.peak_rates, strict=True):
        for parameter in _parameters(modules):
            parameter.requires_grad_(rate > 0)


def optimizer_groups(network: Network, plan: Plan, phase: Phase) -> list[dict[str, Any]]:
    """Parameter groups of a torch optimiser; each keeps its own ``peak_rate``.

    Biases and the gains of normalisation layers are not decayed (as in BERT's own training).

    Raises:
        ParameterError: the network's groups are not those of the plan.
    """
    groups = network.layer_groups()
    if tuple(groups) != plan.groups:
        raise ParameterError(
            f"The plan is for the layer groups {', '.join(plan.groups)}; "
            f"this network has {', '.join(groups)}."
        )
    made = []
    for modules, rate, decay in zip(groups.values(), phase.peak_rates, phase.weight_decay, strict=True):
        if rate == 0:
            continue
        for parameters, weight_decay in (
            ([p for p in _parameters(modules) if p.ndim > 1], decay),
            ([p for p in _parameters(modules) if p.ndim <= 1], 0.0),
        ):
            if parameters:
                made.append(
                    {"params": parameters, "lr": rate, "peak_rate": rate, "weight_decay": weight_decay}
                )
    return made


def _parameters(modules: list[nn.Module]) -> Iterator[nn.Parameter]:
    seen = set()
    for module in modules:
        for parameter in module.parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield parameter
