"""Losses: numbers worked out by hand or by a slow loop over rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from textgraft.training.losses import (
    balanced_class_weights,
    balanced_label_weights,
    classification_loss,
    supervised_contrastive_loss,
)

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
CODES = torch.tensor([0, 2])
FIRST = math.log(math.exp(2) + 1 + math.exp(-1)) - 2
SECOND = math.log(3)


def test_cross_entropy_in_numbers() -> None:
    assert float(classification_loss(LOGITS, CODES)) == pytest.approx((FIRST + SECOND) / 2)
    assert float(classification_loss(LOGITS, CODES)) == pytest.approx(0.634229, abs=1e-6)


def test_class_weights_are_a_mean_over_rows() -> None:
    weights = torch.tensor([0.5, 1.0, 4.0])
    found = float(classification_loss(LOGITS, CODES, weights))
    assert found == pytest.approx((0.5 * FIRST + 4 * SECOND) / 2)
    # so that parts of a batch add up to it
    parts = [float(classification_loss(LOGITS[[at]], CODES[[at]], weights)) for at in (0, 1)]
    assert found == pytest.approx(sum(parts) / 2)


def test_smoothing_spreads_belief_over_all_classes() -> None:
    shares = torch.log_softmax(LOGITS.double(), 1)
    target = torch.full((2, 3), 0.1 / 3, dtype=torch.float64)
    target[[0, 1], CODES] += 0.9
    by_hand = -(target * shares).sum(1).mean()
    assert float(classification_loss(LOGITS, CODES, smoothing=0.1)) == pytest.approx(float(by_hand))


def test_logits_of_few_digits_are_widened_first() -> None:
    assert classification_loss(LOGITS.bfloat16(), CODES).dtype == torch.float32


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8).filter(any))
def test_balanced_weights_have_mean_one_over_rows_and_make_classes_equal(counts: list[int]) -> None:
    weights = balanced_class_weights(torch.tensor(counts)).tolist()
    shares = [n * w for n, w in zip(counts, weights, strict=True) if n]
    assert sum(shares) == pytest.approx(sum(counts), rel=1e-5)
    assert shares == pytest.approx([shares[0]] * len(shares), rel=1e-5)
    assert all(w == 0.0 for n, w in zip(counts, weights, strict=True) if not n)


def slow_contrastive(vectors: np.ndarray, codes: list[int], temperature: float) -> float:
    """Equation 2 of Khosla et al., row by row."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    losses = []
    for i in range(len(unit)):
        others = [j for j in range(len(unit)) if j != i]
        partners = [p for p in others if codes[p] == codes[i]]
        if not partners:
            continue
        total = sum(math.exp(unit[i] @ unit[j] / temperature) for j in others)
        losses.append(
            -sum(math.log(math.exp(unit[i] @ unit[p] / temperature) / total) for p in partners)
            / len(partners)
        )
    return sum(losses) / len(losses) if losses else 0.0


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 4), st.sampled_from([0.07, 0.1, 0.5, 1.0]))
def test_contrast_is_the_slow_loop(seed: int, n: int, n_classes: int, temperature: float) -> None:
    draw = np.random.default_rng(seed)
    vectors, codes = draw.normal(size=(n, 5)), draw.integers(0, n_classes, n)
    fast = supervised_contrastive_loss(torch.from_numpy(vectors), torch.from_numpy(codes), temperature)
    assert float(fast) == pytest.approx(slow_contrastive(vectors, codes.tolist(), temperature), abs=2e-5)


def test_contrast_in_numbers() -> None:
    vectors = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]])
    # each of the two rows chooses its partner (similarity 1) against one at right angles
    expected = math.log(1 + math.exp(-1 / 0.5))
    assert float(supervised_contrastive_loss(vectors, torch.tensor([0, 0, 1]), 0.5)) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("codes", [[0], [0, 1], [2, 1, 0]])
def test_rows_without_a_partner_cost_nothing_and_pull_nowhere(codes: list[int]) -> None:
    vectors = torch.randn(len(codes), 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = supervised_contrastive_loss(vectors, torch.tensor(codes))
    loss.backward()
    assert loss.item() == 0.0
    assert vectors.grad is not None
    assert not vectors.grad.any()


def test_contrast_keeps_its_digits_under_autocast() -> None:
    vectors = torch.randn(16, 8, generator=torch.Generator().manual_seed(2))
    codes = torch.arange(16) % 4

    def loss() -> Tensor:
        return supervised_contrastive_loss(vectors, codes)

    with torch.autocast("cpu", torch.bfloat16):
        narrow = loss()
    assert torch.equal(narrow, loss())


TARGETS = torch.tensor([[1, 0, 1], [0, 0, 0]])


def test_several_labels_are_judged_one_by_one() -> None:
    belief = torch.sigmoid(LOGITS.double())
    right = torch.where(TARGETS.bool(), belief, 1 - belief)
    assert float(classification_loss(LOGITS, TARGETS)) == pytest.approx(float(-right.log().mean()))
    # smoothing is for classes that exclude one another
    assert torch.equal(
        classification_loss(LOGITS, TARGETS, smoothing=0.1), classification_loss(LOGITS, TARGETS)
    )
    weights = torch.tensor([1.0, 1.0, 3.0])
    cost = -right.log()
    cost[0, 2] *= 3
    assert float(classification_loss(LOGITS, TARGETS, weights)) == pytest.approx(float(cost.mean()))


def test_balanced_labels_weigh_as_much_where_they_are_as_where_they_are_not() -> None:
    targets = torch.tensor([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0]])
    assert balanced_label_weights(targets).tolist() == pytest.approx([3.0, 1.0, 1 / 3])


def test_contrast_of_several_labels_is_that_of_classes_where_rows_have_one_each() -> None:
    vectors = torch.randn(9, 5, generator=torch.Generator().manual_seed(3))
    codes = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 3])
    one_each = torch.nn.functional.one_hot(codes)
    of_classes, of_labels = (supervised_contrastive_loss(vectors, one) for one in (codes, one_each))
    assert torch.allclose(of_classes, of_labels)


def test_rows_draw_together_by_the_share_of_their_labels_that_both_have() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    # row 0 shares one of two labels with row 1, one of three with row 2
    targets = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 1, 1]])
    unit = torch.nn.functional.normalize(vectors, dim=1)
    odds = torch.exp(unit @ unit.T / 0.5).fill_diagonal_(0)
    share = odds / odds.sum(1, keepdim=True)
    each = [
        -(0.5 * share[0, 1].log() + share[0, 2].log() / 3) / (0.5 + 1 / 3),
        -share[1, 0].log(),
        -share[2, 0].log(),
    ]
    found = supervised_contrastive_loss(vectors, targets, 0.5)
    assert float(found) == pytest.approx(float(sum(each) / 3))


def test_rows_without_labels_draw_nobody() -> None:
    vectors = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = supervised_contrastive_loss(vectors, torch.tensor([[0, 0], [0, 0], [1, 0]]))
    loss.backward()
    assert loss.item() == 0.0
    assert vectors.grad is not None
    assert not vectors.grad.any()
