"""Windows in the loop: steps in order, lanes by name, and a mean loss that is the mean over tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import plan_of
from torch import Tensor, nn

from textgraft.text.documents import Documents
from textgraft.text.special import BOS_ID, PAD_ID
from textgraft.text.windows import Windows
from textgraft.training.language_batches import LanguageBatch, LanguageBatches
from textgraft.training.loop import train

WORDS = 12


def documents(lengths: list[int], seed: int = 0) -> Documents:
    draw = np.random.default_rng(seed)
    return Documents.of(
        [
            np.concatenate([[BOS_ID], draw.integers(3, WORDS, max(0, length - 1))])[:length]
            for length in lengths
        ]
    )


class Reader(nn.Module):
    """A language model that carries the state of each lane as ``LanguageBatch`` says."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            self.body = nn.ModuleDict({"embed": nn.Embedding(WORDS, 4), "cell": nn.GRUCell(4, 5)})
            self.head = nn.Linear(5, WORDS)
        self.states: dict[int, Tensor] = {}

    def forward(self, batch: LanguageBatch) -> Tensor:
        nothing = torch.zeros(5)
        state = torch.stack([self.states.get(lane, nothing) for lane in batch.lanes.tolist()])
        seen = []
        for at in range(batch.ids.shape[1]):
            state = torch.where(batch.starts[:, at, None], nothing, state)
            state = self.body["cell"](self.body["embed"](batch.ids[:, at]), state)
            seen.append(state)
        self.states |= dict(zip(batch.lanes.tolist(), state.detach(), strict=True))
        logits: Tensor = self.head(torch.stack(seen, dim=1))
        return logits

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        return {"body": [self.body], "head": [self.head]}


def loss_of(network: Any, batch: LanguageBatch) -> Tensor:
    logits = network(batch).flatten(0, 1)
    return nn.functional.cross_entropy(logits, batch.targets.flatten(), ignore_index=PAD_ID) * batch.weight


def token_losses(network: Reader, ids: np.ndarray) -> Tensor:
    """(t - 1,) losses of a text that is read in one go, the state forgotten at each ``<bos>``."""
    read = torch.from_numpy(ids[None])
    starts = read == BOS_ID
    starts[:, 0] = True
    batch = LanguageBatch(read[:, :-1], read[:, 1:], starts[:, :-1], torch.tensor([0]), 0, 1.0)
    with torch.no_grad():
        return nn.functional.cross_entropy(network(batch)[0], batch.targets[0], reduction="none")


@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_the_loss_of_held_out_windows_is_the_mean_over_all_tokens(lanes: int) -> None:
    held = documents([9, 1, 30, 14, 2, 5], seed=1)
    network = Reader()
    learned = LanguageBatches(Windows(documents([40] * 8), 4, 10))
    measured = LanguageBatches(Windows(held, lanes, 7, shuffle=False))
    told = train(network, plan_of((0.01, 0.01), epochs=2), learned, loss_of, valid=measured)
    # the reports are of the weights after each epoch; those of the best one are left in the network
    best = min(report.valid_loss for report in told.reports if report.valid_loss is not None)
    length = measured.windows.epoch(0).lane_length
    parts = [held.tokens[start : start + length + 1] for start in range(0, held.n_tokens - 1, length)]
    losses = torch.cat([token_losses(network, part) for part in parts])
    assert len(losses) == held.n_tokens - 1
    assert best == pytest.approx(float(losses.mean()), rel=1e-6)


def test_a_model_learns_and_ends_the_same_each_time() -> None:
    def run() -> tuple[list[float], dict[str, Tensor]]:
        network = Reader()
        batches = LanguageBatches(Windows(documents([40] * 8), 4, 10))
        told = train(network, plan_of((0.02, 0.02), epochs=3), batches, loss_of)
        return [report.train_loss for report in told.reports], network.state_dict()

    losses, weights = run()
    again, others = run()
    assert losses == again
    assert losses[-1] < losses[0]
    assert all(torch.equal(weights[name], others[name]) for name in weights)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(lambda lengths: sum(lengths) > 6),
    st.integers(1, 6), st.booleans(), st.integers(0, 2),
)  # fmt: skip
def test_steps_come_in_order_and_weights_add_up(
    lengths: list[int], lanes: int, shuffle: bool, epoch: int
) -> None:
    batches = LanguageBatches(Windows(documents(lengths), lanes, 6, shuffle=shuffle))
    steps = batches.steps(epoch)
    laid = batches.windows.epoch(epoch)
    assert len(steps) == len(laid)
    rows, weights, targets = 0, 0.0, 0
    for number, (part,) in enumerate(steps):
        batch = batches.take(part, epoch)
        assert batch.step == number
        assert batch.lanes.tolist() == laid.lanes(number).tolist()
        assert batch.ids.dtype == batch.targets.dtype == torch.int64
        assert batch.ids.shape == batch.targets.shape == batch.starts.shape
        rows += len(part)
        weights += batch.weight * len(part)
        targets += int((batch.targets != PAD_ID).sum())
    assert weights == pytest.approx(rows)
    assert targets == laid.n_targets
    assert batches.take(steps[0][0], epoch).starts[:, 0].all()


def test_halves_of_a_step_are_its_lanes_and_weigh_as_much() -> None:
    batches = LanguageBatches(Windows(documents([31, 12]), 4, 5, shuffle=False))
    [rows] = batches.steps(0)[-1]
    whole = batches.take(rows, 0)
    halves = [batches.take(half, 0) for half in np.array_split(rows, 2)]
    for name in ("ids", "targets", "starts", "lanes"):
        assert torch.equal(torch.cat([getattr(half, name) for half in halves]), getattr(whole, name))
    assert sum(half.weight * len(half.ids) for half in halves) == pytest.approx(whole.weight * len(rows))


def test_an_epoch_can_be_left_for_another_and_taken_up_again() -> None:
    batches = LanguageBatches(Windows(documents([40] * 8), 4, 10))
    [rows] = batches.steps(1)[5]
    before = batches.take(rows, 1)
    batches.take(batches.steps(0)[0][0], 0)
    after = batches.take(rows, 1)
    assert torch.equal(before.ids, after.ids)
