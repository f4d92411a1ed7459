"""The dropouts of an AWD-LSTM drop what fastai's drop: words, numbers of all words, weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import textgraft as tg
from textgraft.networks.awd_dropout import EmbeddingDropout, VariationalDropout
from textgraft.networks.fast_lstm import LSTMLayer
from textgraft.networks.qrnn import QRNNLayer


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def test_a_number_is_dropped_at_all_words_of_a_row_alike() -> None:
    out = VariationalDropout(0.3)(torch.ones(40, 6, 50))
    assert torch.equal(out, out[:, :1].expand_as(out))
    # and in each row for itself
    assert len(out[:, 0].unique(dim=0)) == 40
    assert out.unique().tolist() == pytest.approx([0.0, 1 / 0.7])


@pytest.mark.parametrize("p", [0.1, 0.4])
def test_rates_are_exact(p: float) -> None:
    n = 200_000
    numbers = VariationalDropout(p)(torch.ones(200, 2, n // 200))[:, 0]
    words = EmbeddingDropout(p, n)(torch.ones(1, n, 1), torch.arange(n)[None])
    for out in (numbers, words):
        # four standard deviations
        assert float((out == 0).float().mean()) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))
        assert float(out.max()) == pytest.approx(1 / (1 - p))


def test_a_dropped_word_is_0_wherever_it_stands() -> None:
    """The same as rows of the embedding matrix that are 0, fastai's words for it."""
    ids = torch.randint(20, (8, 15))
    embedding = nn.Embedding(20, 5)
    vectors = embedding(ids)
    out = EmbeddingDropout(0.5, 20)(vectors, ids)
    dropped = [word for word in range(20) if not out[ids == word].any()]
    assert 3 < len(dropped) < 17
    rows = embedding.weight.clone() * 2
    rows[dropped] = 0.0
    torch.testing.assert_close(out, rows[ids])


def test_gradient_reaches_kept_words_only() -> None:
    ids = torch.arange(20)[None]
    embedding = nn.Embedding(20, 5)
    out = EmbeddingDropout(0.5, 20)(embedding(ids), ids)
    out.sum().backward()
    assert embedding.weight.grad is not None
    assert torch.equal(embedding.weight.grad, 2.0 * (out[0] != 0))


@pytest.mark.parametrize("make", [VariationalDropout, lambda p: EmbeddingDropout(p, 9)])
def test_edges(make: Callable[[float], Any]) -> None:
    states = torch.randn(2, 3, 4)
    ids = (torch.ones(2, 3, dtype=torch.long),) if isinstance(make(0.5), EmbeddingDropout) else ()
    assert make(0.5).eval()(states, *ids) is states
    assert make(0.0)(states, *ids) is states
    assert not make(1.0)(states, *ids).any()
    with pytest.raises(tg.ParameterError, match="from 0 to 1"):
        make(1.5)
    with pytest.raises(tg.ParameterError, match="from 0 to 1"):
        make(math.nan)


LAYERS: dict[str, tuple[Callable[[float], Any], str]] = {
    "lstm": (lambda p: LSTMLayer(4, 30, weight_dropout=p), "weight_hh_l0"),
    "qrnn": (lambda p: QRNNLayer(4, 30, window=2, weight_dropout=p), "weight"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_weights_are_dropped_once_a_window(name: str) -> None:
    """With rate 1 all are 0, with 0.5 about half; what is dropped learns nothing, the others do."""
    make, weight = LAYERS[name]
    states = torch.randn(2, 6, 4)
    layer = make(0.5)
    out, _ = layer(states, layer.initial_state(2))
    out.square().sum().backward()
    grad = getattr(layer, weight).grad
    assert float((grad == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    others = [p for key, p in layer.named_parameters() if key != weight]
    assert all(bool(parameter.grad.any()) for parameter in others)
    none = make(1.0)
    none.load_state_dict(layer.state_dict())
    without = make(0.0)
    without.load_state_dict(layer.state_dict())
    with torch.no_grad():
        getattr(without, weight).zero_()
    start = layer.initial_state(2)
    torch.testing.assert_close(none(states, start)[0], without(states, start)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_weights_are_whole_after_training(name: str) -> None:
    make, _ = LAYERS[name]
    layer, states = make(0.5), torch.randn(2, 6, 4)
    plain = make(0.0)
    plain.load_state_dict(layer.state_dict())
    start = layer.initial_state(2)
    assert not torch.equal(layer(states, start)[0], layer(states, start)[0])
    assert torch.equal(layer.eval()(states, start)[0], plain(states, start)[0])


def test_both_directions_are_dropped() -> None:
    layer = LSTMLayer(4, 30, bidirectional=True, weight_dropout=0.5)
    layer(torch.randn(2, 6, 4), layer.initial_state(2))[0].square().sum().backward()
    for end in ("", "_reverse"):
        grad = getattr(layer, f"weight_hh_l0{end}").grad
        assert float((grad == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
