"""Fine-tuning: all layers of a pretrained encoder learn the task.

Devlin et al., "BERT", 2019; with three things that small data needs:

* few rows are first brought together class by class (supervised contrastive warm-up, Khosla
  et al., 2020; what SetFit, Tunstall et al., 2022, does with pairs, here over whole batches);
* the head starts as the linear probe of the vectors (Kumar et al., "Fine-Tuning Can Distort
  Pretrained Features and Underperform Out-of-Distribution", 2022);
* word embeddings stay frozen: those of words that no training text has could not follow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.plan import Plan, Stage, discriminative, one_cycle
from textgraft.core.progress import Watch
from textgraft.core.rules import Rule
from textgraft.encoders import Encoder, as_encoder
from textgraft.encoders.encoder import Trainable, as_trainable
from textgraft.errors import ParameterError
from textgraft.methods.confidence.kinds import ALONE, confidence_faults
from textgraft.methods.early_stopping import rows_to_watch
from textgraft.methods.faults import auto_count_faults, is_count, is_number, patience_faults
from textgraft.methods.lesson import Lesson
from textgraft.methods.limits import check_class_count
from textgraft.methods.network_classifier import NetworkClassifier
from textgraft.methods.recipes import (
    HEAD_FACTOR,
    Recipe,
    choose_max_tokens,
    recipe_for,
    recipe_sentence,
)
from textgraft.text.truncation import truncate_faults

if TYPE_CHECKING:
    from textgraft.methods.tuned import Tuned

CONTRAST_BATCH = 64
"""Texts compared with one another at once in the warm-up."""


@final
class FinetuneClassifier(NetworkClassifier):
    """A pretrained encoder whose layers learn the task, under a linear head.

    Args:
        encoder: a name (``minilm``), a folder, a hub id, or an :class:`Encoder` with weights.
        epochs: times that every row is seen; ``auto`` by the number of rows.
        rate: peak learning rate of the encoder's last layer group; ``auto`` by the number of rows.
        batch_size: texts a step; ``auto`` by the number of rows.
        contrast: epochs of contrastive warm-up before that; ``auto`` for few rows only.
        max_tokens: read so many tokens of a text; ``auto`` by the lengths of the training texts.
        truncate: what is left out of a text that is longer: its ``end`` or its ``middle``.
        pool: ``auto`` (as the encoder's files say, else mean), ``mean`` or ``cls``.
        train: ``all``, ``head``, or how many of the last layer groups learn, the head among them.
            Word embeddings learn only when this says so: ``everything``.
        lora: rank of low-rank adaptation, of the layer groups that ``train`` says; 0 trains the weights
            themselves (needs the extra ``lora``).
        factor: how many times slower each layer group of the encoder learns than the one after it.
        dropout: of hidden states and of the vectors under the head.
        smoothing: share of belief spread over all classes; not where a text may have several labels.
        class_weights: ``none``, or ``balanced`` to make small classes count as much as large ones.
        patience: hold out a tenth of the rows, stop after so many epochs without a better loss on
            them, and keep the best weights; ``None`` runs the whole plan on all rows.
        confidence: ``product``, ``probability``, ``energy``, ``neighbours`` or ``mahalanobis``.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out, the order of rows and dropout.
    """

    method = "finetune"

    def __init__(
        self,
        encoder: str | Encoder = "minilm",
        *,
        epochs: int | str = "auto",
        rate: float | str = "auto",
        batch_size: int | str = "auto",
        contrast: int | str = "auto",
        max_tokens: int | str = "auto",
        truncate: str = "middle",
        pool: str = "auto",
        train: int | str = "all",
        lora: int = 0,
        factor: float = 1.0,
        dropout: float = 0.1,
        smoothing: float = 0.1,
        class_weights: str = "none",
        patience: int | None = None,
        confidence: str = "product",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.epochs = epochs
        self.rate = rate
        self.batch_size = batch_size
        self.contrast = contrast
        self.max_tokens = max_tokens
        self.truncate = truncate
        self.pool = pool
        self.train = train
        self.lora = lora
        self.factor = factor
        self.dropout = dropout
        self.smoothing = smoothing
        self.class_weights = class_weights
        self.patience = patience
        self.confidence = confidence
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = auto_count_faults(
            self.get_params(deep=False), {"epochs": 0, "batch_size": 1, "contrast": 0, "max_tokens": 3}
        )
        faults += confidence_faults(self.confidence, ALONE)
        if self.rate != "auto" and not is_number(self.rate, 0.0, 1.0):
            faults.append(f"rate must be 'auto' or a number from 0 to 1, found {self.rate!r}")
        if self.pool not in ("auto", "mean", "cls", "max"):
            faults.append(f"pool must be auto, mean, cls or max, found {self.pool!r}")
        if self.train not in ("all", "head", "everything") and not is_count(self.train, 1):
            faults.append(
                f"train must be all, everything, head or a whole number from 1, found {self.train!r}"
            )
        if not is_count(self.lora, 0):
            faults.append(f"lora must be a whole number from 0, found {self.lora!r}")
        if not is_number(self.factor, 1.0, 100.0):
            faults.append(f"factor must be a number from 1 to 100, found {self.factor!r}")
        for name in ("dropout", "smoothing"):
            if not is_number(getattr(self, name), 0.0, 0.9):
                faults.append(f"{name} must be a number from 0 to 0.9, found {getattr(self, name)!r}")
        if self.class_weights not in ("none", "balanced"):
            faults.append(f"class_weights must be none or balanced, found {self.class_weights!r}")
        return faults + truncate_faults(self.truncate) + patience_faults(self.patience)

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def plan(self, n_rows: int, n_classes: int) -> tuple[Stage, ...]:
        """What ``fit`` would do with so many rows: each stage's plan and layer group sizes."""
        from textgraft.networks.pooled import ClassifierNetwork
        from textgraft.training.groups import group_sizes

        self._check_parameters()
        recipe = self._recipe(n_rows)
        encoder = self._learning(self._pretrained(as_encoder(self.encoder)))
        network = ClassifierNetwork(encoder, n_classes, float(self.dropout))
        contrast, sizes = self._contrast_plan(recipe, encoder), group_sizes(network)
        warm_up = Stage("contrastive warm-up", contrast, group_sizes(encoder), recipe.rate)
        if recipe.epochs:
            last = Stage("fine-tuning", self._tuning_plan(recipe, network), sizes, recipe.rate)
        else:
            last = Stage("logistic regression", Plan(("head",), ()), {"head": sizes["head"]}, recipe.rate)
        return (warm_up, last) if contrast.epochs else (last,)

    def _learn(self, lesson: Lesson, watch: Watch) -> Tuned:
        from textgraft.methods.tuned import learned_from, start_from_probe
        from textgraft.networks.pooled import ClassifierNetwork
        from textgraft.networks.tensors import copied_tensors
        from textgraft.training.batches import TokenBatches, WholeBatches
        from textgraft.training.joining import joined
        from textgraft.training.losses import classification_loss, contrastive_loss_of_parts

        check_class_count(self.method, lesson.n_classes)
        assert lesson.encoder is not None
        recipe = self._recipe(len(lesson.codes))
        pretrained = self._pretrained(lesson.encoder, truncate=self.truncate)
        before = copied_tensors(pretrained.network, "encoder.")
        texts = list(lesson.features)
        limit, reads = choose_max_tokens(self.max_tokens, lesson.encoder, pretrained, texts, self.truncate)
        ids, pad = pretrained.tokens.ids(texts, limit), pretrained.tokens.pad
        bf16, in_parts = pretrained.precision == "bf16", not pretrained.unpads

        rows = TokenBatches(ids, lesson.codes, recipe.batch_size, self.seed, pad, in_parts=in_parts)
        # drawn before anything is learned: a row that the encoder or the head has seen tells nothing new.
        # Without epochs there is nothing to stop, and no row to lose
        patience = self.patience if recipe.epochs else None
        learns, watched = rows_to_watch(rows, lesson.codes, patience, self.seed)

        encoder = self._learning(pretrained)
        warmed = None
        if (contrast := self._contrast_plan(recipe, encoder)).epochs:
            whole = WholeBatches(learns.ids, learns.codes, CONTRAST_BATCH, self.seed, pad, in_parts=in_parts)
            settings = self._settings(lesson, "contrast", pretrained.device, bf16=bf16)
            warmed = lesson.train(
                encoder, contrast, whole, contrastive_loss_of_parts, settings=settings, watch=watch
            )

        network = ClassifierNetwork(encoder, lesson.n_classes, float(self.dropout))
        balanced = self.class_weights == "balanced"
        start_from_probe(network, pretrained, learns.ids, learns.codes, balanced=balanced)
        weights = self._class_weights(lesson, pretrained.device)
        training = lesson.train(
            network,
            self._tuning_plan(recipe, network),
            learns,
            lambda network, batch: classification_loss(
                network(batch.ids, batch.mask), batch.codes, weights, float(self.smoothing)
            ),
            valid=watched,
            settings=self._settings(lesson, "tuning", pretrained.device, bf16=bf16),
            watch=watch,
        )
        if self.lora:
            network.encoder = network.encoder.merged()
        training = training if warmed is None else joined("warm-up", warmed, training)
        notes = (recipe_sentence(recipe, len(texts)), reads, *self._idle(len(texts)), *training.notes)
        return learned_from(
            network, before, pretrained, limit, texts, lesson.codes, replace(training, notes=notes)
        )

    def _pack(self, learned: Tuned) -> Bundle:
        packed = learned.packed()
        packed.about["truncate"] = self.truncate
        return packed

    def _unpack(self, packed: Bundle) -> Tuned:
        from textgraft.methods.tuned import tuned_from

        assert self.encoder_ is not None
        # models saved before there was a choice left out the end
        truncate = packed.about.get("truncate", "end")
        return tuned_from(packed, self._pretrained(self.encoder_, packed.about["pool"], truncate))

    # ── parts ───────────────────────────────────────────────────────────────────────

    def _recipe(self, n_rows: int) -> Recipe:
        """Numbers for so many rows, where the parameters do not say."""
        kinds = {"epochs": int, "rate": float, "batch_size": int, "contrast": int}
        given: dict[str, Any] = {
            name: kind(getattr(self, name)) for name, kind in kinds.items() if getattr(self, name) != "auto"
        }
        recipe = replace(recipe_for(n_rows), **given)
        # a head alone has nothing to warm up
        return replace(recipe, contrast=0) if self.train in ("head", 1) else recipe

    def _numbers_for(self, n_rows: int) -> dict[str, Any]:
        recipe = self._recipe(n_rows)
        return {name: getattr(recipe, name) for name in ("contrast", "epochs", "rate", "batch_size")}

    def _idle(self, n_rows: int) -> list[str]:
        """A sentence about parameters given that change nothing of what so many rows teach, if any."""
        recipe, usual = self._recipe(n_rows), type(self)().for_rows(n_rows)
        if recipe.epochs:
            return []
        idle = ["batch_size", "smoothing", "patience"]
        if not recipe.contrast:
            idle += ["rate", "lora", "factor", "dropout"]
        given = [name for name in idle if getattr(self, name) not in ("auto", getattr(usual, name))]
        return [f"Of no effect without epochs (-o epochs N): {', '.join(given)}."] if given else []

    def _pretrained(self, encoder: Encoder, pool: str | None = None, truncate: str = "end") -> Trainable:
        # attention takes its fast path only without dropout of its own; that of states is kept
        pretrained = as_trainable(encoder, self.method).trainable(
            pool=pool or self.pool, dropout=float(self.dropout), attention_dropout=0.0
        )
        return pretrained.truncating(truncate)

    def _learning(self, pretrained: Trainable) -> Any:
        from textgraft.networks.lora import LoraEncoder

        if not self.lora:
            return pretrained.network
        return LoraEncoder(pretrained.network, self.lora, float(self.dropout), self.seed)

    def _contrast_plan(self, recipe: Recipe, encoder: Any) -> Plan:
        groups, factor = tuple(encoder.layer_groups()), float(self.factor)
        return self._learn_some(
            one_cycle(groups, recipe.contrast, recipe.rate, factor=factor, name="warm-up")
        )

    def _tuning_plan(self, recipe: Recipe, network: Any) -> Plan:
        groups = tuple(network.layer_groups())
        (phase,) = one_cycle(groups, recipe.epochs, recipe.rate, name="fine-tuning").phases
        # the factor is one between layers of the encoder, whose last one has the rate itself in either stage
        layers = discriminative(recipe.rate, len(groups) - 1, float(self.factor))
        phase = replace(phase, peak_rates=(*layers, recipe.rate * HEAD_FACTOR))
        return self._learn_some(Plan(groups, (phase,)))

    def _learn_some(self, plan: Plan) -> Plan:
        """Freeze what ``train`` leaves out of a plan, whose last group is the head if it has one.

        Raises:
            ParameterError: ``train`` asks for more groups than there are.
        """
        if self.train == "everything":
            return plan
        layers = [group for group in plan.groups if group not in ("embeddings", "head")]
        most = len(layers) + 1
        n = {"all": most, "head": 1}[self.train] if isinstance(self.train, str) else int(self.train)
        if n > most:
            raise ParameterError(
                f"train {n} is more than the {most} layer groups that can learn ({', '.join(layers)}, head): "
                f"give at most {most}, or everything, which adds word embeddings."
            )
        learning = {*layers[most - n :], "head"}
        return plan.freeze_all_but([group for group in plan.groups if group in learning])

    def _class_weights(self, lesson: Lesson, device: str) -> Any:
        import torch

        from textgraft.training.losses import balanced_class_weights, balanced_label_weights

        if self.class_weights == "none":
            return None
        if lesson.multilabel:
            return balanced_label_weights(torch.from_numpy(lesson.codes).long()).to(device)
        counts = torch.from_numpy(np.bincount(lesson.codes, minlength=lesson.n_classes))
        return balanced_class_weights(counts).to(device)
