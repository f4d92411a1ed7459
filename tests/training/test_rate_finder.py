"""The rate finder: a sane suggestion, and a network that is as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small import TwoLayers, loss_of, plan_of, same, some_batches, weights_of
from torch import Tensor, nn

import textgraft as tg
from textgraft.core.plan import Plan, one_cycle
from textgraft.core.progress import Progress
from textgraft.errors import TrainingError
from textgraft.training.loop import train
from textgraft.training.rate_finder import find_rate


class Bowl(nn.Module):
    """A point whose loss is its squared distance from 1 in every direction."""

    def __init__(self) -> None:
        super().__init__()
        self.point = nn.Linear(10, 1, bias=False)
        nn.init.zeros_(self.point.weight)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        return {"point": [self.point]}


def distance(network: Any, _: Any) -> Tensor:
    return ((network.point.weight - 1) ** 2).mean()


def test_the_suggestion_in_a_bowl_is_where_it_falls_and_not_where_it_overshoots() -> None:
    found = find_rate(
        Bowl(), one_cycle(["point"], 1, 1.0, weight_decay=0.0), some_batches(), distance, highest=1e4
    )
    # Adam moves by about its rate: at 1e-3 nothing happens in a step, at 10 it leaps out of the bowl
    assert 0.01 < found.suggestion < 1.0
    assert found.suggestion in found.rates
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 100
    assert found.smoothed[-1] > 4 * found.smoothed.min()
    assert all(found.smoothed[:-1] <= 4 * np.minimum.accumulate(found.smoothed[:-1]))
    assert np.diff(np.log(found.rates)) == pytest.approx(np.log(1e11) / 99)


def test_what_is_suggested_learns_better_than_much_less() -> None:
    plan = one_cycle(("body", "head"), 1, 1.0)
    found = find_rate(TwoLayers(), plan, some_batches(120), loss_of)
    losses = []
    for rate in (found.suggestion, found.suggestion / 100):
        training = train(TwoLayers(), one_cycle(("body", "head"), 3, rate), some_batches(120), loss_of)
        losses.append(training.reports[-1].train_loss)
    assert losses[0] < 0.7 * losses[1]


def test_the_network_and_chance_are_left_as_they_were() -> None:
    network = TwoLayers(norm=True, dropout=0.2)
    network.body.eval()
    network.head.bias.requires_grad_(False)
    before = weights_of(network)
    modes = [module.training for module in network.modules()]
    state = torch.random.get_rng_state()
    find_rate(network, plan_of((0.1, 0.1)), some_batches(), loss_of)
    assert same(before, weights_of(network))
    assert [module.training for module in network.modules()] == modes
    assert [p.requires_grad for p in network.parameters()] == [True] * 5 + [False]
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_same_search_finds_the_same() -> None:
    one, other = (
        find_rate(TwoLayers(dropout=0.2), plan_of((0.1, 0.1)), some_batches(), loss_of) for _ in "ab"
    )
    assert one.losses.tolist() == other.losses.tolist()


def test_frozen_groups_stay_frozen_and_rates_keep_their_ratio() -> None:
    network, seen = TwoLayers(), []

    def watched(net: Any, batch: Any) -> Tensor:
        seen.append(weights_of(net))
        return loss_of(net, batch)

    find_rate(network, plan_of((0.0, 5.0)), some_batches(), watched, steps=9, highest=0.01)
    assert all(torch.equal(weights["body.0.weight"], seen[0]["body.0.weight"]) for weights in seen)
    seen.clear()
    find_rate(network, plan_of((0.3, 3.0)), some_batches(), watched, lowest=1e-3, steps=9)
    # Adam's first step is as long as the rate
    assert torch.allclose((seen[1]["head.bias"] - seen[0]["head.bias"]).abs(), torch.tensor(1e-3), rtol=0.01)
    assert torch.allclose(
        (seen[1]["body.0.bias"] - seen[0]["body.0.bias"]).abs(), torch.tensor(1e-4), rtol=0.01
    )


def test_progress_is_told() -> None:
    seen: list[Progress] = []
    find_rate(
        TwoLayers(), plan_of((0.1, 0.1)), some_batches(), loss_of, steps=4, highest=1e-3, watch=seen.append
    )
    assert seen == [Progress("finding a rate", done, 4) for done in (1, 2, 3, 4)]


def test_what_cannot_be_searched() -> None:
    with pytest.raises(tg.ParameterError, match=r"lowest < highest, .*; steps .*; nothing learns"):
        find_rate(TwoLayers(), Plan(("body", "head"), ()), some_batches(), loss_of, lowest=2.0, steps=2)
    with pytest.raises(tg.ParameterError, match="this network has"):
        find_rate(TwoLayers(), one_cycle(["other"], 1, 0.1), some_batches(), loss_of)
    with pytest.raises(TrainingError, match="no rows"):
        find_rate(TwoLayers(), plan_of((0.1, 0.1)), some_batches(0), loss_of)
    with pytest.raises(TrainingError, match="from the very start"):
        find_rate(TwoLayers(), plan_of((0.1, 0.1)), some_batches(), lambda n, b: loss_of(n, b) * float("nan"))
