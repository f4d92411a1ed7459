"""The fast LSTM gives the numbers of torch's own: states, gradients, what is carried."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from devices import assert_a_gpu_agrees
from textgraft.networks.fast_lstm import STEPS_AT_ONCE, LayerState, LSTMLayer, _fused, _scanned
from textgraft.networks.starts import Starts


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def torch_lstm(layer: LSTMLayer, input_dim: int) -> nn.LSTM:
    lstm = nn.LSTM(input_dim, layer.hidden, batch_first=True, bidirectional=len(layer.ends) == 2)
    lstm.load_state_dict(layer.state_dict())
    return lstm.to(next(layer.parameters()).dtype)


def run_torch(lstm: nn.LSTM, states: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
    out, after = lstm(states, tuple(part.transpose(0, 1).contiguous() for part in state))
    return out, tuple(part.transpose(0, 1) for part in after)


@given(
    st.integers(1, 3),
    st.integers(1, 2 * STEPS_AT_ONCE + 3),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
)
@settings(max_examples=25)
def test_states_and_gradients_are_those_of_torch(
    rows: int, steps: int, input_dim: int, hidden: int, both: bool
) -> None:
    ours = LSTMLayer(input_dim, hidden, bidirectional=both).double()
    theirs = torch_lstm(ours, input_dim)
    states = torch.randn(rows, steps, input_dim, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn_like(part).requires_grad_() for part in ours.initial_state(rows))
    found, found_after = ours(states, state)
    expected, after = run_torch(theirs, states, state)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found_after, after)
    weights = [torch.randn_like(part) for part in (expected, *after)]
    gradients = []
    for parts, network in (((found, *found_after), ours), ((expected, *after), theirs)):
        loss = sum((part * weight).sum() for part, weight in zip(parts, weights, strict=True))
        of = dict(network.named_parameters())
        gradients.append(torch.autograd.grad(loss, [states, *state, *(of[name] for name in sorted(of))]))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("starting", [False, True])
def test_gradients_are_derivatives(starting: bool) -> None:
    layer = LSTMLayer(2, 3).double()
    mask = torch.tensor([[False, True, False, False, True], [True, False, False, False, False]])
    starts = Starts.of(mask, 5) if starting else None
    names, weights = zip(*layer.named_parameters(), strict=True)

    def run(states: Tensor, hidden: Tensor, cell: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        of = dict(zip(names, weights, strict=True))
        out, after = torch.func.functional_call(layer, of, (states, (hidden, cell), starts))
        return out, *after

    inputs = (torch.randn(2, 5, 2), torch.randn(2, 1, 3), torch.randn(2, 1, 3), *weights)
    assert torch.autograd.gradcheck(run, tuple(part.detach().double().requires_grad_() for part in inputs))


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_the_way_of_other_devices_gives_the_same(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    layer = LSTMLayer(3, 4).double()
    weights = layer._weights("_l0")
    starts = Starts.of(torch.rand(3, 7, generator=draw) < 0.2, 7)
    states = torch.randn(3, 7, 3, generator=draw).double()
    before = torch.randn(2, 3, 4, generator=draw).double().unbind()
    found, expected = _fused(states, before, weights, starts), _scanned(states, before, weights, starts)
    torch.testing.assert_close(found, expected)
    first = torch.autograd.grad(sum(part.square().sum() for part in found), layer.parameters())
    second = torch.autograd.grad(sum(part.square().sum() for part in expected), layer.parameters())
    torch.testing.assert_close(first, second)


def test_fp32_gives_the_same_in_few_pieces_and_in_many() -> None:
    """Few are torch's own, many the scan."""
    layer = LSTMLayer(3, 4)
    states = torch.randn(2, 32, 3)
    for share in (0.05, 0.6):
        starts = Starts.of(torch.rand(2, 32) < share, 32)
        found, after = layer(states, layer.initial_state(2), starts)
        layer.double()
        expected, wanted = layer(states.double(), layer.initial_state(2), starts)
        layer.float()
        torch.testing.assert_close((found, *after), (expected.float(), *(part.float() for part in wanted)))


def test_the_gradient_of_a_weight_given_as_a_tensor_is_its_own() -> None:
    """DropConnect's mask lies between the parameter and what the scan multiplies with."""
    layer = LSTMLayer(3, 4, weight_dropout=0.5).double()
    states = torch.randn(2, 5, 3).double()
    torch.manual_seed(1)
    loss = layer(states, layer.initial_state(2))[0].square().sum()
    grad = torch.autograd.grad(loss, layer.weight_hh_l0)[0]
    torch.manual_seed(1)
    mask = layer.weight_dropout(torch.ones_like(layer.weight_hh_l0))
    plain = LSTMLayer(3, 4).double()
    plain.load_state_dict(layer.state_dict())
    with torch.no_grad():
        plain.weight_hh_l0.mul_(mask)
    loss = plain(states, plain.initial_state(2))[0].square().sum()
    torch.testing.assert_close(grad, torch.autograd.grad(loss, plain.weight_hh_l0)[0] * mask)


def test_bf16_is_near_fp32_in_states_and_gradients() -> None:
    layer = LSTMLayer(20, 32)
    states = torch.randn(4, 100, 20, requires_grad=True)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out, after = layer(states, layer.initial_state(4))
        assert out.dtype == (torch.bfloat16 if enabled else torch.float32)
        assert all(part.dtype == torch.float32 for part in after)
        loss = out.float().square().sum()
        results.append((out.detach().float(), *torch.autograd.grad(loss, [states, *layer.parameters()])))
    for exact, half in zip(*results, strict=True):
        assert half.dtype == torch.float32
        assert float((half - exact).norm()) < 0.02 * float(exact.norm())


@pytest.mark.parametrize("starting", [False, True])
@pytest.mark.parametrize("steps", [1, 8, 13, 30])
def test_answers_are_those_of_training(steps: int, starting: bool) -> None:
    layer = LSTMLayer(5, 7).bfloat16().float().requires_grad_(True)
    states, state = torch.randn(4, steps, 5), (torch.randn(4, 1, 7), torch.randn(4, 1, 7))
    begins = Starts.of(torch.rand(4, steps) < 0.3, steps) if starting else None
    with torch.autocast("cpu", torch.bfloat16):
        wanted, (hidden, cell) = layer(states, state, begins)
        with torch.no_grad():
            found, (last, carried) = layer(states, state, begins)
    for mine, other in ((found, wanted), (last, hidden), (carried, cell)):
        torch.testing.assert_close(mine, other, rtol=0.0, atol=0.0)


def test_a_long_memory_survives_bf16() -> None:
    """f = 0.9995 in bf16 would be 1, and the cell would never forget."""
    layer = LSTMLayer(1, 1)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        # input gate shut, forget gate sigmoid(7.6) = 0.9995, output gate open
        layer.bias_ih_l0.copy_(torch.tensor([-30.0, 7.6, 0.0, 0.0]))
        with torch.autocast("cpu", torch.bfloat16):
            _, (_, cell) = layer(torch.zeros(1, 1000, 1), (torch.zeros(1, 1, 1), torch.ones(1, 1, 1)))
    expected = torch.sigmoid(torch.tensor(7.6)) ** 1000
    assert float(cell) == pytest.approx(float(expected), rel=0.02)


def test_the_window_it_is_given_stays_as_it_is() -> None:
    layer = LSTMLayer(3, 4)
    states, state = torch.randn(2, 5, 3), (torch.randn(2, 1, 4), torch.randn(2, 1, 4))
    copies = states.clone(), *(part.clone() for part in state)
    layer(states, state, Starts.of(torch.tensor([True, False]), 5))
    for part, copy in zip((states, *state), copies, strict=True):
        assert torch.equal(part, copy)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_states_and_gradients() -> None:
    assert_a_gpu_agrees(LSTMLayer(20, 32), 20)
