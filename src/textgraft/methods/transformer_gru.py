"""A frozen transformer's token states under a bidirectional GRU.

Peters, Ruder and Smith, "To Tune or Not to Tune?", 2019, compare features with fine-tuning; the
recurrent head follows Cho et al., 2014. The transformer runs once over the training texts; its
states lie in a file while the head learns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.plan import Stage
from textgraft.core.progress import Progress, Watch
from textgraft.core.rules import Rule
from textgraft.encoders import Encoder, as_encoder
from textgraft.encoders.encoder import Trainable, as_trainable, transformer_under
from textgraft.methods.early_stopping import rows_to_watch
from textgraft.methods.evidence import unit_rows
from textgraft.methods.lesson import Lesson
from textgraft.methods.limits import check_class_count
from textgraft.methods.network_classifier import NetworkClassifier
from textgraft.methods.recipes import choose_max_tokens
from textgraft.methods.recurrent import (
    Recurrent,
    gru_faults,
    gru_plan,
    gru_recipe,
    load_tensors,
    parts_of,
    recurrent_of,
)

if TYPE_CHECKING:
    from textgraft.networks.gru import GRUHead
    from textgraft.training.states import StateStore


STATES = ("mean", "last")
"""Of which layers states are read. On training rows of each data set that was tried the mean is as good or
better (``benchmarks/defaults_gru.py transformer-gru:states``)."""


@dataclass(frozen=True)
class StateReader:
    """A frozen transformer and the recurrent head over its states."""

    transformer: Any
    head: GRUHead
    pretrained: Trainable
    max_tokens: int

    def vectors_and_logits(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, e) of length 1 and logits (n, c) of n texts."""
        from textgraft.networks.running import outputs_in_order

        ids = self.pretrained.tokens.ids(texts, self.max_tokens)
        width, n_classes = self.head.linear.in_features, self.head.linear.out_features
        both = outputs_in_order(
            lambda ids, mask: self.head.vectors_and_logits(self.transformer(ids, mask), mask),
            ids,
            width + n_classes,
            self.pretrained.tokens.pad,
            self.pretrained.device,
            self.pretrained.precision == "bf16",
        )
        return unit_rows(both[:, :width]), both[:, width:]


@final
class TransformerGRUClassifier(NetworkClassifier):
    """A frozen transformer under a bidirectional GRU.

    Args:
        encoder: a name (``minilm``), a folder, a hub id, or an :class:`Encoder` with token states.
        states: the ``mean`` of those of all layers, or those of the ``last`` one.
        epochs: times that every row is seen; ``auto`` by the number of rows.
        rate: peak learning rate.
        batch_size: texts a step; ``auto`` by the number of rows.
        max_tokens: read so many tokens of a text; ``auto`` by the lengths of the training texts.
        truncate: what is left out of a text that is longer: its ``end`` or its ``middle``.
        hidden: units a direction.
        layers: bidirectional layers.
        dropout: between layers and before the head.
        patience: hold out a tenth of the rows, stop after so many epochs without a better loss on
            them, and keep the best weights; ``None`` runs the whole plan on all rows.
        confidence: ``product``, ``probability``, ``energy``, ``neighbours`` or ``mahalanobis``.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out, the order of rows, the head's start and dropout.
    """

    method = "transformer-gru"

    def __init__(
        self,
        encoder: str | Encoder = "minilm",
        *,
        states: str = "mean",
        epochs: int | str = "auto",
        rate: float = 2e-3,
        batch_size: int | str = "auto",
        max_tokens: int | str = "auto",
        truncate: str = "middle",
        hidden: int = 128,
        layers: int = 2,
        dropout: float = 0.25,
        patience: int | None = None,
        confidence: str = "product",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.states = states
        self.epochs = epochs
        self.rate = rate
        self.batch_size = batch_size
        self.max_tokens = max_tokens
        self.truncate = truncate
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.patience = patience
        self.confidence = confidence
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        known = self.states in STATES
        faults = [] if known else [f"states must be {' or '.join(STATES)}, found {self.states!r}"]
        return faults + gru_faults(self.get_params(deep=False))

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def plan(self, n_rows: int, n_classes: int) -> tuple[Stage, ...]:
        """What ``fit`` would do with so many rows."""
        from textgraft.training.groups import group_sizes

        self._check_parameters()
        transformer, _ = self._frozen(as_encoder(self.encoder))
        head = self._head(transformer.dim, n_classes)
        recipe = gru_recipe(n_rows, self.epochs, self.batch_size)
        plan = gru_plan(tuple(head.layer_groups()), recipe.epochs, self.rate)
        return (Stage("training", plan, group_sizes(head), float(self.rate)),)

    def _learn(self, lesson: Lesson, watch: Watch) -> Recurrent:
        from textgraft.training.batches import TokenBatches
        from textgraft.training.losses import classification_loss
        from textgraft.training.states import StateBatches, StateStore

        check_class_count(self.method, lesson.n_classes)
        assert lesson.encoder is not None
        transformer, pretrained = self._frozen(lesson.encoder, self.truncate, self.states)
        texts = list(lesson.features)
        limit, reads = choose_max_tokens(self.max_tokens, lesson.encoder, pretrained, texts, self.truncate)
        ids = pretrained.tokens.ids(texts, limit)
        head = self._head(transformer.dim, lesson.n_classes)
        recipe = gru_recipe(len(ids), self.epochs, self.batch_size)
        bf16 = pretrained.precision == "bf16"
        order = TokenBatches(ids, lesson.codes, recipe.batch_size, self.seed, pretrained.tokens.pad)
        with tempfile.TemporaryDirectory(prefix="textgraft-states-") as folder:
            store = StateStore(Path(folder) / "states", order.lengths, transformer.dim, bf16)
            store.write(_told(transformer_states(transformer, ids, pretrained), len(ids), watch))
            rows = StateBatches(store, order)
            learns, watched = rows_to_watch(rows, lesson.codes, self.patience, self.seed)
            training = lesson.train(
                head,
                gru_plan(tuple(head.layer_groups()), recipe.epochs, self.rate),
                learns,
                lambda head, batch: classification_loss(head(batch.states, batch.mask), batch.codes),
                valid=watched,
                settings=self._settings(lesson, "training", pretrained.device, bf16=bf16),
                watch=watch,
            )
            head.requires_grad_(False).eval()
            evidence = stored_vectors(head, store, pretrained)
        size = store.bytes / 1e6
        stored = f"Token states of {len(ids):,} texts were computed once ({size:,.0f} MB on disk meanwhile)."
        notes = (recipe.sentence(len(ids)), reads, stored, *training.notes)
        running = StateReader(transformer, head, pretrained, limit)
        settings = {
            "n_classes": lesson.n_classes,
            "max_tokens": limit,
            "truncate": self.truncate,
            "states": self.states,
        }
        return recurrent_of(head, running, evidence, lesson, settings, replace(training, notes=notes))

    def _pack(self, learned: Recurrent) -> Bundle:
        return learned.packed()

    def _unpack(self, packed: Bundle) -> Recurrent:
        parts = parts_of(packed)
        assert self.encoder_ is not None
        settings = parts["settings"]
        # models saved before there was a choice left out the end, and read the last layer
        transformer, pretrained = self._frozen(
            self.encoder_, settings.get("truncate", "end"), settings.get("states", "last")
        )
        head = self._head(transformer.dim, settings["n_classes"])
        load_tensors(head, parts["tensors"])
        head.to(pretrained.device)
        reader = StateReader(transformer, head, pretrained, settings["max_tokens"])
        return Recurrent(running=reader, **parts)

    # ── parts ───────────────────────────────────────────────────────────────────────

    def _frozen(self, encoder: Encoder, truncate: str = "end", states: str = "last") -> tuple[Any, Trainable]:
        """The transformer under an encoder's pooling, frozen and in the precision of its device."""
        from textgraft.networks.packed import to_bf16

        # without dropout of its own attention takes its fast path
        pretrained = as_trainable(encoder, self.method).trainable(attention_dropout=0.0)
        transformer = transformer_under(pretrained, encoder, f"The method {self.method}")
        transformer.requires_grad_(False).eval().to(pretrained.device)
        transformer.reads = states
        if pretrained.precision == "bf16":
            to_bf16(transformer, pretrained.device)
        return transformer, pretrained.truncating(truncate)

    def _head(self, dim: int, n_classes: int) -> GRUHead:
        import torch

        from textgraft.networks.dropout import use_fast_dropout
        from textgraft.networks.gru import GRUHead

        with torch.random.fork_rng([]):
            torch.manual_seed(int(self.seed))
            head = GRUHead(
                dim, n_classes, hidden=int(self.hidden), layers=int(self.layers), dropout=float(self.dropout)
            )
        use_fast_dropout(head)
        return head


def transformer_states(
    transformer: Any, ids: list[list[int]], pretrained: Trainable
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers (b,) and padded states (b, t, d) of all texts, batch by batch."""
    from textgraft.networks.running import outputs_by_batch

    bf16 = pretrained.precision == "bf16"
    return outputs_by_batch(transformer, ids, pretrained.tokens.pad, pretrained.device, bf16)


def stored_vectors(head: GRUHead, store: StateStore, pretrained: Trainable) -> np.ndarray:
    """Vectors (n, e) of length 1 of all texts in a store, so that nothing is computed of them twice."""
    from textgraft.networks.running import in_order, outputs_of_batches

    bf16 = pretrained.precision == "bf16"
    batches = outputs_of_batches(head.vectors, store.read, store.lengths, pretrained.device, bf16)
    return unit_rows(in_order(batches, len(store.lengths), head.linear.in_features))


def _told(
    batches: Iterator[tuple[np.ndarray, np.ndarray]], total: int, watch: Watch
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    done = 0
    for rows, states in batches:
        yield rows, states
        done += len(rows)
        watch(Progress("computing token states", done, total))
