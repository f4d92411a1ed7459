"""Batches and losses over pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from textgraft.core.plan import one_cycle
from textgraft.core.sampling import ClassRows
from textgraft.encoders import load_encoder
from textgraft.encoders.encoder import as_trainable
from textgraft.networks.pair import CrossPair, DensePair, pair_ids
from textgraft.training.joining import plans_in_turn, trained_in_turn
from textgraft.training.loop import train
from textgraft.training.pairs import (
    Draws,
    JoinedPairBatches,
    MatedTextBatches,
    VectorPairBatches,
    joined_pair_loss,
    list_loss,
    mixed_on,
    ranking_loss,
    start_from_cosine,
    vector_pair_loss,
)
from textgraft.training.records import Training


def _draws(codes: np.ndarray, negatives: int = 3, strangers: int = 2) -> Draws:
    rows = np.arange(len(codes))
    nearest = np.tile(rows, (len(codes), 1))
    return Draws(ClassRows(codes), rows, nearest, negatives, strangers, seed=0)


def _rows(n: int = 60, dim: int = 8) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    codes = np.arange(n) % 6
    vectors = draw.normal(size=(6, dim))[codes] + 0.5 * draw.normal(size=(n, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), codes


def test_every_anchor_comes_once_an_epoch_and_the_same_numbers_give_the_same_batch() -> None:
    vectors, codes = _rows()
    batches = VectorPairBatches(vectors, _draws(codes), 16)
    steps = batches.steps(3)
    assert sorted(np.concatenate([part for step in steps for part in step])) == list(range(60))
    (rows,) = steps[0]
    first, again, other = batches.take(rows, 3), batches.take(rows, 3), batches.take(rows, 4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.v, other.v)


def test_the_mate_is_first_and_all_others_are_of_other_classes() -> None:
    vectors, codes = _rows()
    codes[0] = 99
    batch = VectorPairBatches(vectors, _draws(codes), 60).take(np.arange(60), 0)
    assert batch.v.shape == (60, 6, 8)
    assert not batch.there[0, 0], "a row alone in its class has no mate"
    assert batch.there[1:].all()
    assert batch.same[1:, 0].eq(1).all()
    assert batch.same[:, 1:].eq(0).all()


def test_the_list_loss_is_binary_and_listwise_cross_entropy() -> None:
    odds = torch.tensor([[2.0, -1.0, 0.5]])
    same, there = torch.tensor([[1.0, 0.0, 0.0]]), torch.ones(1, 3, dtype=torch.bool)
    sigmoid = [1 / (1 + math.exp(-x)) for x in (2.0, -1.0, 0.5)]
    binary = -(math.log(sigmoid[0]) + math.log(1 - sigmoid[1]) + math.log(1 - sigmoid[2])) / 3
    listwise = -math.log(math.exp(2) / (math.exp(2) + math.exp(-1) + math.exp(0.5)))
    assert float(list_loss(odds, same, there)) == pytest.approx(binary + listwise, abs=1e-5)
    # without a mate only the negatives are asked
    lonely = list_loss(odds, torch.zeros(1, 3), torch.tensor([[False, True, True]]))
    assert float(lonely) == pytest.approx(
        -(math.log(1 - sigmoid[1]) + math.log(1 - sigmoid[2])) / 2, abs=1e-5
    )
    assert torch.isfinite(list_loss(odds, same, torch.zeros(1, 3, dtype=torch.bool)))


def test_the_ranking_loss_leaves_other_mates_out() -> None:
    vectors = torch.eye(6)
    apart = ranking_loss(vectors, torch.tensor([0, 1, 0, 1, 2, 3]), 1.0)
    assert float(apart) == pytest.approx(math.log(4), abs=1e-5)
    together = ranking_loss(vectors, torch.tensor([0, 0, 0, 0, 2, 3]), 1.0)
    assert float(together) == pytest.approx(math.log(3), abs=1e-3)


def test_texts_in_parts_are_put_back_in_order() -> None:
    codes = np.array([0, 0, 1, 1, 2, 2])
    ids = [[row] * (1 + 60 * row) for row in range(6)]
    batches = MatedTextBatches(ids, 0, _draws(codes, 1, 0), 6)
    batch = batches.take(np.arange(6), 0)
    assert len(batch.texts.parts) > 1
    firsts = batch.texts.through(lambda ids, _: ids[:, 0])
    assert torch.equal(torch.from_numpy(codes)[firsts], batch.codes)
    assert torch.equal(firsts[:6], torch.arange(6))


@pytest.mark.parametrize("in_parts", [True, False])
def test_joined_texts_in_parts_have_the_loss_of_the_whole(
    tiny_models: Callable[[str], Path], in_parts: bool
) -> None:
    pretrained = as_trainable(load_encoder(str(tiny_models("bert")), cache=None), "pair").trainable()
    vectors, codes = _rows(24)
    texts = ["card " * (1 + 30 * (row % 2)) for row in range(24)]
    batches = JoinedPairBatches(texts, vectors, pretrained.tokens, 64, _draws(codes), 8, in_parts=in_parts)
    ((rows,), *_) = batches.steps(0)
    batch = batches.take(rows, 0)
    lengths = np.concatenate([mask.sum(1) for _, mask in batch.texts.parts])
    assert len(batch.texts.parts) == (len(np.unique(lengths)) if in_parts else 1)
    network = CrossPair(pretrained.network, 0.0).eval()
    torch.nn.init.normal_(network.out.weight, generator=torch.Generator().manual_seed(0))
    partners = batches.draws.partners(rows, 0)
    pairs = [(texts[a], texts[p]) for a, some in zip(rows, partners, strict=True) for p in some]
    with torch.no_grad():
        alone = [
            network(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.bool)).flatten()
            for ids in pair_ids(pretrained.tokens, pairs, 64)
        ]
        odds = (torch.cat(alone) + network.cosine(batch.cosines)).view_as(batch.same)
        expected = list_loss(odds, batch.same, batch.there)
        assert float(joined_pair_loss(network, batch)) == pytest.approx(float(expected), abs=1e-5)


def test_a_scorer_starts_as_logistic_regression_and_learns_what_cosines_miss() -> None:
    draw = np.random.default_rng(1)
    codes = np.repeat(np.arange(40), 4)
    # the second half of each vector is noise that cosines count and a network can pass over
    vectors = np.concatenate([draw.normal(size=(40, 6))[codes], 2 * draw.normal(size=(160, 6))], axis=1)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    draws = _draws(codes, 5, 5)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = DensePair(12, 0.0)
    start_from_cosine(network, vectors, draws)
    assert float(network.cosine.scale.detach()) > 0
    batches = VectorPairBatches(vectors, draws, 16)
    plan = one_cycle(tuple(network.layer_groups()), 10, 1e-2)
    reports = train(network, plan, batches, vector_pair_loss).reports
    assert reports[-1].train_loss < 0.7 * reports[0].train_loss


def test_what_is_mixed_trusts_the_better_of_two() -> None:
    draw = np.random.default_rng(0)
    same = draw.random(500) < 0.3
    useful = np.where(same, 2.0, -2.0) + draw.normal(size=500)
    noise = draw.normal(size=500)
    shift, by_cosine, by_scorer = mixed_on(noise, useful, same)
    assert by_scorer > 5 * abs(by_cosine)
    assert np.isfinite(shift)
    assert list(mixed_on(useful, -useful, same)) == [0.0, 0.0, 1.0]
    assert list(mixed_on(noise, useful, np.zeros(500, dtype=bool))) == [0.0, 0.0, 1.0]


def test_two_trainings_in_turn_are_one_story() -> None:
    first, second = one_cycle(("a", "b"), 2, 0.1, name="encoder"), one_cycle(("c",), 3, 0.2, name="scorer")
    plan = plans_in_turn(first, second)
    assert plan.groups == ("a", "b", "c")
    assert [phase.peak_rates for phase in plan.phases] == [(0.1, 0.1, 0.0), (0.0, 0.0, 0.2)]
    assert plans_in_turn(first, first).groups == ("a", "b", "pair a", "pair b")
    story = trained_in_turn(Training(first, (), 2, ("x",)), Training(second, (), 1))
    assert (story.plan, story.best_epoch, story.notes) == (plan, 3, ("x",))
