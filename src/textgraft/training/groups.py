"""From a network's layer groups and a phase to what the optimiser is given."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from textgraft.core.plan import Phase, Plan
from textgraft.errors import ParameterError

LayerGroups = dict[str, list[nn.Module]]
"""Named lists of modules, input → output; a parameter that several hold belongs to the first of them."""


@runtime_checkable
class Network(Protocol):
    """A torch module that says what its layers are."""

    def layer_groups(self) -> LayerGroups:
        """Modules by group, input → output."""


def group_sizes(network: Network) -> dict[str, int]:
    """Parameters of each layer group."""
    return {
        name: sum(parameter.numel() for parameter in parameters)
        for name, parameters in owned_parameters(network).items()
    }


def owned_parameters(network: Network) -> dict[str, list[nn.Parameter]]:
    """Parameters of each layer group; one tied between groups belongs to the first that holds it."""
    seen: set[int] = set()
    owned: dict[str, list[nn.Parameter]] = {}
    for name, modules in network.layer_groups().items():
        owned[name] = []
        for module in modules:
            for parameter in module.parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    owned[name].append(parameter)
    return owned


def check_groups(network: Network, plan: Plan) -> None:
    """Refuse a plan for another network.

    Raises:
        ParameterError: the network's groups are not those of the plan.
    """
    groups = network.layer_groups()
    if tuple(groups) != plan.groups:
        raise ParameterError(
            f"The plan is for the layer groups {', '.join(plan.groups)}; "
            f"this network has {', '.join(groups)}."
        )


def thaw(network: Network, phase: Phase) -> None:
    """Let the groups with a rate learn, and freeze all other parameters of the network."""
    assert isinstance(network, nn.Module)
    network.requires_grad_(False)
    for parameters, rate in zip(owned_parameters(network).values(), phase.peak_rates, strict=True):
        for parameter in parameters:
            parameter.requires_grad_(bool(rate > 0))


def train_mode(network: Network, phase: Phase) -> None:
    """Turn dropout on; batch-norms of frozen groups keep their running statistics as they are."""
    assert isinstance(network, nn.Module)
    network.train()
    for modules, rate in zip(network.layer_groups().values(), phase.peak_rates, strict=True):
        if rate == 0:
            for module in modules:
                for inner in module.modules():
                    if isinstance(inner, BatchNorm):
                        inner.eval()


def optimizer_groups(network: Network, plan: Plan, phase: Phase) -> list[dict[str, Any]]:
    """Parameter groups of a torch optimiser; each keeps its own ``peak_rate``.

    Biases and the gains of normalisation layers are not decayed (as in BERT's own training).

    Raises:
        ParameterError: the network's groups are not those of the plan.
    """
    check_groups(network, plan)
    made = []
    owned = owned_parameters(network).values()
    for parameters, rate, decay in zip(owned, phase.peak_rates, phase.weight_decay, strict=True):
        if rate == 0:
            continue
        for some, weight_decay in (
            ([p for p in parameters if p.ndim > 1], decay),
            ([p for p in parameters if p.ndim <= 1], 0.0),
        ):
            if some:
                made.append({"params": some, "lr": rate, "peak_rate": rate, "weight_decay": weight_decay})
    return made
