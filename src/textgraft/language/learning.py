"""What pretraining and adapting share: documents side by side, and a network that learns from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from textgraft.core.plan import Plan
from textgraft.core.progress import Watch, unwatched
from textgraft.text.documents import Documents
from textgraft.training.records import Training, WatchEpochs

if TYPE_CHECKING:
    from textgraft.networks.language_model import LanguageModel
    from textgraft.training.checkpoints import RunFolder
    from textgraft.training.language_batches import LanguageBatches
    from textgraft.training.sampled_entropy import Sampler

MOMENTUM = (0.8, 0.99)
"""Of Adam; fastai's for language models."""


class Numbers(Protocol):
    """What every way to learn a language model has."""

    @property
    def rate(self) -> float: ...
    @property
    def dropout(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def sampled(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Reading:
    """How documents are read.

    Attributes:
        lanes: documents side by side.
        window: tokens of a lane in a step.
        backward: from the end of each document.
        seed: of the order of documents and the lengths of windows.
    """

    lanes: int
    window: int
    backward: bool
    seed: int = 0

    def to_learn(self, documents: Documents) -> LanguageBatches:
        """Documents in another order each epoch.

        Raises:
            DataError: too few tokens for so many lanes.
        """
        return self._batches(documents, shuffle=True)

    def to_measure(self, documents: Documents) -> LanguageBatches:
        """Documents in their order, each token but the first asked for once.

        Raises:
            DataError: fewer than two tokens.
        """
        return self._batches(documents, shuffle=False)

    def _batches(self, documents: Documents, *, shuffle: bool) -> LanguageBatches:
        from textgraft.text.windows import Windows
        from textgraft.training.language_batches import LanguageBatches

        seed = self.seed if shuffle else 0
        return LanguageBatches(Windows(documents, self.lanes, self.window, seed, shuffle, self.backward))


def learn(
    network: LanguageModel,
    plan: Plan,
    learns: Documents,
    held_out: Documents | None,
    reading: Reading,
    *,
    sampled: int,
    run: RunFolder | None = None,
    trainer: Callable[..., Training] | None = None,
    watch: Watch = unwatched,
    watch_epoch: WatchEpochs | None = None,
) -> Training:
    """Train a language model in place, on a GPU where there is one and in bf16 where that is fast.

    Args:
        network: what learns.
        plan: over its layer groups.
        learns: documents to learn from.
        held_out: documents to measure after each epoch; the best weights are kept.
        reading: how documents are read; its seed is that of dropout too.
        sampled: tokens drawn to stand for the vocabulary; 0 asks all of it.
        run: where checkpoints and a log are kept.
        trainer: takes the place of :func:`textgraft.training.loop.train`.
        watch: told of every step.
        watch_epoch: told of every epoch.

    Raises:
        DataError: too few tokens for so many lanes.
        ParameterError: several processes, which would overwrite what each other's lanes carry.
        TrainingError: training cannot go on.
    """
    from textgraft.encoders.precision import choose_device, choose_precision
    from textgraft.training.carried import CarriedModel, carried_loss
    from textgraft.training.loop import train
    from textgraft.training.settings import Settings
    from textgraft.training.together import check_one_process

    check_one_process()
    device = choose_device("auto")
    bf16 = choose_precision("auto", device) == "bf16"
    sampler = _sampler(learns, network.body.settings.vocabulary_size, sampled)
    return (trainer or train)(
        CarriedModel(network, reading.lanes),
        plan,
        reading.to_learn(learns),
        partial(carried_loss, sampler=sampler),
        valid=None if held_out is None else reading.to_measure(held_out),
        settings=Settings(seed=reading.seed, device=device, bf16=bf16, betas=MOMENTUM, run=run),
        watch=watch,
        watch_epoch=watch_epoch,
    )


def best_perplexity(training: Training) -> float | None:
    """Of held-out documents, with the weights that were kept; None if it was not measured."""
    losses = [report.valid_loss for report in training.reports if report.valid_loss is not None]
    return math.exp(min(losses)) if losses else None


def corpus_facts(learns: Documents, held_out: Documents | None) -> dict[str, int]:
    """What a language model remembers of its corpus."""
    return {
        "documents": len(learns),
        "tokens": learns.n_tokens,
        "held_out_documents": 0 if held_out is None else len(held_out),
        "held_out_tokens": 0 if held_out is None else held_out.n_tokens,
    }


def count_faults(how: object, names: tuple[str, ...]) -> list[str]:
    """Of numbers that have to be 1 or more."""
    return [
        f"{name} must be 1 or more, found {getattr(how, name)}" for name in names if getattr(how, name) < 1
    ]


def number_faults(how: Numbers) -> list[str]:
    """Of the numbers that every way to learn a language model has."""
    faults = []
    if not 0.0 < how.rate <= 1.0:
        faults.append(f"rate must be above 0 and up to 1, found {how.rate}")
    if not 0.0 <= how.dropout <= 2.0:
        faults.append(f"dropout must be from 0 to 2, found {how.dropout}")
    if not 0.0 <= how.weight_decay <= 1.0:
        faults.append(f"weight_decay must be from 0 to 1, found {how.weight_decay}")
    if how.sampled < 0:
        faults.append(f"sampled must be 0 or more, found {how.sampled}")
    if how.seed < 0:
        faults.append(f"seed must be 0 or more, found {how.seed}")
    return faults


def _sampler(learns: Documents, n_words: int, drawn: int) -> Sampler | None:
    """Draws tokens as often as they occur; one that never does, as if it did once."""
    import torch

    from textgraft.training.sampled_entropy import Sampler

    if not drawn:
        return None
    counts = torch.from_numpy(learns.counts(n_words)).double() + 1.0
    return Sampler((counts / counts.sum()).float(), drawn)
