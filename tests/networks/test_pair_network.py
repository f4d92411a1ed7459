"""Networks over pairs: the same in both orders, and cosine before they learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from textgraft.encoders import load_encoder
from textgraft.encoders.encoder import Trainable, as_trainable
from textgraft.networks.matching import CrossScorer, DenseScorer, Passages
from textgraft.networks.pair import CrossPair, DensePair, pair_ids
from textgraft.networks.tensors import changed_tensors, copied_tensors
from textgraft.training.groups import group_sizes


def _unit(n: int, dim: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def _stirred(network: torch.nn.Module) -> None:
    """Numbers in place of the zeros that a scorer starts with."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))


@pytest.fixture(scope="module")
def tiny(tiny_models: Callable[[str], Path]) -> Trainable:
    return as_trainable(load_encoder(str(tiny_models("bert")), cache=None), "pair").trainable(dropout=0.0)


def test_the_order_of_two_vectors_is_of_no_importance() -> None:
    network = DensePair(8, 0.1).eval()
    _stirred(network)
    u, v = _unit(20, 8, 0), _unit(20, 8, 1)
    assert torch.allclose(network(u, v), network(v, u), atol=1e-5)
    assert network(u, v).std() > 0


def test_an_untrained_scorer_ranks_by_cosine() -> None:
    network = DensePair(8, 0.1).eval()
    u, v = _unit(1, 8, 0).expand(50, 8), _unit(50, 8, 1)
    assert torch.equal(network(u, v).argsort(), (u * v).sum(1).argsort())


def test_log_odds_never_fall_with_the_cosine() -> None:
    network = DensePair(8, 0.0).eval()
    with torch.no_grad():
        network.cosine.scale.fill_(-5.0)
    u, v = _unit(9, 8, 0), _unit(9, 8, 1)
    assert len(network(u, v).unique()) == 1


def test_every_parameter_is_in_one_layer_group(tiny: Trainable) -> None:
    for network in (DensePair(8, 0.1), CrossPair(tiny.network, 0.1)):
        assert sum(group_sizes(network).values()) == sum(p.numel() for p in network.parameters())


def test_two_texts_are_joined_in_the_tokenizers_template(tiny: Trainable) -> None:
    (ids,) = pair_ids(tiny.tokens, [("the card", "my account")], 64)
    expected = tiny.tokens.fast("my account", "the card")["input_ids"]
    assert ids == expected
    assert pair_ids(tiny.tokens, [("my account", "the card")], 64) == [expected]
    assert len(pair_ids(tiny.tokens, [("card " * 99, "card")], 16)[0]) == 16
    assert pair_ids(tiny.tokens, [], 16) == []


def test_many_pairs_get_what_each_gets_alone(tiny: Trainable) -> None:
    texts = ["my card is lost", "card", "refund the account please now", "hello"]
    asked = Passages(texts[:2], _unit(2, 8, 0).numpy())
    stored = Passages(texts, _unit(4, 8, 1).numpy())
    near = np.array([[0, 3, 2], [1, 2, 0]])
    dense, cross = DensePair(8, 0.1).eval(), CrossPair(tiny.network, 0.1).eval()
    _stirred(dense)
    _stirred(cross.out)
    for scorer in (DenseScorer(dense), CrossScorer(cross, tiny.tokens, 64, "cpu", False)):
        together = scorer.odds(asked, stored, near)
        assert together.shape == (2, 3)
        for row in range(2):
            one = Passages([texts[row]], asked.vectors[row : row + 1])
            for place in range(3):
                alone = scorer.odds(one, stored, near[row : row + 1, place : place + 1])
                assert alone[0, 0] == pytest.approx(together[row, place], abs=1e-4)


def test_changed_tensors_are_those_that_moved() -> None:
    network = DensePair(4, 0.0)
    before = copied_tensors(network)
    assert changed_tensors(network, before) == {}
    with torch.no_grad():
        network.out.bias.add_(1.0)
    assert list(changed_tensors(network, before)) == ["out.bias"]
