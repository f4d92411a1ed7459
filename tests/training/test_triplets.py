"""The triplet loss and the batches that it is computed in."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from textgraft.core.plan import one_cycle
from textgraft.errors import TrainingError
from textgraft.networks.projection import Projection
from textgraft.training.batches import ArrayBatches
from textgraft.training.loop import train
from textgraft.training.losses import supervised_contrastive_loss
from textgraft.training.triplets import BalancedBatches, semi_hard_triplet_loss


def _at(*degrees: float) -> torch.Tensor:
    angles = torch.tensor([math.radians(degree) for degree in degrees], dtype=torch.float64)
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def _distance(a: float, b: float) -> float:
    return 1 - math.cos(math.radians(a - b))


def test_a_case_computed_by_hand() -> None:
    # a at 0° and 40°, b at 60° and 100°
    loss = semi_hard_triplet_loss(_at(0, 40, 60, 100), torch.tensor([0, 0, 1, 1]), margin=0.4)
    positive = _distance(0, 40)
    each = [
        positive - _distance(0, 60) + 0.4,  # 0°: the nearest of b lies at 60°
        positive - _distance(40, 100) + 0.4,  # 40°: 60° is nearer than its own, so 100°
        positive - _distance(60, 0) + 0.4,  # 60°: 40° is nearer than its own, so 0°
        positive - _distance(100, 40) + 0.4,  # 100°: the nearest of a lies at 40°
    ]
    assert float(loss) == pytest.approx(sum(each) / 4, abs=1e-6)
    assert float(loss) == pytest.approx(0.133956, abs=1e-6)


def test_without_a_farther_negative_the_farthest_is_taken() -> None:
    loss = semi_hard_triplet_loss(_at(0, 90, 10, 20), torch.tensor([0, 0, 1, 2]), margin=0.4)
    # from 0° the farthest other lies at 20°, from 90° at 10°
    each = [1 - _distance(0, 20) + 0.4, 1 - _distance(90, 10) + 0.4]
    assert float(loss) == pytest.approx(sum(each) / 2, abs=1e-6)


def test_classes_apart_by_the_margin_cost_nothing() -> None:
    vectors, codes = _at(0, 5, 90, 95), torch.tensor([0, 0, 1, 1])
    assert float(semi_hard_triplet_loss(vectors, codes, margin=0.4)) == 0.0
    assert float(semi_hard_triplet_loss(vectors, codes, margin=1.2)) > 0


@pytest.mark.parametrize("codes", [[0, 0, 0], [0, 1, 2], [0]])
def test_no_triplet_costs_nothing_and_can_be_learned_from(codes: list[int]) -> None:
    vectors = torch.ones(len(codes), 3, requires_grad=True)
    loss = semi_hard_triplet_loss(vectors, torch.tensor(codes))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(vectors.grad, torch.zeros_like(vectors))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_gradient_is_finite_where_distances_are_0(value: float) -> None:
    vectors = torch.full((6, 4), value, requires_grad=True)
    loss = semi_hard_triplet_loss(vectors, torch.tensor([0, 0, 1, 1, 2, 2]), margin=0.4)
    loss.backward()
    assert loss.item() == pytest.approx(0.4)
    assert bool(torch.isfinite(vectors.grad).all())


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 4))
@settings(max_examples=30)
def test_order_length_and_names_of_classes_are_of_no_importance(seed: int, n: int, n_classes: int) -> None:
    random = torch.Generator().manual_seed(seed)
    vectors = torch.randn(n, 5, generator=random)
    codes = torch.randint(n_classes, (n,), generator=random)
    loss = float(semi_hard_triplet_loss(vectors, codes))
    order = torch.randperm(n, generator=random)
    assert float(semi_hard_triplet_loss(vectors[order], codes[order])) == pytest.approx(loss, abs=1e-5)
    lengths = 0.5 + torch.rand(n, 1, generator=random)
    assert float(semi_hard_triplet_loss(vectors * lengths, 7 - codes)) == pytest.approx(loss, abs=1e-5)
    assert 0 <= loss <= 2.4


def test_it_agrees_with_every_triplet_looked_at_one_by_one() -> None:
    random = np.random.default_rng(3)
    vectors, codes = random.normal(size=(20, 4)).astype(np.float32), random.integers(0, 4, 20)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1 - unit @ unit.T
    each = []
    for a in range(20):
        others = distances[a][codes != codes[a]]
        for p in range(20):
            if p != a and codes[p] == codes[a]:
                farther = others[others > distances[a, p]]
                n = farther.min() if len(farther) else others.max()
                each.append(max(0.0, distances[a, p] - n + 0.3))
    loss = semi_hard_triplet_loss(torch.from_numpy(vectors), torch.from_numpy(codes), margin=0.3)
    assert float(loss) == pytest.approx(np.mean(each), abs=1e-5)


def test_leading_dimensions_are_averaged_over() -> None:
    vectors = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(0))
    codes = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])
    each = [float(semi_hard_triplet_loss(head, codes)) for head in vectors]
    assert float(semi_hard_triplet_loss(vectors, codes)) == pytest.approx(sum(each) / 3, abs=1e-6)


# ── batches ─────────────────────────────────────────────────────────────────────────


def _batches(codes: np.ndarray, n_classes: int, n_rows: int, seed: int = 0) -> BalancedBatches:
    vectors = np.arange(len(codes), dtype=np.float32)[:, None]
    return BalancedBatches(ArrayBatches(vectors, codes, 1, seed), codes, n_classes, n_rows, seed)


CODES = st.lists(st.integers(0, 8), min_size=1, max_size=80).map(np.array)


@given(CODES, st.integers(2, 6), st.integers(2, 5), st.integers(0, 99))
def test_every_step_holds_some_rows_of_several_classes(
    codes: np.ndarray, n_classes: int, n_rows: int, epoch: int
) -> None:
    counts = np.bincount(codes)
    n_present = int((counts > 0).sum())
    steps = _batches(codes, n_classes, n_rows).steps(epoch)
    assert steps
    for (rows,) in steps:
        found = np.bincount(codes[rows], minlength=len(counts))
        assert (found > 0).sum() >= min(n_classes, n_present)
        for code in np.flatnonzero(found):
            # a class of one row shows it twice
            assert found[code] == np.clip(counts[code], 2, n_rows)
            assert len(set(rows[codes[rows] == code])) == min(counts[code], n_rows)


@given(CODES, st.integers(2, 6), st.integers(2, 5))
def test_a_part_of_the_fewest_rows_has_a_pair_and_a_stranger(
    codes: np.ndarray, n_classes: int, n_rows: int
) -> None:
    assume(len(np.unique(codes)) > 1)
    batches = _batches(codes, n_classes, n_rows)
    for (rows,) in batches.steps(0):
        for start in range(len(rows) - batches.fewest + 1):
            counts = np.bincount(codes[rows[start : start + batches.fewest]])
            assert counts.max() > 1
            assert (counts > 0).sum() > 1


@pytest.mark.parametrize(
    "loss_of",
    [partial(semi_hard_triplet_loss, margin=2.0), supervised_contrastive_loss],
    ids=["triplet", "contrastive"],
)
def test_where_memory_ends_every_part_still_has_a_loss(loss_of: Callable[[Tensor, Tensor], Tensor]) -> None:
    codes = np.repeat(np.arange(6), 4)
    vectors = np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32)
    batches = BalancedBatches(ArrayBatches(vectors, codes, 1, 0), codes, 6, 4, 0)
    found: list[float] = []

    def scarce(most: int) -> Callable[[Any, tuple[Tensor, Tensor]], Tensor]:
        def loss(network: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
            if len(batch[0]) > most:
                raise MemoryError
            each = loss_of(network(batch[0]), batch[1])
            found.append(float(each.detach()))
            return each

        return loss

    # batch norm would refuse a row alone
    network = Projection(5, (4, 3), 1)
    plan = one_cycle(tuple(network.layer_groups()), 1, 1e-3)
    train(network, plan, batches, scarce(6))
    assert len(found) == 4
    assert min(found) > 0
    with pytest.raises(TrainingError, match="does not fit in memory"):
        train(network, plan, batches, scarce(4))


@given(CODES)
def test_the_same_epoch_is_the_same_and_another_is_not(codes: np.ndarray) -> None:
    batches = _batches(codes, 4, 4)
    first, again = batches.steps(3), _batches(codes, 4, 4).steps(3)
    assert all(np.array_equal(a, b) for (a,), (b,) in zip(first, again, strict=True))
    big = _batches(np.arange(60) % 6, 4, 4)
    assert any(not np.array_equal(a, b) for (a,), (b,) in zip(big.steps(0), big.steps(1), strict=True))


def test_classes_come_equally_often_whatever_their_size() -> None:
    codes = np.array([0] * 500 + [1] * 20 + [2] * 20 + [3] * 20)
    steps = _batches(codes, 2, 5).steps(0)
    found = sum(np.bincount(codes[rows], minlength=4) for (rows,) in steps)
    assert found.max() - found.min() <= 5
    assert len(steps) == 56


def test_all_rows_of_a_class_have_their_turn() -> None:
    codes = np.arange(96) % 3
    rows = np.concatenate([rows for (rows,) in _batches(codes, 3, 8).steps(0)])
    assert sorted(rows) == list(range(96))


def test_thousands_of_classes_of_one_row_fill_a_step() -> None:
    codes = np.arange(5_000)
    steps = _batches(codes, 16, 8).steps(0)
    assert all(len(rows) == 2 * len(set(rows)) for (rows,) in steps)
    assert 100 <= np.mean([len(rows) for (rows,) in steps]) <= 160
    assert len(steps) <= 5_000 / 100


def test_take_is_that_of_the_rows() -> None:
    vectors, codes = _batches(np.array([0, 1, 0, 1]), 2, 2).take(np.array([3, 0]), 0)
    assert vectors.flatten().tolist() == [3, 0]
    assert codes.tolist() == [1, 0]
