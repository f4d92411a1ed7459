"""The AWD-LSTM gives fastai's numbers, carries its state between windows and forgets between documents."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from textgraft.errors import ParameterError
from textgraft.networks.awd_lstm import AWDLSTM, detached
from textgraft.networks.awd_settings import (
    CLASSIFIER_RATES,
    LANGUAGE_MODEL_RATES,
    NO_DROPOUT,
    AWDSettings,
    DropoutRates,
)
from textgraft.networks.fastai_names import from_fastai
from textgraft.networks.language_model import LanguageModel
from textgraft.networks.starts import Starts
from textgraft.training.language_losses import (
    activation_regularisation,
    language_model_loss,
    temporal_activation_regularisation,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "awd_lstm"
ALL = [
    {"kind": kind, "bidirectional": bidirectional}
    for kind in ("lstm", "qrnn")
    for bidirectional in (False, True)
]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def small(**more: Any) -> AWDSettings:
    return AWDSettings(11, embedding=4, hidden=6, **more)


def body(rates: DropoutRates = NO_DROPOUT, **more: Any) -> AWDLSTM:
    """A small network with weights large enough for differences to show."""
    made = AWDLSTM(small(**more), rates).double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.5)
    return made


def golden(name: str) -> tuple[LanguageModel, dict[str, Tensor]]:
    """fastai's model as one of ours, and what fastai's gave."""
    numbers = load_file(GOLDEN / f"{name}.safetensors")
    kind, _, ways = name.partition("_")
    sizes = AWDSettings(30, 12, 20, 3, kind=kind, bidirectional=bool(ways))  # type: ignore[arg-type]
    model = LanguageModel(sizes, NO_DROPOUT)
    model.load_state_dict(from_fastai(under("weights.", numbers)))
    return model, numbers


def under(prefix: str, numbers: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in numbers.items() if key.startswith(prefix)}


FILES = ["lstm", "lstm_bidirectional", "qrnn", "qrnn_bidirectional"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FILES)
def test_two_windows_of_fastai(name: str, dtype: torch.dtype) -> None:
    """In fp32 an LSTM on a CPU is torch's own, in fp64 the scan."""
    model, numbers = golden(name)
    model.to(dtype)
    state = None
    for ids, raw, logits in zip(numbers["ids"], numbers["raw"], numbers["logits"], strict=True):
        found = model(ids, state)
        state = detached(found.state)
        torch.testing.assert_close(found.raw, raw.to(dtype), rtol=0, atol=1e-5)
        torch.testing.assert_close(model.logits_of(found.dropped), logits.to(dtype), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_loss_and_regularisation_of_fastai(name: str) -> None:
    model, numbers = golden(name)
    ids, targets = numbers["ids"][0], numbers["targets"]
    states = model(ids)
    ar = 2.0 * activation_regularisation(states.dropped)
    tar = 1.0 * temporal_activation_regularisation(states.raw)
    torch.testing.assert_close(ar, numbers["ar"], rtol=0, atol=1e-5)
    torch.testing.assert_close(tar, numbers["tar"], rtol=0, atol=1e-5)
    together, _ = language_model_loss(model, ids, targets)
    torch.testing.assert_close(together, numbers["loss"] + numbers["ar"] + numbers["tar"], rtol=0, atol=1e-5)
    alone, _ = language_model_loss(model.eval(), ids, targets)
    torch.testing.assert_close(alone, numbers["loss"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FILES[:2])
def test_gradients_of_fastai(name: str) -> None:
    model, numbers = golden(name)
    loss, _ = language_model_loss(model, numbers["ids"][0], numbers["targets"], alpha=2.0, beta=1.0)
    loss.backward()  # type: ignore[no-untyped-call]
    of = dict(model.named_parameters())
    expected = from_fastai(under("gradients.", numbers))
    assert len(expected) == 5
    for key, grad in expected.items():
        torch.testing.assert_close(of[key].grad, grad, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_windows_give_what_one_long_window_gives(kind: str) -> None:
    network = body(kind=kind)
    ids = torch.randint(11, (3, 9))
    whole, last = network(ids)
    pieces, state = [], None
    for window in ids.split([1, 5, 3], dim=1):
        out, state = network(window, state)
        pieces.append(out)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole)
    assert state is not None
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("more", ALL)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=6)
def test_documents_within_a_window_know_nothing_of_each_other(more: dict[str, Any], seed: int) -> None:
    """Each document gives what it gives alone, in whichever window and row it lies."""
    draw = torch.Generator().manual_seed(seed)
    network = body(**more)
    ids = torch.randint(11, (3, 8), generator=draw)
    starts = torch.rand(3, 8, generator=draw) < 0.3
    starts[:, 0] = True
    _, foreign = network(torch.randint(11, (3, 5)))
    found, _ = network(ids, foreign, starts)
    for row in range(3):
        edges = [*starts[row].nonzero().flatten().tolist(), 8]
        for begin, end in pairwise(edges):
            alone, _ = network(ids[row : row + 1, begin:end])
            torch.testing.assert_close(found[row : row + 1, begin:end], alone)


@pytest.mark.parametrize("more", ALL)
def test_rows_that_begin_forget_and_others_do_not(more: dict[str, Any]) -> None:
    network = body(**more)
    ids = torch.randint(11, (2, 4))
    _, state = network(torch.randint(11, (2, 5)))
    found, _ = network(ids, state, torch.tensor([True, False]))
    torch.testing.assert_close(found[:1], network(ids[:1])[0])
    torch.testing.assert_close(found[1:], network(ids, state)[0][1:])
    assert not torch.allclose(found[1:], network(ids[1:])[0])


def test_padding_behind_is_another_document_to_a_backward_direction() -> None:
    network = body(bidirectional=True)
    ids = torch.randint(2, 11, (1, 7))
    padded = nn.functional.pad(ids, (0, 3), value=1)
    starts = torch.zeros(1, 10, dtype=torch.bool)
    starts[0, 7] = True
    torch.testing.assert_close(network(padded, starts=starts)[0][:, :7], network(ids)[0])


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_gradients_flow_through_starts(kind: str) -> None:
    """The fast paths' own way back, against one document a call."""
    network = body(kind=kind)
    ids = torch.randint(11, (1, 6))
    starts = torch.tensor([[True, False, False, True, False, False]])
    weights = list(network.parameters())
    together = torch.autograd.grad(network(ids, starts=starts)[0].square().sum(), weights)
    halves = sum(network(ids[:, part])[0].square().sum() for part in (slice(0, 3), slice(3, 6)))
    for found, expected in zip(together, torch.autograd.grad(halves, weights), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_state_joins_windows_in_the_graph_until_detached() -> None:
    network = body()
    ids = torch.randint(11, (2, 3))
    _, state = network(ids)
    through = torch.autograd.grad(network(ids, state)[0].sum(), network.parameters())
    cut = torch.autograd.grad(network(ids, detached(state))[0].sum(), network.parameters())
    assert not all(torch.allclose(a, b) for a, b in zip(through, cut, strict=True))
    assert not any(part.requires_grad for layer in detached(state) for part in layer)


@pytest.mark.parametrize("more", ALL)
def test_layer_groups_hold_each_parameter_once(more: dict[str, Any]) -> None:
    model = LanguageModel(small(**more))
    groups = model.layer_groups()
    held = [id(weight) for parts in groups.values() for part in parts for weight in part.parameters()]
    assert sorted(held) == sorted(id(weight) for weight in model.parameters())
    assert list(groups) == ["embeddings", "layer 1", "layer 2", "layer 3", "decoder"]
    assert list(model.body.layer_groups()) == list(groups)[:-1]


@pytest.mark.parametrize("more", ALL)
def test_dropout_acts_in_training_only(more: dict[str, Any]) -> None:
    network = body(LANGUAGE_MODEL_RATES, **more)
    ids = torch.randint(11, (2, 5))
    assert not torch.equal(network(ids)[0], network(ids)[0])
    network.eval()
    assert torch.equal(network(ids)[0], network(ids)[0])
    plain = AWDLSTM(network.settings, NO_DROPOUT).double()
    plain.load_state_dict(network.state_dict())
    assert torch.equal(plain(ids)[0], network(ids)[0])


@pytest.mark.parametrize("more", ALL)
def test_each_rate_drops_at_its_place(more: dict[str, Any]) -> None:
    """As in fastai."""
    model = LanguageModel(small(**more), DropoutRates(0.1, 0.2, 0.3, 0.4, 0.5))
    places = {name: part.p for name, part in model.named_modules() if hasattr(part, "p")}
    assert places == {
        "body.embedding_dropout": 0.4,
        "body.input_dropout": 0.3,
        "body.hidden_dropout": 0.2,
        **{f"body.layers.{layer}.weight_dropout": 0.5 for layer in range(3)},
        "decoder.output_dropout": 0.1,
    }
    # which of them stands before which layer
    for rate, emptied in (("embedding", [0]), ("input", [0]), ("hidden", [1, 2])):
        network = AWDLSTM(small(**more), replace(NO_DROPOUT, **{rate: 1.0}))
        read: list[Tensor] = []
        for layer in network.layers:
            layer.register_forward_pre_hook(lambda _, given, read=read: read.append(given[0]))
        network(torch.randint(2, 11, (2, 5)))
        assert [layer for layer, states in enumerate(read) if not states.any()] == emptied


def test_rates_are_those_of_fastai() -> None:
    # output_p, hidden_p, input_p, embed_p and weight_p of its two configurations
    assert DropoutRates(0.1, 0.15, 0.25, 0.02, 0.2) == LANGUAGE_MODEL_RATES
    assert DropoutRates(0.4, 0.3, 0.4, 0.05, 0.5) == CLASSIFIER_RATES


def test_padding_words_learn_nothing_from_being_read() -> None:
    network = body()
    network(torch.tensor([[1, 2, 1]]))[0].sum().backward()
    assert network.embedding.weight.grad.any(1).nonzero().flatten().tolist() == [2]


def test_bf16_is_near_fp32_and_carries_fp32() -> None:
    for kind in ("lstm", "qrnn"):
        network = AWDLSTM(AWDSettings(50, 16, 24, kind=kind), NO_DROPOUT)
        ids = torch.randint(50, (4, 30))
        exact, _ = network(ids)
        with torch.autocast("cpu", torch.bfloat16):
            found, state = network(ids)
        assert found.dtype == torch.bfloat16
        assert all(part.dtype == torch.float32 for layer in state for part in layer)
        assert bool((found - exact).norm() < 0.03 * exact.norm())


def test_sizes_are_those_of_fastai() -> None:
    assert AWDSettings(60_000).sizes == [(400, 1152), (1152, 1152), (1152, 400)]
    assert AWDSettings.for_qrnn(60_000).sizes == [(400, 1552), (1552, 1552), (1552, 1552), (1552, 400)]
    assert AWDSettings(60_000, layers=1).sizes == [(400, 400)]


def test_rates_are_multiplied_together() -> None:
    assert LANGUAGE_MODEL_RATES.times(0.5) == DropoutRates(0.05, 0.075, 0.125, 0.01, 0.1)
    assert CLASSIFIER_RATES.times(0.0) == NO_DROPOUT
    with pytest.raises(ParameterError, match=r"weight must be from 0 to 1, found 1\.5"):
        CLASSIFIER_RATES.times(3.0)


def test_all_faults_of_settings_at_once() -> None:
    with pytest.raises(ParameterError, match=r"layers must.*pad_id must.*kind must.*even sizes"):
        AWDSettings(3, 5, 7, 0, pad_id=3, kind="gru", bidirectional=True)  # type: ignore[arg-type]


def test_starts_of_a_window() -> None:
    rows = torch.tensor([False, True])
    begins = Starts.of(rows, 3)
    assert begins is not None
    assert begins.steps == (0,)
    assert begins.mask.tolist() == [[False] * 3, [True, False, False]]
    assert Starts.of(None, 3) is None
    assert Starts.of(torch.zeros(2, 3, dtype=torch.bool), 3) is None
    turned = Starts.of(torch.tensor([[True, False, True, False]]), 4)
    assert turned is not None
    assert turned.backward().mask.tolist() == [[True, False, True, False]]
    assert turned.backward().steps == (0, 2)
    assert [(begin, end) for begin, end, _ in turned.spans()] == [(0, 2), (2, 4)]
