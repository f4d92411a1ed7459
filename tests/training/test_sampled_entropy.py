"""A sampled softmax estimates the sum over the vocabulary without bias; many words give the exact loss."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from textgraft.errors import ParameterError
from textgraft.networks.awd_settings import NO_DROPOUT, AWDSettings
from textgraft.networks.language_model import LanguageModel
from textgraft.training.chunked_entropy import IGNORED
from textgraft.training.language_losses import language_model_loss
from textgraft.training.sampled_entropy import Sampler, sampled_cross_entropy


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def problem(rows: int) -> tuple[list[Tensor], Tensor]:
    parts = [torch.randn(shape).double().requires_grad_() for shape in ((rows, 4), (30, 4), (30,))]
    return parts, torch.randint(30, (rows,))


def test_many_words_give_the_exact_loss_and_gradient() -> None:
    parts, targets = problem(6)
    targets[2] = IGNORED
    found = sampled_cross_entropy(*parts, targets, Sampler.log_uniform(30, 200_000))
    exact = F.cross_entropy(F.linear(*parts), targets)
    torch.testing.assert_close(found, exact, rtol=0.02, atol=0.02)
    for ours, theirs in zip(
        torch.autograd.grad(found, parts), torch.autograd.grad(exact, parts), strict=True
    ):
        assert float((ours - theirs).norm()) < 0.03 * float(theirs.norm())


def test_the_sum_over_the_vocabulary_has_no_bias() -> None:
    parts, targets = problem(1)
    sampler = Sampler.log_uniform(30, 5)
    logits = F.linear(*parts).detach()[0]
    with torch.no_grad():
        losses = torch.stack([sampled_cross_entropy(*parts, targets, sampler) for _ in range(3000)])
    sums = (losses + logits[targets]).exp()
    off = float(sums.mean() - logits.exp().sum()) / float(sums.std() / 3000**0.5)
    assert abs(off) < 4


def test_log_uniform_shares() -> None:
    shares = Sampler.log_uniform(1000, 1).shares
    assert float(shares.sum()) == pytest.approx(1.0)
    assert bool((shares.diff() < 0).all())
    assert float(shares[0] / shares[1]) == pytest.approx(0.6931 / 0.4055, rel=1e-3)


def test_samplers_that_cannot_be() -> None:
    with pytest.raises(ParameterError, match=r"sum to 1; words must be 1 or more, found 0"):
        Sampler(torch.tensor([1.0, 0.0]), 0)


def test_a_model_samples_while_training_only() -> None:
    model = LanguageModel(AWDSettings(30, 4, 6), NO_DROPOUT)
    ids, targets = torch.randint(30, (2, 2, 5)).unbind()
    sampler = Sampler.log_uniform(30, 3)
    exact, _ = language_model_loss(model, ids, targets)
    sampled, _ = language_model_loss(model, ids, targets, sampler=sampler)
    assert abs(float((sampled - exact).detach())) > 1e-3
    sampled.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in model.parameters())
    model.eval()
    plain, _ = language_model_loss(model, ids, targets)
    torch.testing.assert_close(language_model_loss(model, ids, targets, sampler=sampler)[0], plain)


def test_nothing_asked_for_costs_nothing() -> None:
    parts, targets = problem(3)
    loss = sampled_cross_entropy(*parts, torch.full_like(targets, IGNORED), Sampler.log_uniform(30, 5))
    assert float(loss.detach()) == 0.0


def test_bf16_gives_fp32_losses() -> None:
    parts, targets = problem(6)
    small = [part.detach().float() for part in parts]
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(1)
        found = sampled_cross_entropy(small[0].bfloat16(), *small[1:], targets, Sampler.log_uniform(30, 50))
    torch.manual_seed(1)
    exact = sampled_cross_entropy(*small, targets, Sampler.log_uniform(30, 50))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, rtol=0.02, atol=0.02)
