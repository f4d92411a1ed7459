"""A classifier that reads texts in windows: the same as reading them whole, in less memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from textgraft.errors import ParameterError
from textgraft.networks.awd_lstm import AWDLSTM
from textgraft.networks.awd_settings import NO_DROPOUT, AWDSettings, DropoutRates
from textgraft.networks.concat_pooling import concat_pooling
from textgraft.networks.recurrent_classifier import POOLS, RecurrentClassifier


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def network(
    kind: str = "lstm", *, pool: str = "concat", at_once: int = 10_000, rates: DropoutRates = NO_DROPOUT
) -> RecurrentClassifier:
    settings = AWDSettings(30, 4, 6, 2, 0, kind)  # type: ignore[arg-type]
    return RecurrentClassifier(AWDLSTM(settings, rates), 3, pool=pool, output=0.0, tokens_at_once=at_once)


def texts(lengths: list[int]) -> tuple[Tensor, Tensor]:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return torch.randint(1, 30, mask.shape).masked_fill(~mask, 0), mask


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
@pytest.mark.parametrize("window", [1, 3, 7, 100])
def test_windows_change_neither_logits_nor_gradients(kind: str, window: int) -> None:
    whole = network(kind).double()
    cut = network(kind, at_once=4 * window).double()
    cut.load_state_dict(whole.state_dict())
    ids, mask = texts([17, 9, 3, 1])
    states, _ = whole.body(ids)
    torch.testing.assert_close(
        cut.vectors(ids, mask), concat_pooling(states, mask), check_dtype=False, rtol=1e-6, atol=1e-6
    )
    for one in (whole, cut):
        one.train()
        torch.manual_seed(1)
        one(ids, mask).logsumexp(1).sum().backward()
    for (name, mine), other in zip(whole.named_parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
@pytest.mark.parametrize(("steps", "at_once"), [(64, 10_000), (4, 10_000), (4, 6), (1, 1)])
def test_answers_are_the_same_when_ended_texts_are_left_out(
    monkeypatch: pytest.MonkeyPatch, kind: str, steps: int, at_once: int
) -> None:
    monkeypatch.setattr("textgraft.networks.recurrent_classifier.STEPS_AT_ONCE", steps)
    read = network(kind, at_once=at_once).double().eval()
    # neither sorted nor all different; 4 and 8 end where a window does
    ids, mask = texts([3, 17, 4, 8, 17, 1])
    wanted = read(ids, mask)
    with torch.no_grad():
        torch.testing.assert_close(read(ids, mask), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_only_texts_that_go_on_are_read(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("textgraft.networks.recurrent_classifier.STEPS_AT_ONCE", 4)
    read, shapes = network(kind).eval(), []
    read.body.register_forward_hook(lambda _, inputs, __: shapes.append(tuple(inputs[0].shape)))
    with torch.no_grad():
        read(*texts([3, 10, 4, 8]))
    assert shapes == [(4, 4), (2, 4), (1, 2)]


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_company_and_padding_change_nothing(kind: str) -> None:
    read = network(kind, at_once=12).eval()
    ids, mask = texts([17, 9, 1])
    together = read(ids, mask)
    for row, length in enumerate([17, 9, 1]):
        alone = read(ids[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-5, atol=1e-6)


def test_dropout_is_the_same_when_a_window_is_computed_again() -> None:
    """Else gradients would be those of another network than the one whose loss was computed."""
    rates = DropoutRates(output=0.0, hidden=0.3, input=0.3, embedding=0.2, weight=0.3)
    read = network(at_once=6, rates=rates).train()
    ids, mask = texts([12, 10])
    weight = read.body.embedding.weight

    def loss() -> Tensor:
        torch.manual_seed(3)
        return read.vectors(ids, mask).square().sum()

    loss().backward()
    assert weight.grad is not None
    direction, step = torch.randn_like(weight), 1e-3
    slope = float((weight.grad * direction).sum())
    with torch.no_grad():
        weight += step * direction
        above = float(loss())
        weight -= 2 * step * direction
        below = float(loss())
    assert (above - below) / (2 * step) == pytest.approx(slope, rel=2e-2, abs=1e-3)


def test_memory_of_a_long_text_is_that_of_a_window() -> None:
    """Numbers kept for the way back, counted; all but a few a window are computed again."""
    kept = [0]

    def count(tensor: Tensor) -> Tensor:
        kept[0] += tensor.numel()
        return tensor

    counts = {}
    for at_once in (100, 10_000):
        kept[0] = 0
        ids, mask = texts([5_000])
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            network("qrnn", at_once=at_once)(ids, mask)
        counts[at_once] = kept[0]
    assert counts[100] < counts[10_000] / 5


@pytest.mark.parametrize(("length", "read"), [(8, 1), (9, 3), (16, 3), (20, 5)])
def test_the_last_window_is_read_once_and_is_a_whole_one(length: int, read: int) -> None:
    """It is the first that is needed on the way back: to compute it again would save nothing."""
    widths: list[int] = []
    cut = network("qrnn", at_once=8).train()
    cut.body.register_forward_pre_hook(lambda _, given: widths.append(given[0].shape[1]))
    cut(*texts([length])).sum().backward()
    windows = -(-length // 8)
    assert widths[windows - 1] == 8
    assert sum(widths[:windows]) == length
    assert len(widths) == read


@pytest.mark.parametrize("pool", list(POOLS))
def test_each_pool_sees_its_part(pool: str) -> None:
    ids, mask = texts([5, 2])
    read = network(pool=pool).eval()
    states, _ = read.body(ids)
    parts = dict(zip(("last", "max", "mean"), concat_pooling(states, mask).chunk(3, dim=1), strict=True))
    expected = torch.cat([parts[name] for name in POOLS[pool]], dim=1)
    torch.testing.assert_close(read.vectors(ids, mask), expected)
    both = read.vectors_and_logits(ids, mask)
    torch.testing.assert_close(both[:, : read.dim], read.head.blocks[0].norm(expected))
    torch.testing.assert_close(both[:, read.dim :], read(ids, mask))


def test_groups_are_in_order_and_hold_each_parameter_once() -> None:
    read = network()
    assert list(read.layer_groups()) == ["embeddings", "layer 1", "layer 2", "head"]
    held = [id(w) for parts in read.layer_groups().values() for part in parts for w in part.parameters()]
    assert sorted(held) == sorted(id(weight) for weight in read.parameters())


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="expected one of concat, last, max, mean"):
        network(pool="sum")
    with pytest.raises(ParameterError, match="reads both ways"):
        RecurrentClassifier(AWDLSTM(AWDSettings(30, 4, 6, 2, 0, bidirectional=True)), 2)
