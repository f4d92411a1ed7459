"""Let a language model learn the language of some texts.

Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.2: what a
model learned from a large corpus is kept, and all layers learn on, the first ones slowest. The words of
the texts are added to those that it knows; fastai has those of the texts alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.examples import clean_texts
from textgraft.core.plan import Phase, Plan, discriminative
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.core.schedules import Schedule, SlantedTriangular, schedule_to_json
from textgraft.errors import DataError, ParameterError
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.language.learning import (
    Reading,
    best_perplexity,
    corpus_facts,
    count_faults,
    learn,
    number_faults,
)
from textgraft.language.measuring import perplexity
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES
from textgraft.text.documents import Documents
from textgraft.text.special import SPECIAL, UNK_ID
from textgraft.text.vocabulary_transfer import transfer_vocabulary
from textgraft.text.word_tokens import WordTokens, with_words
from textgraft.training.records import Training, WatchEpochs

if TYPE_CHECKING:
    from textgraft.training.checkpoints import RunFolder

HELD_OUT, MOST_HELD_OUT = 0.1, 1_000
"""Share of the texts that perplexity is measured on, and how many at most."""

FEWEST = 20
"""Texts; of fewer, none is held out."""

WINDOWS_OF_A_LANE = 8
"""At least, so that little text gives several steps an epoch."""

MUCH_LARGER = 4
"""Times the drawn tokens that a vocabulary must have for a draw to be worth it."""

CHECKPOINT_SECONDS = 60.0
"""Between two checkpoints."""

SLANTED = SlantedTriangular()
"""The paper's schedule."""


@dataclass(frozen=True)
class Adapting:
    """How a language model learns the language of some texts.

    Attributes:
        epochs: times that every token is seen.
        rate: peak learning rate of the last layer, the decoder and the embeddings.
        factor: how many times slower each layer learns than the one after it.
        schedule: how rates move.
        batch_size: texts read side by side at most; fewer of little text.
        window: tokens of each in a step.
        dropout: times fastai's rates.
        weight_decay: of all weights but biases.
        sampled: tokens drawn to stand for the vocabulary while learning, where that is more than four times
            larger; 0 asks all of it.
        min_count: only new words that occur so often.
        most_new: new words at most, the most frequent.
        seed: of the order of texts, of those held out and of dropout.

    Raises:
        ParameterError: numbers that cannot be; all faults at once.
    """

    epochs: int = 4
    rate: float = 4e-3
    factor: float = 2.6
    schedule: Schedule = SLANTED
    batch_size: int = 64
    window: int = 72
    dropout: float = 0.5
    weight_decay: float = 0.01
    sampled: int = 1024
    min_count: int = 2
    most_new: int = 30_000
    seed: int = 0

    def __post_init__(self) -> None:
        faults = count_faults(self, ("epochs", "batch_size", "window", "min_count"))
        if not 1.0 <= self.factor <= 100.0:
            faults.append(f"factor must be from 1 to 100, found {self.factor}")
        if self.most_new < 0:
            faults.append(f"most_new must be 0 or more, found {self.most_new}")
        faults += number_faults(self)
        if faults:
            raise ParameterError.of("adapt", faults)


def adapt(
    model: PretrainedLanguageModel,
    texts: Sequence[str],
    how: Adapting,
    *,
    run: RunFolder | None = None,
    trainer: Callable[..., Training] | None = None,
    watch: Watch = unwatched,
    watch_epoch: WatchEpochs | None = None,
) -> PretrainedLanguageModel:
    """A language model that has learned on from some texts; the given one stays as it is.

    A tenth of twenty texts or more is held out: its perplexity is measured before and after each epoch, and
    the best weights are kept. Fewer texts are all learned from.

    Args:
        model: to begin with.
        texts: to learn from; blank ones are passed over.
        how: rates and lengths.
        run: where checkpoints and a log are kept; see :func:`adapting_run`.
        trainer: takes the place of :func:`textgraft.training.loop.train`; for trying rates out.
        watch: told of every step.
        watch_epoch: told of every epoch.

    Raises:
        DataError: too little text to learn from.
        ParameterError: the model reads both ways, so that it sees what it should foresee.
        TrainingError: training cannot go on.
    """
    from textgraft.networks.tensors import all_tensors

    if model.settings.bidirectional:
        raise ParameterError(
            "Expected a language model that reads one way, found one that reads both and so sees the words "
            "it should foresee. Adapt a forward and a backward one."
        )
    watch(Progress("splitting texts into tokens", 0, 1))
    texts = clean_texts(texts)
    grown = with_words_of(model, texts, min_count=how.min_count, most_new=how.most_new)
    read = Documents.of(grown.tokenizer.ids(texts))
    # the others are <bos> alone
    documents = read.some(read.lengths > 1)
    learns, held_out = _parted(documents, how.seed)
    lanes = int(np.clip(learns.n_tokens // (how.window * WINDOWS_OF_A_LANE), 1, how.batch_size))
    before = None if held_out is None else perplexity(
        grown, held_out, lanes=lanes, window=how.window, watch=watch
    )  # fmt: skip
    network = grown.network(LANGUAGE_MODEL_RATES.times(how.dropout))
    large = grown.settings.vocabulary_size > MUCH_LARGER * how.sampled
    training = learn(
        network,
        adapting_plan(tuple(network.layer_groups()), how),
        learns,
        held_out,
        Reading(lanes, how.window, model.backward, how.seed),
        sampled=how.sampled if large else 0,
        run=run,
        trainer=trainer,
        watch=watch,
        watch_epoch=watch_epoch,
    )
    after = best_perplexity(training)
    notes = [
        *_learned(learns, len(read) - len(documents)),
        *_words(model, grown, documents),
        _measured(held_out, before, after, training),
    ]
    return replace(
        grown,
        tensors=all_tensors(network),
        training=replace(training, notes=(*notes, *training.notes)),
        perplexity=after,
        corpus=corpus_facts(learns, held_out),
    )


def with_words_of(
    model: PretrainedLanguageModel, texts: Sequence[str], *, min_count: int, most_new: int
) -> PretrainedLanguageModel:
    """The model with the words of some texts behind its own; itself where none is new.

    Its own words keep their ids, vectors and biases; new ones start at the mean. Subwords lack none.

    Args:
        model: to begin with.
        texts: whose words are counted.
        min_count: only new words that occur so often.
        most_new: new words at most, the most frequent.
    """
    if not isinstance(model.tokenizer, WordTokens):
        return model
    old = model.tokenizer
    tokenizer = with_words(old, texts, most_new, min_count)
    if len(tokenizer.vocabulary) == len(old.vocabulary):
        return model
    embedding, bias = "body.embedding.weight", "decoder.bias"
    found = transfer_vocabulary(
        old.vocabulary, model.tensors[embedding], tokenizer.vocabulary, model.tensors[bias]
    )
    assert found.bias is not None
    return replace(
        model,
        settings=replace(model.settings, vocabulary_size=len(tokenizer.vocabulary)),
        tensors={**model.tensors, embedding: found.matrix, bias: found.bias},
        tokenizer=tokenizer,
    )


def adapting_plan(groups: tuple[str, ...], how: Adapting) -> Plan:
    """All layers at once, rates shrinking from the last layer towards the first.

    The embeddings, which are the decoder's weights too, learn as fast as the decoder, as in fastai: from the
    slow end, words that are new would stay where they began.

    Args:
        groups: of a :class:`textgraft.networks.language_model.LanguageModel`: embeddings, layers, decoder.
        how: rates and lengths.
    """
    layers = discriminative(how.rate, len(groups) - 2, how.factor)
    decay = (how.weight_decay,) * len(groups)
    phase = Phase("adapting", how.epochs, (how.rate, *layers, how.rate), decay, how.schedule)
    return Plan(groups, (phase,))


def adapting_run(
    path: Path, model: PretrainedLanguageModel, texts: Sequence[str], how: Adapting
) -> RunFolder:
    """A folder for checkpoints, bound to the model, the texts and how it learns.

    Args:
        path: of the folder.
        model, texts, how: as those of :func:`adapt`.
    """
    from textgraft.training.checkpoints import RunFolder

    digest = hashlib.sha256()
    numbers = asdict(how) | {"schedule": schedule_to_json(how.schedule)}
    digest.update(json.dumps([numbers, model.fingerprint()], sort_keys=True).encode())
    for text in texts:
        digest.update(b"\0" + text.encode("utf-8", "surrogatepass"))
    return RunFolder(path, digest.hexdigest(), CHECKPOINT_SECONDS)


def _parted(documents: Documents, seed: int) -> tuple[Documents, Documents | None]:
    """Documents to learn from, and to measure with if there are enough."""
    n = len(documents)
    n_words = documents.n_tokens - n
    if n_words < 2:
        raise DataError(
            f"Expected texts of two tokens or more to learn a language from, found {n_words:,}. "
            "Give more text."
        )
    if n < FEWEST:
        return documents, None
    return documents.held_out(min(HELD_OUT, MOST_HELD_OUT / n), seed)


def _learned(learns: Documents, n_blank: int) -> list[str]:
    """From how much, and what there was nothing to learn from."""
    blank = [f"Blank texts passed over: {n_blank:,}."] if n_blank else []
    return [f"Learned from {learns.n_tokens:,} tokens of {counted(len(learns), 'text')}.", *blank]


def _words(old: PretrainedLanguageModel, new: PretrainedLanguageModel, documents: Documents) -> list[str]:
    """What became of the vocabulary, where it is of words."""
    if not isinstance(new.tokenizer, WordTokens):
        return []
    kept, size = old.settings.vocabulary_size, new.settings.vocabulary_size
    counts = documents.counts(size)
    # special tokens are no words, but an unknown one was
    unknown, known = counts[UNK_ID], counts[len(SPECIAL) :].sum()
    share = 100 * unknown / max(unknown + known, 1)
    return [
        f"Vocabulary: {kept:,} words kept, {size - kept:,} new.",
        f"Unknown words: {share:.1f} % of those in the texts.",
    ]


def _measured(
    held_out: Documents | None, before: float | None, after: float | None, training: Training
) -> str:
    if held_out is None or before is None:
        return f"Perplexity was not measured: of fewer than {FEWEST} texts none is held out."
    said = f"Perplexity of {len(held_out):,} held-out texts: {before:,.1f} before"
    if after is None:
        return f"{said}."
    return f"{said}, {after:,.1f} after epoch {training.best_epoch} of {training.plan.epochs}."
