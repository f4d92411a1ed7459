"""A siamese network: rows of one class are brought together, then the nearest neighbours vote.

What learns is a small projection over the encoder's vectors (:mod:`textgraft.networks.projection`),
and the encoder itself where it is asked for. Two losses over batches of a few classes:

* supervised contrastive (Khosla et al., 2020), the better one in ``benchmarks/defaults_siamese.py``;
* triplets of a row, one of its class and one of another, chosen half-hard inside each batch
  (Schroff et al., "FaceNet", 2015; :mod:`textgraft.training.triplets`).

Confidence is the cosine similarity, after projection, to the nearest training text of the
winning class.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from textgraft.bundle import Bundle, with_prefix, without_prefix
from textgraft.core.neighbours import vote
from textgraft.core.plan import Plan, Stage, one_cycle
from textgraft.core.progress import Watch
from textgraft.core.rules import Rule
from textgraft.core.scores import Scores
from textgraft.core.splits import holdout_rows
from textgraft.encoders import Encoder, as_encoder
from textgraft.encoders.encoder import Trainable, as_trainable
from textgraft.methods.base import TextClassifier
from textgraft.methods.early_stopping import EARLY_STOPPING_SHARE, said_if_unwatched
from textgraft.methods.evidence import unit_rows
from textgraft.methods.faults import is_count, is_number, patience_faults
from textgraft.methods.lesson import Features, Lesson
from textgraft.methods.runs import option_names, run_folder
from textgraft.search.index import Index, build_index, index_from_arrays, index_to_arrays
from textgraft.training.records import Training, training_from_json, training_to_json

if TYPE_CHECKING:
    from torch import Tensor

    from textgraft.training.loop import Batches

A_STEP = {False: (16, 8), True: (8, 4)}
"""P classes and K rows of each in a step, without and with an encoder that learns; such an
encoder takes much more memory a row."""

MOST_EPOCHS = {False: 30, True: 20}
"""Epochs of ``epochs="auto"`` at most, likewise."""

MOST_STEPS = 3_000
"""Steps of ``epochs="auto"`` at most; by then a projection has learned what it can."""

FROZEN_GROUPS = ("embedding", "embeddings")
"""Layer groups of an encoder that never learn: words that no training text has could not follow."""

CONTRAST_TEMPERATURE = 0.1


@dataclass(frozen=True)
class Projected:
    """What a siamese network learned.

    Attributes:
        network: a projection of vectors, or of an encoder that learned.
        reader: how such an encoder reads texts; ``None`` if the encoder is frozen.
        changed: the network's tensors that the encoder's weights do not give, by name.
        index: the projected training texts.
        codes: (n,) their class codes.
        training: how it came to be.
    """

    network: Any
    reader: Trainable | None
    changed: dict[str, np.ndarray]
    index: Index
    codes: np.ndarray
    training: Training

    @property
    def evidence(self) -> np.ndarray:
        return self.index.vectors


@final
class SiameseClassifier(TextClassifier):
    """Nearest neighbours in a space where rows of one class were brought together.

    Args:
        encoder: a name (``minilm``), a folder, a hub id, or an :class:`Encoder`.
        loss: ``contrastive`` or ``triplet``.
        margin: cosine distance by which ``triplet`` asks classes to lie apart.
        widths: numbers of each dense layer's output, such as ``256-64-128``.
        heads: projections trained side by side, whose similarities are averaged.
        dropout: between dense layers.
        epochs: times that as many rows as there are are seen; ``auto`` by their number.
        rate: peak learning rate of the projection.
        k: how many neighbours vote; fewer when there are fewer rows.
        temperature: a neighbour less similar by this much weighs 1/e of the nearest one.
        train_encoder: whether the encoder's weights learn too.
        encoder_rate: their peak learning rate; ``rate`` is the projection's.
        patience: hold out a tenth of the rows, stop after so many epochs without a better loss on
            them, and keep the best weights; ``None`` runs the whole plan on all rows. They are
            neighbours all the same.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out, first weights, triplets and dropout.
    """

    method = "siamese"
    answers_with = ("k", "temperature")

    def __init__(
        self,
        encoder: str | Encoder = "minilm",
        *,
        loss: str = "contrastive",
        margin: float = 0.4,
        widths: str = "256-64-128",
        heads: int = 5,
        dropout: float = 0.3,
        epochs: int | str = "auto",
        rate: float = 2e-3,
        k: int = 10,
        temperature: float = 0.15,
        train_encoder: bool = False,
        encoder_rate: float = 3e-4,
        patience: int | None = None,
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.loss = loss
        self.margin = margin
        self.widths = widths
        self.heads = heads
        self.dropout = dropout
        self.epochs = epochs
        self.rate = rate
        self.k = k
        self.temperature = temperature
        self.train_encoder = train_encoder
        self.encoder_rate = encoder_rate
        self.patience = patience
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    @property
    def reads(self) -> Literal["vectors", "texts"]:
        # an encoder that learns has no vectors until it has learned
        return "texts" if self.train_encoder else "vectors"

    def _faults(self) -> list[str]:
        faults = []
        if self.loss not in ("triplet", "contrastive"):
            faults.append(f"loss must be triplet or contrastive, found {self.loss!r}")
        bounds = {"margin": (1e-6, 2.0), "rate": (0.0, 1.0), "encoder_rate": (0.0, 1.0)}
        for name, (least, most) in (bounds | {"temperature": (1e-6, np.inf)}).items():
            if not is_number(value := getattr(self, name), least, most):
                faults.append(f"{name} must be a number from {least:g} to {most:g}, found {value!r}")
        if not is_number(self.dropout, 0.0, 0.95):
            faults.append(f"dropout must be a number from 0 to 0.95, found {self.dropout!r}")
        for name, least in (("heads", 1), ("k", 1)):
            if not is_count(getattr(self, name), least):
                faults.append(f"{name} must be a whole number from {least}, found {getattr(self, name)!r}")
        if self.epochs != "auto" and not is_count(self.epochs, 0):
            faults.append(f"epochs must be 'auto' or a whole number from 0, found {self.epochs!r}")
        if not _layer_widths(self.widths):
            faults.append(f"widths must be whole numbers from 1 joined by '-', found {self.widths!r}")
        thaw: object = self.train_encoder
        if not isinstance(thaw, bool | np.bool_):
            faults.append(f"train_encoder must be true or false, found {thaw!r}")
        return faults + patience_faults(self.patience)

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def plan(self, n_rows: int, n_classes: int) -> tuple[Stage, ...]:
        """What ``fit`` would do with so many rows and classes."""
        from textgraft.training.groups import group_sizes

        self._check_parameters()
        encoder = as_encoder(self.encoder)
        network = self._network(self._reader(encoder), encoder.dim)
        plan = self._plan(n_rows, n_classes, tuple(network.layer_groups())[:-1])
        return (Stage("training", plan, group_sizes(network), float(self.rate)),)

    def _learn(self, lesson: Lesson, watch: Watch) -> Projected:
        from textgraft.networks.tensors import changed_tensors, copied_tensors
        from textgraft.training.settings import Settings

        assert lesson.encoder is not None
        codes, reader = lesson.codes, self._reader(lesson.encoder)
        network = self._network(reader, lesson.encoder.dim)
        before = {} if reader is None else copied_tensors(reader.network, "encoder.")
        learns, watched = self._watching(reader, lesson)
        training = lesson.train(
            network,
            self._plan(len(codes), lesson.n_classes, tuple(network.layer_groups())[:-1]),
            learns,
            self._loss_of,
            valid=watched,
            settings=Settings(
                seed=int(self.seed),
                device="cpu" if reader is None else reader.device,
                bf16=reader is not None and reader.precision == "bf16",
                patience=self.patience,
                run=run_folder(lesson, "siamese", self.get_params(deep=False)),
                options=option_names(self.get_params(deep=False)),
            ),
            watch=watch,
        )
        training = said_if_unwatched(training, self.patience, watched)
        changed = changed_tensors(network, before)
        _make_ready(network, reader)
        index = build_index(_project(network, reader, lesson.features), "auto")
        return Projected(network, reader, changed, index, codes, training)

    def _score(self, learned: Projected, features: Features, n_classes: int) -> Scores:
        neighbours = learned.index.search(self._embed(learned, features), int(self.k))
        return vote(neighbours, learned.codes, n_classes, float(self.temperature))

    def _embed(self, learned: Projected, features: Features) -> np.ndarray:
        return _project(learned.network, learned.reader, features)

    def _pack(self, learned: Projected) -> Bundle:
        projection = learned.network if learned.reader is None else learned.network.projection
        about = {
            "projection": projection.settings,
            "trained_encoder": learned.reader is not None,
            "training": training_to_json(learned.training),
        }
        arrays = with_prefix("network.", learned.changed) | index_to_arrays(learned.index)
        return Bundle(about, arrays | {"codes": learned.codes}, {})

    def _unpack(self, packed: Bundle) -> Projected:
        from textgraft.networks.projection import ProjectedEncoder, Projection
        from textgraft.networks.tensors import put_tensors

        about, arrays = packed.about, packed.arrays
        changed = without_prefix("network.", arrays)
        network: Any = Projection(**about["projection"])
        reader = None
        if about["trained_encoder"]:
            assert self.encoder_ is not None
            reader = self._opened(self.encoder_)
            network = ProjectedEncoder(reader.network, network)
        put_tensors(network, changed)
        _make_ready(network, reader)
        index = index_from_arrays(arrays)
        training = training_from_json(about["training"])
        return Projected(network, reader, changed, index, arrays["codes"], training)

    # ── parts ───────────────────────────────────────────────────────────────────────

    def _watching(self, reader: Trainable | None, lesson: Lesson) -> tuple[Batches[Any], Batches[Any] | None]:
        """Rows to learn from and, with patience, rows to watch; these need two classes to tell apart."""
        from textgraft.training.triplets import BalancedBatches

        def batches(some: np.ndarray | slice) -> Batches[Any]:
            codes = lesson.codes[some]
            rows = _rows(reader, lesson.features[some], codes, self.seed)
            return BalancedBatches(rows, codes, *A_STEP[bool(self.train_encoder)], self.seed)

        if self.patience is not None:
            watched = holdout_rows(lesson.codes, EARLY_STOPPING_SHARE, self.seed)
            if len(np.unique(lesson.codes[watched])) > 1:
                return batches(~watched), batches(watched)
        # as they are: a mask would copy all vectors
        return batches(slice(None)), None

    def _reader(self, encoder: Encoder) -> Trainable | None:
        """A copy of the encoder that can learn, if it should."""
        return self._opened(encoder) if self.train_encoder else None

    def _opened(self, encoder: Encoder) -> Trainable:
        # attention takes its fast path only without dropout of its own; that of states is kept
        return as_trainable(encoder, self.method).trainable(attention_dropout=0.0)

    def _network(self, reader: Trainable | None, dim: int) -> Any:
        from textgraft.networks.projection import ProjectedEncoder, Projection

        projection = Projection(
            dim if reader is None else reader.network.dim,
            _layer_widths(self.widths),
            int(self.heads),
            dropout=float(self.dropout),
            seed=int(self.seed),
        )
        return projection if reader is None else ProjectedEncoder(reader.network, projection)

    def _plan(self, n_rows: int, n_classes: int, encoder_groups: tuple[str, ...]) -> Plan:
        """All at once under one cycle, the encoder slowly."""
        learns = bool(encoder_groups)
        most_classes, n_of_each = A_STEP[learns]
        steps_an_epoch = max(1, n_rows // (min(n_classes, most_classes) * n_of_each))
        epochs = MOST_STEPS // steps_an_epoch
        epochs = min(MOST_EPOCHS[learns], max(1, epochs)) if self.epochs == "auto" else int(self.epochs)
        encoder_rate = float(self.encoder_rate)
        whole = one_cycle((*encoder_groups, "heads"), epochs, float(self.rate), name="siamese")
        rates = tuple(0.0 if group in FROZEN_GROUPS else encoder_rate for group in encoder_groups)
        (phase,) = whole.phases
        return replace(whole, phases=(replace(phase, peak_rates=(*rates, float(self.rate))),))

    def _loss_of(self, network: Any, batch: Any) -> Tensor:
        """Mean over heads of the loss; a batch is vectors and codes, or parts of ids, masks and codes."""
        import torch

        from textgraft.training.losses import supervised_contrastive_loss
        from textgraft.training.triplets import semi_hard_triplet_loss

        if self.train_encoder:
            projected = network.of_parts([(part.ids, part.mask) for part in batch])
            codes = torch.cat([part.codes for part in batch])
        else:
            vectors, codes = batch
            projected = network(vectors)
        heads = network.by_head(projected)
        if self.loss == "triplet":
            return semi_hard_triplet_loss(heads, codes, float(self.margin))
        each = [supervised_contrastive_loss(head, codes, CONTRAST_TEMPERATURE) for head in heads]
        return torch.stack(each).mean()


def _rows(reader: Trainable | None, features: Features, codes: np.ndarray, seed: int) -> Batches[Any]:
    from textgraft.training.batches import ArrayBatches, WholeBatches

    if reader is None:
        return ArrayBatches(features, codes, 1, seed)
    ids = reader.tokens.ids(list(features), reader.max_tokens)
    return WholeBatches(ids, codes, 1, seed, reader.tokens.pad, in_parts=not reader.unpads)


def _project(network: Any, reader: Trainable | None, features: Features) -> np.ndarray:
    """Features of n texts -> (n, e) rows of length 1."""
    from textgraft.networks.running import outputs_in_order

    if reader is None:
        return unit_rows(network.rows(features))
    ids = reader.tokens.ids(list(features), reader.max_tokens)
    bf16 = reader.precision == "bf16"
    return unit_rows(outputs_in_order(network, ids, network.dim, reader.tokens.pad, reader.device, bf16))


def _make_ready(network: Any, reader: Trainable | None) -> None:
    """Make a network answer, in the precision of its device; it cannot learn any more."""
    from textgraft.networks.packed import to_bf16

    network.requires_grad_(False).eval()
    if reader is not None:
        network.to(reader.device)
        if reader.precision == "bf16":
            to_bf16(network.encoder, reader.device)


def _layer_widths(widths: object) -> tuple[int, ...]:
    """``256-64-128`` as numbers; none if it is no such string."""
    parts = widths.split("-") if isinstance(widths, str) else []
    return tuple(map(int, parts)) if parts and all(re.fullmatch(r"[1-9]\d{0,4}", p) for p in parts) else ()
