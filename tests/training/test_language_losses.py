"""Cross entropy in pieces is torch's; regularisation is there while training; a model learns a sequence."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from textgraft.networks.awd_settings import NO_DROPOUT, AWDSettings
from textgraft.networks.language_model import LanguageModel
from textgraft.training.chunked_entropy import IGNORED, linear_cross_entropy
from textgraft.training.language_losses import (
    activation_regularisation,
    language_model_loss,
    temporal_activation_regularisation,
)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def problem(dtype: torch.dtype = torch.float64) -> tuple[list[Tensor], Tensor]:
    parts = [torch.randn(shape, dtype=dtype).requires_grad_() for shape in ((13, 4), (7, 4), (7,))]
    targets = torch.randint(7, (13,))
    targets[3] = IGNORED
    return parts, targets


@pytest.mark.parametrize("rows", [1, 5, 12, 100])
def test_loss_and_gradients_in_pieces_are_those_of_torch(rows: int) -> None:
    parts, targets = problem()
    found = linear_cross_entropy(*parts, targets, logits_at_once=7 * rows)
    expected = F.cross_entropy(F.linear(*parts), targets)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(3 * found, parts), torch.autograd.grad(3 * expected, parts)
    )


def test_gradients_are_derivatives() -> None:
    parts, targets = problem()
    assert torch.autograd.gradcheck(lambda *parts: linear_cross_entropy(*parts, targets, 15), tuple(parts))


def test_extreme_logits_stay_numbers() -> None:
    parts, targets = problem(torch.float32)
    scaled = [parts[0] * 1e3, parts[1], parts[2]]
    found, expected = linear_cross_entropy(*scaled, targets), F.cross_entropy(F.linear(*scaled), targets)
    torch.testing.assert_close(found, expected)


def test_without_gradients_only_the_loss_is_computed() -> None:
    parts, targets = problem()
    with torch.no_grad():
        found = linear_cross_entropy(*parts, targets)
    assert not found.requires_grad
    torch.testing.assert_close(found, linear_cross_entropy(*parts, targets).detach())
    frozen = linear_cross_entropy(parts[0], parts[1].detach(), parts[2].detach(), targets)
    expected = torch.autograd.grad(F.cross_entropy(F.linear(*parts), targets), parts[0])
    torch.testing.assert_close(torch.autograd.grad(frozen, parts[0]), expected)


def test_nothing_asked_for_costs_nothing() -> None:
    parts, targets = problem()
    loss = linear_cross_entropy(*parts, torch.full_like(targets, IGNORED))
    assert float(loss.detach()) == 0.0
    assert not any(grad.any() for grad in torch.autograd.grad(loss, parts))


def test_bf16_is_near_fp32_with_gradients_in_fp32() -> None:
    parts, targets = problem(torch.float32)
    states = parts[0].detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = linear_cross_entropy(states, parts[1], parts[2], targets, 21)
    exact = F.cross_entropy(F.linear(states.float(), *parts[1:]), targets)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, rtol=0.01, atol=0.01)
    ours = torch.autograd.grad(found, [states, *parts[1:]])
    assert [grad.dtype for grad in ours] == [torch.bfloat16, torch.float32, torch.float32]
    for half, grad in zip(ours, torch.autograd.grad(exact, [states, *parts[1:]]), strict=True):
        assert float((half - grad).norm()) < 0.02 * float(grad.norm())


def test_regularisation_is_squares_and_their_changes() -> None:
    states = torch.tensor([[[1.0, 2.0], [3.0, 2.0]]])
    assert float(activation_regularisation(states)) == (1 + 4 + 9 + 4) / 4
    assert float(temporal_activation_regularisation(states)) == (4 + 0) / 2
    assert float(temporal_activation_regularisation(states[:, :1])) == 0.0
    assert activation_regularisation(states.bfloat16()).dtype == torch.float32


def test_regularisation_is_added_while_training_only() -> None:
    model = LanguageModel(AWDSettings(9, 4, 6), NO_DROPOUT)
    ids, targets = torch.randint(9, (2, 2, 5)).unbind()
    plain, _ = language_model_loss(model, ids, targets, alpha=0.0, beta=0.0)
    raw = model(ids).raw
    both, _ = language_model_loss(model, ids, targets)
    added = 2 * raw.square().mean() + (raw[:, 1:] - raw[:, :-1]).square().mean()
    torch.testing.assert_close(both, plain + added)
    torch.testing.assert_close(language_model_loss(model.eval(), ids, targets)[0], plain)


def test_one_tensor_is_embedding_and_decoder() -> None:
    """Its gradient is the sum of both uses."""
    model = LanguageModel(AWDSettings(9, 4, 6), NO_DROPOUT).double()
    ids, targets = torch.randint(2, 9, (2, 2, 5)).unbind()
    loss, _ = language_model_loss(model, ids, targets, alpha=0.0, beta=0.0)
    weight = model.body.embedding.weight
    found = torch.autograd.grad(loss, weight)[0]
    decoder = weight.detach().clone().requires_grad_()
    logits = F.linear(model(ids).dropped, decoder, model.decoder.bias)
    apart = torch.autograd.grad(F.cross_entropy(logits.flatten(0, 1), targets.flatten()), [weight, decoder])
    torch.testing.assert_close(found, apart[0] + apart[1])
    assert [name for name, _ in model.named_parameters() if "decoder" in name] == ["decoder.bias"]


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_it_learns_what_only_the_window_before_tells(kind: str) -> None:
    """Windows are 2 3 and 2 4 by turns: without the state, the best loss is half of ln 2."""
    model = LanguageModel(AWDSettings(6, 16, layers=1, kind=kind), NO_DROPOUT)  # type: ignore[arg-type]
    text = torch.tensor([2, 3, 2, 4] * 3 + [2])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(80):
        losses, state = [], None
        for begin in range(0, 12, 2):
            window = text[None, begin : begin + 2], text[None, begin + 1 : begin + 3]
            loss, state = language_model_loss(model, *window, state, alpha=0.0, beta=0.0)
            losses.append(loss)
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float(losses[-1].detach()) < 0.1
