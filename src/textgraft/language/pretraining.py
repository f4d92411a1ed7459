"""Learn a language model from documents.

Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.1; the
network and what keeps it from learning by heart are those of Merity, Keskar and Socher, 2017.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textgraft.core.plan import Plan, one_cycle
from textgraft.core.progress import Watch, unwatched
from textgraft.errors import ParameterError
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES, AWDSettings
from textgraft.text.documents import Documents
from textgraft.text.special import PAD_ID
from textgraft.text.tokenizer import Tokenizer, fingerprint
from textgraft.training.records import EpochReport, WatchEpochs

if TYPE_CHECKING:
    from textgraft.training.sampled_entropy import Sampler

MOMENTUM = (0.8, 0.99)
"""Of Adam; fastai's for language models."""

CHECKPOINT_SECONDS = 300.0
"""Between two checkpoints; a language model learns for hours, and writing one takes a moment."""


@dataclass(frozen=True)
class Pretraining:
    """How a language model is learned.

    Attributes:
        kind: of the layers: ``lstm`` or ``qrnn``.
        embedding, hidden, layers: sizes.
        epochs: times that every token is seen.
        rate: peak learning rate, under one cycle.
        batch_size: lanes, documents read side by side.
        window: tokens of a lane in a step.
        dropout: times fastai's rates; a large corpus needs less.
        weight_decay: of all weights but biases.
        sampled: tokens drawn to stand for the whole vocabulary while learning; 0 asks all of it, which
            is exact and, with tens of thousands of tokens, slower.
        backward: read documents from their end.
        seed: of first weights, the order of documents and dropout.

    Raises:
        ParameterError: numbers that cannot be; all faults at once.
    """

    kind: str = "lstm"
    embedding: int = 400
    hidden: int = 1152
    layers: int = 3
    epochs: int = 1
    rate: float = 5e-3
    batch_size: int = 64
    window: int = 72
    dropout: float = 0.5
    weight_decay: float = 0.01
    sampled: int = 0
    backward: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be 1 or more, found {getattr(self, name)}"
            for name in ("embedding", "hidden", "layers", "epochs", "batch_size", "window")
            if getattr(self, name) < 1
        ]
        if self.kind not in ("lstm", "qrnn"):
            faults.append(f"kind must be lstm or qrnn, found {self.kind!r}")
        if not 0.0 < self.rate <= 1.0:
            faults.append(f"rate must be above 0 and up to 1, found {self.rate}")
        if not 0.0 <= self.dropout <= 2.0:
            faults.append(f"dropout must be from 0 to 2, found {self.dropout}")
        if not 0.0 <= self.weight_decay <= 1.0:
            faults.append(f"weight_decay must be from 0 to 1, found {self.weight_decay}")
        if self.sampled < 0:
            faults.append(f"sampled must be 0 or more, found {self.sampled}")
        if self.seed < 0:
            faults.append(f"seed must be 0 or more, found {self.seed}")
        if faults:
            raise ParameterError.of("pretrain", faults)

    def settings(self, vocabulary_size: int) -> AWDSettings:
        """Sizes of the network."""
        return AWDSettings(
            vocabulary_size,
            self.embedding,
            self.hidden,
            self.layers,
            PAD_ID,
            "qrnn" if self.kind == "qrnn" else "lstm",
        )


def pretrain(
    learns: Documents,
    held_out: Documents,
    tokenizer: Tokenizer,
    how: Pretraining,
    *,
    run: Path | None = None,
    corpus: str = "",
    watch: Watch = unwatched,
    watch_epoch: WatchEpochs | None = None,
) -> PretrainedLanguageModel:
    """Learn a language model from token ids.

    Args:
        learns: documents to learn from.
        held_out: documents whose perplexity is measured after each epoch; the best weights are kept.
        tokenizer: whose ids they are.
        how: sizes and rates.
        run: where checkpoints and a log are kept; the same call goes on after a kill.
        corpus: fingerprint of the corpus, so that a run does not go on with another one.
        watch: told of every step.
        watch_epoch: told of every epoch; see :func:`epoch_sentence`.

    Raises:
        DataError: too few tokens for so many lanes.
        TrainingError: training cannot go on.
    """
    import torch

    from textgraft.encoders.precision import choose_device, choose_precision
    from textgraft.networks.language_model import LanguageModel
    from textgraft.networks.tensors import all_tensors
    from textgraft.text.windows import Windows
    from textgraft.training.carried import CarriedModel, carried_loss
    from textgraft.training.checkpoints import RunFolder
    from textgraft.training.language_batches import LanguageBatches
    from textgraft.training.loop import train
    from textgraft.training.settings import Settings

    settings = how.settings(len(tokenizer.vocabulary))
    with torch.random.fork_rng([]):
        torch.manual_seed(how.seed)
        network = LanguageModel(settings, LANGUAGE_MODEL_RATES.times(how.dropout))
    windows = Windows(learns, how.batch_size, how.window, how.seed, backward=how.backward)
    measured = Windows(held_out, how.batch_size, how.window, shuffle=False, backward=how.backward)
    device = choose_device("auto")
    folder = None if run is None else RunFolder(run, _digest(how, tokenizer, corpus), CHECKPOINT_SECONDS)
    carried = CarriedModel(network, how.batch_size)
    training = train(
        carried,
        pretraining_plan(tuple(carried.layer_groups()), how),
        LanguageBatches(windows),
        partial(carried_loss, sampler=_sampler(learns, settings.vocabulary_size, how.sampled)),
        valid=LanguageBatches(measured),
        settings=Settings(
            seed=how.seed,
            device=device,
            bf16=choose_precision("auto", device) == "bf16",
            betas=MOMENTUM,
            run=folder,
        ),
        watch=watch,
        watch_epoch=watch_epoch,
    )
    best = min(report.valid_loss for report in training.reports if report.valid_loss is not None)
    facts = {
        "documents": len(learns),
        "tokens": learns.n_tokens,
        "held_out_documents": len(held_out),
        "held_out_tokens": held_out.n_tokens,
    }
    return PretrainedLanguageModel(
        settings, all_tensors(network), tokenizer, how.backward, training, math.exp(best), facts
    )


def pretraining_plan(groups: tuple[str, ...], how: Pretraining) -> Plan:
    """All layers at once, under one cycle."""
    return one_cycle(groups, how.epochs, how.rate, weight_decay=how.weight_decay, name="pretraining")


def epoch_sentence(report: EpochReport, tokens: int) -> str:
    """An epoch for a person.

    Args:
        report: of the epoch.
        tokens: predicted in it.
    """
    held_out = (
        "" if report.valid_loss is None else f", held-out perplexity {math.exp(report.valid_loss):,.1f}"
    )
    return (
        f"Epoch {report.epoch} of {report.epochs}: loss {report.train_loss:.3f}{held_out}; "
        f"{tokens / max(report.seconds, 1e-3):,.0f} tokens/s."
    )


def _sampler(learns: Documents, n_words: int, drawn: int) -> Sampler | None:
    """Draws tokens as often as they occur; one that never does, as if it did once."""
    import torch

    from textgraft.training.sampled_entropy import Sampler

    if not drawn:
        return None
    counts = torch.from_numpy(learns.counts(n_words)).double() + 1.0
    return Sampler((counts / counts.sum()).float(), drawn)


def _digest(how: Pretraining, tokenizer: Tokenizer, corpus: str) -> str:
    decides = json.dumps([asdict(how), fingerprint(tokenizer), corpus], sort_keys=True)
    return hashlib.sha256(decides.encode()).hexdigest()
