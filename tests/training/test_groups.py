"""Layer groups: each parameter in one, frozen ones out of the optimiser."""

from __future__ import annotations

import pytest
from small import TwoLayers, plan_of
from torch import nn

import textgraft as tg
from textgraft.core.plan import one_cycle
from textgraft.training.groups import (
    Network,
    check_groups,
    group_sizes,
    optimizer_groups,
    owned_parameters,
    thaw,
    train_mode,
)


class Tied(nn.Module):
    """A language model in small: the decoder's weight is the embedding's."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.decoder = nn.Linear(4, 5)
        self.decoder.weight = self.embedding.weight

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        return {"embedding": [self.embedding], "decoder": [self.decoder]}


def test_sizes() -> None:
    assert group_sizes(TwoLayers()) == {"body": 6 * 8 + 8, "head": 8 * 3 + 3}
    assert isinstance(TwoLayers(), Network)


def test_a_tied_weight_belongs_to_the_first_group_that_holds_it() -> None:
    network = Tied()
    assert group_sizes(network) == {"embedding": 20, "decoder": 5}
    # torch refuses a parameter that is in two groups of an optimiser
    plan = one_cycle(["embedding", "decoder"], 1, 0.1)
    made = optimizer_groups(network, plan, plan.phases[0])
    assert [p.shape for group in made for p in group["params"]] == [(5, 4), (5,)]
    thaw(network, plan.freeze_to(1).phases[0])
    assert not network.embedding.weight.requires_grad
    assert network.decoder.bias.requires_grad


def test_a_module_listed_twice_counts_once() -> None:
    class Twice(TwoLayers):
        def layer_groups(self) -> dict[str, list[nn.Module]]:
            return {"body": [self.body, self.body], "head": [self.head]}

    assert [len(owned) for owned in owned_parameters(Twice()).values()] == [2, 2]


def test_only_matrices_decay_and_each_group_has_its_rate() -> None:
    network = TwoLayers(norm=True)
    plan = one_cycle(("body", "head"), 1, 0.1, factor=2.0, weight_decay=0.3)
    made = optimizer_groups(network, plan, plan.phases[0])
    assert [(g["peak_rate"], g["weight_decay"], [p.ndim for p in g["params"]]) for g in made] == [
        (0.05, 0.3, [2]),
        (0.05, 0.0, [1, 1, 1]),
        (0.1, 0.3, [2]),
        (0.1, 0.0, [1]),
    ]


def test_frozen_groups_are_not_given_to_the_optimiser() -> None:
    network, plan = TwoLayers(), plan_of((0.0, 0.1))
    thaw(network, plan.phases[0])
    given = {id(p) for group in optimizer_groups(network, plan, plan.phases[0]) for p in group["params"]}
    assert given == {id(parameter) for parameter in network.head.parameters()}
    assert given == {id(parameter) for parameter in network.parameters() if parameter.requires_grad}


def test_parameters_of_no_group_are_frozen() -> None:
    network = TwoLayers()
    network.extra = nn.Linear(2, 2)
    thaw(network, plan_of((0.1, 0.1)).phases[0])
    assert not network.extra.weight.requires_grad


def test_frozen_batch_norms_stay_and_frozen_dropout_works() -> None:
    network = TwoLayers(norm=True, dropout=0.5).eval()
    train_mode(network, plan_of((0.0, 0.1)).phases[0])
    assert [part.training for part in network.body] == [True, False, True, True]
    train_mode(network, plan_of((0.1, 0.0)).phases[0])
    assert all(part.training for part in network.modules())


def test_a_plan_for_another_network_is_refused() -> None:
    with pytest.raises(tg.ParameterError, match="layer groups trunk, head; this network has body, head"):
        check_groups(TwoLayers(), one_cycle(["trunk", "head"], 1, 0.1))
