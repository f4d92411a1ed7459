"""Frozen word vectors under a bidirectional GRU.

Pennington, Socher and Manning, "GloVe", 2014; Cho et al., "Learning Phrase Representations using
RNN Encoder–Decoder for Statistical Machine Translation", 2014. Words are looked up, read in both
directions by two recurrent layers, pooled (mean, maximum, ends), and classified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.plan import Stage
from textgraft.core.progress import Watch
from textgraft.core.rules import Rule
from textgraft.encoders import Encoder
from textgraft.encoders.precision import choose_device, choose_precision
from textgraft.encoders.word_vectors import (
    PACKAGED_WORD_VECTORS,
    WordVectors,
    coverage,
    embedding_matrix,
    read_word_vectors,
)
from textgraft.methods.early_stopping import rows_to_watch
from textgraft.methods.evidence import unit_rows
from textgraft.methods.faults import is_count
from textgraft.methods.lesson import Lesson
from textgraft.methods.limits import check_class_count, reading_limit
from textgraft.methods.network_classifier import NetworkClassifier
from textgraft.methods.recurrent import (
    Recurrent,
    gru_faults,
    gru_plan,
    gru_recipe,
    load_tensors,
    parts_of,
    recurrent_of,
)
from textgraft.text.truncation import truncated, truncation_sentence
from textgraft.text.vocabulary import Vocabulary
from textgraft.text.words import as_known, split_words

if TYPE_CHECKING:
    from textgraft.networks.gru import WordGRU

MOST_TOKENS = 400
"""Words read of a text unless told otherwise; so many of a review say what it thinks."""


@dataclass(frozen=True)
class WordReader:
    """A network with the vocabulary that its numbers stand for.

    Attributes:
        network: word numbers -> vectors and logits.
        vocabulary: of words that are all in lower case, or in the case that their vectors have.
        max_tokens, truncate: how many words of a text are read, and which.
        lower: whether texts are lower-cased before they are split.
        device, bf16: where, and in which precision.
    """

    network: WordGRU
    vocabulary: Vocabulary
    max_tokens: int
    truncate: str
    lower: bool
    device: str
    bf16: bool

    def vectors_and_logits(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, e) of length 1 and logits (n, c) of n texts."""
        from textgraft.networks.running import outputs_in_order

        words = [split_words(text, self.lower) for text in texts]
        ids = [word_ids(text, self.vocabulary, self.max_tokens, self.truncate) for text in words]
        width = self.network.head.linear.in_features
        n_classes = self.network.head.linear.out_features
        both = outputs_in_order(
            lambda ids, mask: self.network.vectors_and_logits(ids),
            ids, width + n_classes, 0, self.device, self.bf16,
        )  # fmt: skip
        return unit_rows(both[:, :width]), both[:, width:]


@final
class WordGRUClassifier(NetworkClassifier):
    """Pretrained word vectors under a bidirectional GRU.

    Args:
        vectors: ``glove`` (needs the extra ``glove``), or a GloVe, word2vec or fastText file.
        epochs: times that every row is seen; ``auto`` by the number of rows.
        rate: peak learning rate.
        batch_size: texts a step; ``auto`` by the number of rows.
        max_tokens: read so many words of a text; ``auto`` by the lengths of the training texts.
        truncate: what is left out of a text that is longer: its ``end`` or its ``middle``.
        max_words: know at most so many words, the most frequent.
        min_count: know only words that occur so often in the training texts.
        hidden: units a direction.
        layers: bidirectional layers.
        dropout: of word vectors, between layers and before the head.
        thaw: whether the word vectors learn too.
        patience: hold out a tenth of the rows, stop after so many epochs without a better loss on
            them, and keep the best weights; ``None`` runs the whole plan on all rows.
        confidence: ``product``, ``probability``, ``energy``, ``neighbours`` or ``mahalanobis``.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out, the order of rows, the network's start and dropout.
    """

    method = "word-gru"

    def __init__(
        self,
        *,
        vectors: str = "glove",
        epochs: int | str = "auto",
        rate: float = 2e-3,
        batch_size: int | str = "auto",
        max_tokens: int | str = "auto",
        truncate: str = "middle",
        max_words: int = 60_000,
        min_count: int = 1,
        hidden: int = 128,
        layers: int = 2,
        dropout: float = 0.25,
        thaw: bool = False,
        patience: int | None = None,
        confidence: str = "product",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.vectors = vectors
        self.epochs = epochs
        self.rate = rate
        self.batch_size = batch_size
        self.max_tokens = max_tokens
        self.truncate = truncate
        self.max_words = max_words
        self.min_count = min_count
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.thaw = thaw
        self.patience = patience
        self.confidence = confidence
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = gru_faults(self.get_params(deep=False))
        vectors: object = self.vectors
        if not isinstance(vectors, str):
            faults.append(f"vectors must be a name or a path, found {vectors!r}")
        for name in ("max_words", "min_count"):
            if not is_count(getattr(self, name), 1):
                faults.append(f"{name} must be a whole number from 1, found {getattr(self, name)!r}")
        thaw: object = self.thaw
        if not isinstance(thaw, bool | np.bool_):
            faults.append(f"thaw must be true or false, found {thaw!r}")
        return faults

    def _open_encoder(self) -> Encoder | None:
        return None

    def plan(self, n_rows: int, n_classes: int) -> tuple[Stage, ...]:
        """What ``fit`` would do with so many rows; the vocabulary's size is the most it can be."""
        from textgraft.training.groups import group_sizes

        self._check_parameters()
        dim = read_word_vectors(self.vectors, ["the"]).dim
        network = self._network(np.zeros((self.max_words + 2, dim), dtype=np.float32), n_classes)
        recipe = gru_recipe(n_rows, self.epochs, self.batch_size)
        plan = gru_plan(tuple(network.layer_groups()), recipe.epochs, self.rate, thaw=self.thaw)
        return (Stage("training", plan, group_sizes(network), float(self.rate)),)

    def _learn(self, lesson: Lesson, watch: Watch) -> Recurrent:
        from textgraft.training.batches import TokenBatches
        from textgraft.training.losses import classification_loss

        check_class_count(self.method, lesson.n_classes)
        # the packaged ones are of lower-cased words
        lower = self.vectors in PACKAGED_WORD_VECTORS
        words = [split_words(text, lower) for text in lesson.features]
        written = Counter(word for text in words for word in text)
        found = read_word_vectors(self.vectors, [s for word in written for s in (word, word.lower())])
        counts = counts_as_known(written, found)
        vocabulary = Vocabulary.of(counts, self.max_words, self.min_count)
        limit, reads = self._limit(np.array([len(text) for text in words]))
        ids = [word_ids(text, vocabulary, limit, self.truncate) for text in words]

        matrix = embedding_matrix(vocabulary, found)
        # kept in half the space, so used as it is kept
        matrix = matrix if self.thaw else matrix.astype(np.float16).astype(np.float32)
        network = self._network(matrix, lesson.n_classes)
        device = choose_device("auto")
        bf16 = choose_precision("auto", device) == "bf16"
        recipe = gru_recipe(len(ids), self.epochs, self.batch_size)
        rows = TokenBatches(ids, lesson.codes, recipe.batch_size, self.seed, 0)
        learns, watched = rows_to_watch(rows, lesson.codes, self.patience, self.seed)
        training = lesson.train(
            network,
            gru_plan(tuple(network.layer_groups()), recipe.epochs, self.rate, thaw=self.thaw),
            learns,
            lambda network, batch: classification_loss(network(batch.ids), batch.codes),
            valid=watched,
            # a file may have other vectors under its old name
            settings=self._settings(lesson, "training", device, bf16=bf16, vectors=found.fingerprint),
            watch=watch,
        )
        kept = {word: counts[word] for word in vocabulary.words[2:]}
        notes = (
            recipe.sentence(len(ids)),
            self._vocabulary_sentence(kept, counts),
            coverage(found, kept).sentence(),
            reads,
            *training.notes,
        )
        settings = {
            "n_classes": lesson.n_classes,
            "max_tokens": limit,
            "truncate": self.truncate,
            "lower": lower,
            "dim": found.dim,
        }
        running = WordReader(network, vocabulary, limit, self.truncate, lower, device, bf16)
        network.requires_grad_(False).eval()
        evidence, _ = running.vectors_and_logits(list(lesson.features))
        training = replace(training, notes=notes)
        return recurrent_of(network, running, evidence, lesson, settings, training, vocabulary.words)

    def _pack(self, learned: Recurrent) -> Bundle:
        packed = learned.packed()
        if not self.thaw:
            packed.arrays["network.embedding.weight"] = learned.tensors["embedding.weight"].astype(np.float16)
        return packed

    def _unpack(self, packed: Bundle) -> Recurrent:
        parts = parts_of(packed)
        matrix = parts["tensors"]["embedding.weight"].astype(np.float32)
        parts["tensors"]["embedding.weight"] = matrix
        network = self._network(matrix, parts["settings"]["n_classes"])
        device = choose_device("auto")
        load_tensors(network, parts["tensors"])
        network.to(device)
        bf16 = choose_precision("auto", device) == "bf16"
        vocabulary = Vocabulary(tuple(parts["words"]))
        settings = parts["settings"]
        # models saved before there was a choice left out the end, and read in lower case
        truncate, lower = settings.get("truncate", "end"), settings.get("lower", True)
        reader = WordReader(network, vocabulary, settings["max_tokens"], truncate, lower, device, bf16)
        return Recurrent(running=reader, **parts)

    # ── parts ───────────────────────────────────────────────────────────────────────

    def _network(self, matrix: np.ndarray, n_classes: int) -> WordGRU:
        import torch

        from textgraft.networks.dropout import use_fast_dropout
        from textgraft.networks.gru import WordGRU

        with torch.random.fork_rng([]):
            torch.manual_seed(int(self.seed))
            network = WordGRU(
                torch.from_numpy(matrix),
                n_classes,
                frozen=not self.thaw,
                input_dropout=float(self.dropout),
                hidden=int(self.hidden),
                layers=int(self.layers),
                dropout=float(self.dropout),
            )
        use_fast_dropout(network)
        return network

    def _limit(self, lengths: np.ndarray) -> tuple[int, str]:
        limit, whole = reading_limit(self.max_tokens, lengths, 1, MOST_TOKENS)
        return limit, truncation_sentence(self.truncate, f"{limit} words", whole)

    def _vocabulary_sentence(self, kept: Mapping[str, int], counts: Mapping[str, int]) -> str:
        """How many of the counted words are kept."""
        if len(kept) == len(counts):
            return f"The vocabulary has all {len(counts):,} distinct words of the training texts."
        share = 100 * sum(kept.values()) / sum(counts.values())
        return (
            f"The vocabulary has {len(kept):,} of {len(counts):,} distinct words of the training texts, "
            f"{share:.1f} % of the running ones (max_words {self.max_words:,}, min_count {self.min_count:,})."
        )


def counts_as_known(written: Mapping[str, int], found: WordVectors) -> Counter[str]:
    """How often each word occurs, in the case that its vector has, or in lower case."""
    counts: Counter[str] = Counter()
    for word, times in zip(as_known(written, frozenset(found.words)), written.values(), strict=True):
        counts[word] += times
    return counts


def word_ids(words: list[str], vocabulary: Vocabulary, limit: int, truncate: str) -> list[int]:
    """Numbers of the words that are read of a text, at most ``limit``."""
    ids: list[int] = vocabulary.ids(as_known(truncated(words, limit, truncate), vocabulary)).tolist()
    return ids
