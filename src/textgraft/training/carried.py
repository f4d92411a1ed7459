"""A language model with the state of every lane, carried from window to window."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from textgraft.networks.awd_lstm import State, detached
from textgraft.networks.language_model import LanguageModel
from textgraft.text.special import PAD_ID
from textgraft.training.chunked_entropy import IGNORED
from textgraft.training.groups import LayerGroups
from textgraft.training.language_batches import LanguageBatch
from textgraft.training.language_losses import language_model_loss
from textgraft.training.sampled_entropy import Sampler


class CarriedModel(nn.Module):
    """A language model and, as buffers, what it carries; so a checkpoint has both, and resumes exactly.

    The state before the step at work is kept beside the one after it: where memory ended, the step is
    computed again in parts, and must begin where it began.

    Args:
        model: what learns.
        lanes: rows of a step, of which a batch may hold some.
    """

    step: Tensor

    def __init__(self, model: LanguageModel, lanes: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("step", torch.tensor(-1))
        self._names: list[list[str]] = []
        for layer, parts in enumerate(model.body.initial_state(lanes)):
            self._names.append([f"{layer}_{number}" for number in range(len(parts))])
            for name, part in zip(self._names[-1], parts, strict=True):
                self.register_buffer(f"before_{name}", part.detach().clone())
                self.register_buffer(f"after_{name}", part.detach().clone())

    def state_before(self, lanes: Tensor, step: int) -> State:
        """What some lanes (b,) carry into a step."""
        if step != int(self.step):
            for before, after in zip(self._all("before"), self._all("after"), strict=True):
                before.copy_(after)
            self.step.fill_(step)
        return tuple(
            tuple(self.get_buffer(f"before_{name}")[lanes] for name in names) for names in self._names
        )

    def keep(self, lanes: Tensor, state: State) -> None:
        """Keep what some lanes carry out of the step; it is no longer part of the graph."""
        for names, parts in zip(self._names, detached(state), strict=True):
            for name, part in zip(names, parts, strict=True):
                after = self.get_buffer(f"after_{name}")
                after[lanes] = part.to(after.dtype)

    def layer_groups(self) -> LayerGroups:
        """Those of the model."""
        return self.model.layer_groups()

    def _all(self, which: str) -> list[Tensor]:
        return [self.get_buffer(f"{which}_{name}") for names in self._names for name in names]


def carried_loss(network: Any, batch: LanguageBatch, sampler: Sampler | None = None) -> Tensor:
    """The loss of a window, weighed by its length; keeps the state after it.

    Args:
        network: a :class:`CarriedModel`.
        batch: of :class:`textgraft.training.language_batches.LanguageBatches`.
        sampler: while training, asks a sample of the vocabulary.
    """
    before = network.state_before(batch.lanes, batch.step)
    targets = batch.targets.masked_fill(batch.targets == PAD_ID, IGNORED)
    loss, after = language_model_loss(
        network.model, batch.ids, targets, before, batch.starts, sampler=sampler
    )
    network.keep(batch.lanes, after)
    return loss * batch.weight
