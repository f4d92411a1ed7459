"""Learn a language model from documents.

Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.1; the
network and what keeps it from learning by heart are those of Merity, Keskar and Socher, 2017.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from textgraft.core.plan import Plan, one_cycle
from textgraft.core.progress import Watch, unwatched
from textgraft.errors import ParameterError
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.language.learning import (
    Reading,
    best_perplexity,
    corpus_facts,
    count_faults,
    learn,
    number_faults,
)
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES, AWDSettings
from textgraft.text.documents import Documents
from textgraft.text.special import PAD_ID
from textgraft.text.tokenizer import Tokenizer, fingerprint
from textgraft.training.records import EpochReport, WatchEpochs

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
        counts = ("embedding", "hidden", "layers", "epochs", "batch_size", "window")
        faults = count_faults(self, counts)
        if self.kind not in ("lstm", "qrnn"):
            faults.append(f"kind must be lstm or qrnn, found {self.kind!r}")
        faults += number_faults(self)
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
    seconds: float = CHECKPOINT_SECONDS,
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
        seconds: between two checkpoints.
        watch: told of every step.
        watch_epoch: told of every epoch; see :func:`epoch_sentence`.

    Raises:
        DataError: too few tokens for so many lanes.
        ParameterError: as many tokens drawn as the vocabulary has, or several processes.
        TrainingError: training cannot go on.
    """
    import torch

    from textgraft.networks.language_model import LanguageModel
    from textgraft.networks.tensors import all_tensors
    from textgraft.training.checkpoints import RunFolder

    n_words = len(tokenizer.vocabulary)
    if how.sampled >= n_words:
        raise ParameterError(
            f"Expected fewer tokens to draw than the vocabulary has, which is {n_words:,}; found sampled = "
            f"{how.sampled:,}. Leave it out to learn from all of them."
        )
    settings = how.settings(n_words)
    with torch.random.fork_rng([]):
        torch.manual_seed(how.seed)
        network = LanguageModel(settings, LANGUAGE_MODEL_RATES.times(how.dropout))
    training = learn(
        network,
        pretraining_plan(tuple(network.layer_groups()), how),
        learns,
        held_out,
        Reading(how.batch_size, how.window, how.backward, how.seed),
        sampled=how.sampled,
        run=None if run is None else RunFolder(run, _digest(how, tokenizer, corpus), seconds),
        watch=watch,
        watch_epoch=watch_epoch,
    )
    return PretrainedLanguageModel(
        settings,
        all_tensors(network),
        tokenizer,
        how.backward,
        training,
        best_perplexity(training),
        corpus_facts(learns, held_out),
    )


def pretraining_plan(groups: tuple[str, ...], how: Pretraining) -> Plan:
    """All layers at once, under one cycle."""
    return one_cycle(groups, how.epochs, how.rate, weight_decay=how.weight_decay, name="pretraining")


def epoch_sentence(report: EpochReport, tokens: int | None = None) -> str:
    """An epoch for a person.

    Args:
        report: of the epoch.
        tokens: predicted in it, if known.
    """
    held_out = (
        "" if report.valid_loss is None else f", held-out perplexity {math.exp(report.valid_loss):,.1f}"
    )
    seconds = max(report.seconds, 1e-3)
    pace = f"{seconds:,.0f} s" if tokens is None else f"{tokens / seconds:,.0f} tokens/s"
    return f"Epoch {report.epoch} of {report.epochs}: loss {report.train_loss:.3f}{held_out}; {pace}."


def _digest(how: Pretraining, tokenizer: Tokenizer, corpus: str) -> str:
    decides = json.dumps([asdict(how), fingerprint(tokenizer), corpus], sort_keys=True)
    return hashlib.sha256(decides.encode()).hexdigest()
