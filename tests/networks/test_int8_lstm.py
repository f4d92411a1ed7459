"""Answers with 8-bit products: near those of torch's own layer, and only where nothing is learned."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from textgraft.networks import int8_lstm
from textgraft.networks.awd_lstm import AWDLSTM
from textgraft.networks.awd_settings import NO_DROPOUT, AWDSettings
from textgraft.networks.fast_lstm import LSTMLayer
from textgraft.networks.int8_lstm import FEWEST_UNITS, Int8LSTM, Int8Matrix, int8_works
from textgraft.networks.recurrent_classifier import RecurrentClassifier
from textgraft.networks.starts import Starts

works = pytest.mark.skipif(not int8_works(), reason="this processor has no fast 8-bit products")


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Steps of each call that was answered in 8 bits."""
    calls: list[int] = []
    plain = Int8LSTM.__call__

    def counted(self: Int8LSTM, states: Any, *rest: Any) -> Any:
        calls.append(states.shape[1])
        return plain(self, states, *rest)

    monkeypatch.setattr(Int8LSTM, "__call__", counted)
    return calls


def answered(layer: LSTMLayer, states: torch.Tensor, starts: Starts | None = None) -> torch.Tensor:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        return layer(states, layer.initial_state(len(states)), starts)[0].float()


def layer_of(units: int = FEWEST_UNITS, both: bool = False) -> LSTMLayer:
    layer = LSTMLayer(24, units, bidirectional=both).eval()
    layer.answers_in_int8 = True
    return layer


@works
def test_products_are_near_the_exact_ones_row_by_row() -> None:
    weight, states = torch.randn(40, 64), torch.randn(9, 64)
    states[3] *= 1000
    states[4] = 0
    found, exact = Int8Matrix.of(weight).times(states), states @ weight.t()
    # rounding errors of 64 terms, each below half a step on both sides
    bound = states.abs().amax(1, keepdim=True) * weight.abs().amax(1) * 64**0.5 * 3 / 254
    assert ((found - exact).abs() <= bound + 1e-6).all()
    assert not found[4].any()


@works
@pytest.mark.parametrize("both", [False, True])
def test_states_are_near_those_of_torch(both: bool, used: list[int]) -> None:
    layer = layer_of(both=both)
    states = torch.randn(5, 37, 24)
    theirs = nn.LSTM(24, FEWEST_UNITS, batch_first=True, bidirectional=both)
    theirs.load_state_dict(layer.state_dict())
    found = answered(layer, states)
    expected = theirs(states)[0].detach()
    assert used == [37] * (1 + both)
    assert (found - expected).abs().max() < 0.02
    assert (found - expected).square().mean().sqrt() < 0.02 * expected.square().mean().sqrt()


@works
def test_windows_carry_the_state_on() -> None:
    layer, states = layer_of(), torch.randn(3, 20, 24)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        whole, last = layer(states, layer.initial_state(3))
        first, carried = layer(states[:, :7], layer.initial_state(3))
        second, after = layer(states[:, 7:], carried)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(after, last)


@works
def test_a_text_is_answered_alike_in_any_company() -> None:
    layer, states = layer_of(), torch.randn(4, 11, 24)
    states[1] *= 50
    torch.testing.assert_close(answered(layer, states)[:1], answered(layer, states[:1]))


@works
def test_nothing_is_rounded_where_it_should_not_be(used: list[int]) -> None:
    states = torch.randn(2, 6, 24)
    small, layer = layer_of(FEWEST_UNITS - 1), layer_of()
    answered(small, states)
    with torch.no_grad():
        layer(states, layer.initial_state(2))
    with torch.autocast("cpu", torch.bfloat16):
        layer(states, layer.initial_state(2))
    answered(layer, states, Starts.of(torch.rand(2, 6) < 0.5, 6))
    layer.answers_in_int8 = False
    answered(layer, states)
    assert used == []


@works
def test_weights_that_learned_are_rounded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, states = layer_of(), torch.randn(2, 6, 24)
    made = []
    plain = Int8LSTM.__init__
    monkeypatch.setattr(Int8LSTM, "__init__", lambda self, *w: made.append(1) or plain(self, *w))
    before = answered(layer, states)
    assert torch.equal(answered(layer, states), before)
    assert len(made) == 1
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    assert not torch.allclose(answered(layer, states), before, atol=1e-3)
    copied = copy.deepcopy(layer)
    assert torch.equal(answered(copied, states), answered(layer, states))
    assert len(made) == 3


@works
def test_a_classifier_answers_so_and_a_language_model_does_not(used: list[int]) -> None:
    settings = AWDSettings(30, 16, 2 * FEWEST_UNITS, 2, 0, "lstm")
    body = AWDLSTM(settings, NO_DROPOUT).eval()
    ids, mask = torch.randint(1, 30, (3, 9)), torch.ones(3, 9, dtype=torch.bool)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        body(ids)
        assert used == []
        exact = RecurrentClassifier(body, 2).eval()
        found = exact(ids, mask).float()
        assert used
        for layer in body.layers:
            layer.answers_in_int8 = False
        torch.testing.assert_close(found, exact(ids, mask).float(), atol=0.03, rtol=0.05)


@works
def test_it_may_first_be_asked_in_the_middle_of_an_answer() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert int8_works.__wrapped__()


def test_where_the_operators_fail_nothing_is_computed_in_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": True})

    def broken(self: Int8Matrix, states: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such operator")

    # without the cache, which would keep what this test makes up
    tried = int8_lstm.int8_works.__wrapped__
    monkeypatch.setattr(Int8Matrix, "times", broken)
    assert not tried()
    monkeypatch.setattr(Int8Matrix, "times", lambda self, states: torch.zeros(len(states), len(self.scale)))
    assert not tried()
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not tried()
