"""Fo-pooling in a loop and by doubling, and the layer around it, against the definition word by word."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from devices import assert_a_gpu_agrees
from textgraft.errors import ParameterError
from textgraft.networks import fo_pooling
from textgraft.networks.fo_pooling import fo_pool
from textgraft.networks.qrnn import QRNNLayer
from textgraft.networks.starts import Starts

WAYS = ["one by one", "by doubling"]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def plain(z: Tensor, f: Tensor, before: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The definition."""
    memory, now = [], before
    for s in range(z.shape[1]):
        now = now * ~mask[:, s, None]
        now = (1 - f[:, s]) * now + f[:, s] * z[:, s]
        memory.append(now)
    return torch.stack(memory, 1), now


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Doubling is what other devices run; here on a CPU."""
    if request.param == "by doubling":
        monkeypatch.setattr(fo_pooling, "_one_by_one", fo_pooling._by_doubling)
        monkeypatch.setattr(fo_pooling, "_back_one_by_one", fo_pooling._back_by_doubling)
    return str(request.param)


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 21])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_memory_and_gradients_are_those_of_the_definition(way: str, steps: int, share: float) -> None:
    z, f = torch.randn(2, 3, steps, 4).double().unbind()
    before, mask = torch.randn(3, 4).double(), torch.rand(3, steps) < share
    inputs = [part.requires_grad_() for part in (z, f.sigmoid().detach(), before)]
    found = fo_pool(*inputs, Starts.of(mask, steps))
    expected = plain(*inputs, mask)
    torch.testing.assert_close(found, expected)
    weights = [torch.randn_like(part) for part in expected]
    gradients = [
        torch.autograd.grad(sum((p * w).sum() for p, w in zip(parts, weights, strict=True)), inputs)
        for parts in (found, expected)
    ]
    torch.testing.assert_close(*gradients)


def test_gradients_are_derivatives(way: str) -> None:
    starts = Starts.of(torch.tensor([[False, False, True, False, True]] * 2), 5)
    inputs = (torch.randn(2, 5, 3), torch.rand(2, 5, 3), torch.randn(2, 3))
    double = tuple(part.double().requires_grad_() for part in inputs)
    assert torch.autograd.gradcheck(lambda z, f, before: fo_pool(z, f, before, starts), double)


def by_hand(layer: QRNNLayer, states: Tensor, memory: Tensor, last: Tensor) -> Tensor:
    """One direction of a layer, word by word."""
    outs = []
    for word in states.unbind(1):
        seen = torch.cat([word, last], 1) if layer.window == 2 else word
        z, f, o = (seen @ layer.weight.T + layer.bias).chunk(3, 1)
        memory = memory + f.sigmoid() * (z.tanh() - memory)
        outs.append(o.sigmoid() * memory)
        last = word
    return torch.stack(outs, 1)


@given(st.integers(1, 2), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=15)
def test_a_layer_is_its_formula(window: int, steps: int, input_dim: int, hidden: int) -> None:
    layer = QRNNLayer(input_dim, hidden, window=window).double()
    states = torch.randn(2, steps, input_dim).double().requires_grad_()
    memory, last = torch.randn(2, hidden).double(), torch.randn(2, input_dim).double()
    state = (memory[:, None], last) if window == 2 else (memory[:, None],)
    found, _ = layer(states, state)
    expected = by_hand(layer, states, memory, last)
    torch.testing.assert_close(found, expected)
    inputs = [states, *layer.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad(found.square().sum(), inputs),
        torch.autograd.grad(expected.square().sum(), inputs),
    )


def test_the_other_direction_reads_from_the_end() -> None:
    layer = QRNNLayer(3, 4, window=2, bidirectional=True).double()
    states = torch.randn(2, 6, 3).double()
    out, (memory,) = layer(states, layer.initial_state(2))
    assert memory.shape == (2, 2, 4)
    for place, end in enumerate(("", "_reverse")):
        one = QRNNLayer(3, 4, window=2).double()
        one.load_state_dict({name: getattr(layer, name + end) for name in ("weight", "bias")})
        alone, _ = one(states.flip(1) if place else states, one.initial_state(2))
        torch.testing.assert_close(out[..., 4 * place : 4 * place + 4], alone.flip(1) if place else alone)


def test_other_windows_are_refused() -> None:
    with pytest.raises(ParameterError, match="1 or 2 words, found 3"):
        QRNNLayer(2, 2, window=3)


def test_bf16_is_near_fp32_and_remembers_for_long() -> None:
    layer = QRNNLayer(8, 16, window=2)
    states = torch.randn(3, 60, 8, requires_grad=True)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out, after = layer(states, layer.initial_state(3))
        assert all(part.dtype == torch.float32 for part in after)
        loss = out.float().square().sum()
        results.append((out.detach().float(), *torch.autograd.grad(loss, [states, *layer.parameters()])))
    for exact, half in zip(*results, strict=True):
        assert float((half - exact).norm()) < 0.02 * float(exact.norm())
    f = torch.full((1, 1000, 1), 1 / 2048, dtype=torch.bfloat16)
    _, last = fo_pool(torch.ones_like(f), f, torch.zeros(1, 1))
    assert float(last) == pytest.approx(1 - (1 - 1 / 2048) ** 1000, rel=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gpu_gives_the_same_states_and_gradients(bidirectional: bool) -> None:
    assert_a_gpu_agrees(QRNNLayer(20, 32, window=2, bidirectional=bidirectional), 20)
