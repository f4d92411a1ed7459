"""ULMFiT: a language model that has read much, adapted to the task's texts, thawed under a classifier.

Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018. In three steps:

1. a language model is pretrained on a large corpus (``textgraft pretrain``; ``english`` is packaged);
2. it is adapted to the texts of the task, labelled or not, with discriminative rates;
3. a head over its pooled states learns the classes, and layer by layer the body learns too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from textgraft.bundle import Bundle, in_full, in_half
from textgraft.core.plan import Plan, Stage, gradual_unfreezing, one_cycle
from textgraft.core.progress import Watch
from textgraft.core.rules import Rule
from textgraft.core.schedules import SCHEDULES
from textgraft.encoders.encoder import Encoder
from textgraft.encoders.precision import choose_device, choose_precision
from textgraft.language.adapting import Adapting, adapt, adapting_plan
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.language.packaged import find_language_model
from textgraft.methods.confidence.kinds import ALONE, confidence_faults
from textgraft.methods.early_stopping import rows_to_watch
from textgraft.methods.faults import auto_count_faults, is_number, patience_faults
from textgraft.methods.lesson import Lesson
from textgraft.methods.limits import check_class_count, reading_limit
from textgraft.methods.network_classifier import NetworkClassifier
from textgraft.methods.runs import run_folder
from textgraft.methods.ulmfit_recipes import ULMFiTRecipe, usual_recipe
from textgraft.text.special import PAD_ID

if TYPE_CHECKING:
    from pathlib import Path

    from textgraft.methods.grafted import Graft, Grafts
    from textgraft.networks.recurrent_classifier import RecurrentClassifier
    from textgraft.training.checkpoints import RunFolder
    from textgraft.training.records import Training

BETAS = (0.7, 0.99)
"""Of Adam (Howard and Ruder, 2018, section 4.1)."""

MOST_TOKENS = 1_400
"""Read of a text unless told otherwise, from where reading begins; fastai reads all, pools the last 1,440."""

MOST_SETTLED = 2_000
"""Training texts that batch-norm takes its statistics from; more move them little."""


@final
class ULMFiTClassifier(NetworkClassifier):
    """A language model, adapted to the task's texts and thawed under a classifier.

    Rows without a label are read as well: the language model adapts to them.

    Args:
        language_model: ``english``, or a folder that ``textgraft pretrain`` or ``adapt`` wrote.
        backward: the folder of a language model that reads texts from their end, whose answers are
            averaged with the other's; ``None`` for one model.
        scratch: whether to start from random weights, to see what pretraining is worth.
        adapt: epochs of adapting the language model to the texts; ``auto`` by the number of rows.
        adapt_rate: peak learning rate of that, of the last layer group.
        epochs: times that every row is seen when all layers learn; ``auto`` by the number of rows.
        thaw: the same of each phase before that; ``auto`` by the number of rows.
        gradual: whether layers begin to learn one after the other, from the output; else all at once.
        rate: peak learning rate of the head.
        factor: how many times slower each layer group learns than the one after it.
        schedule: ``slanted-triangular``, ``one-cycle``, ``linear-decay`` or ``constant``.
        pool: what the head sees of the states: ``concat`` (last, largest and mean), ``last``, ``max`` or
            ``mean``.
        dropout: times fastai's rates.
        batch_size: texts a step; ``auto`` by the number of rows.
        max_tokens: read so many tokens of a text; ``auto`` by the lengths of the training texts.
        patience: hold out a tenth of the rows, stop after so many epochs without a better loss on
            them, and keep the best weights; ``None`` runs the whole plan on all rows.
        confidence: ``product``, ``probability``, ``energy``, ``neighbours`` or ``mahalanobis``.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out, the order of rows, the head's start and dropout.
    """

    method = "ulmfit"

    def __init__(
        self,
        language_model: str = "english",
        *,
        backward: str | None = None,
        scratch: bool = False,
        adapt: int | str = "auto",
        adapt_rate: float = 4e-3,
        epochs: int | str = "auto",
        thaw: int | str = "auto",
        gradual: bool = True,
        rate: float = 1e-2,
        factor: float = 2.6,
        schedule: str = "slanted-triangular",
        pool: str = "concat",
        dropout: float = 0.5,
        batch_size: int | str = "auto",
        max_tokens: int | str = "auto",
        patience: int | None = None,
        confidence: str = "product",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.language_model = language_model
        self.backward = backward
        self.scratch = scratch
        self.adapt = adapt
        self.adapt_rate = adapt_rate
        self.epochs = epochs
        self.thaw = thaw
        self.gradual = gradual
        self.rate = rate
        self.factor = factor
        self.schedule = schedule
        self.pool = pool
        self.dropout = dropout
        self.batch_size = batch_size
        self.max_tokens = max_tokens
        self.patience = patience
        self.confidence = confidence
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        from textgraft.networks.recurrent_classifier import POOLS

        faults = confidence_faults(self.confidence, ALONE)
        for name in ("language_model", "backward"):
            value = getattr(self, name)
            if not isinstance(value, str) and not (name == "backward" and value is None):
                faults.append(f"{name} must be a name or a path, found {value!r}")
        faults += auto_count_faults(
            self.get_params(deep=False),
            {"adapt": 0, "epochs": 0, "thaw": 0, "batch_size": 1, "max_tokens": 2},
        )
        for name in ("scratch", "gradual"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                faults.append(f"{name} must be true or false, found {getattr(self, name)!r}")
        for name, low, high in (
            ("adapt_rate", 0.0, 1.0), ("rate", 0.0, 1.0), ("factor", 1.0, 100.0), ("dropout", 0.0, 2.0)
        ):  # fmt: skip
            if not is_number(getattr(self, name), low, high):
                found = getattr(self, name)
                faults.append(f"{name} must be a number from {low:g} to {high:g}, found {found!r}")
        for name, known in (("schedule", SCHEDULES), ("pool", POOLS)):
            if getattr(self, name) not in known:
                faults.append(f"{name} must be one of {', '.join(known)}, found {getattr(self, name)!r}")
        return faults + patience_faults(self.patience)

    def _open_encoder(self) -> Encoder | None:
        return None

    def plan(self, n_rows: int, n_classes: int, n_unlabelled: int = 0) -> tuple[Stage, ...]:
        """What ``fit`` would do with so many rows; words of the texts that are new come on top.

        Args:
            n_rows: with a label.
            n_classes: c.
            n_unlabelled: texts without a label, which are adapted to as well.
        """
        from textgraft.training.groups import group_sizes

        self._check_parameters()
        recipe = self._recipe(n_rows, n_unlabelled)
        stages = []
        for model in self._language_models():
            of = "backward " if model.backward else ""
            if recipe.adapt:
                speaking = model.network()
                adapting = adapting_plan(tuple(speaking.layer_groups()), self._adapting(recipe))
                sizes = group_sizes(speaking)
                stages.append(Stage(f"{of}adapting", adapting, sizes, float(self.adapt_rate), "adapt_rate"))
            classifying = self._network(model, n_classes)
            plan = self._classifying_plan(tuple(classifying.layer_groups()), recipe)
            stages.append(Stage(f"{of}classifying", plan, group_sizes(classifying), float(self.rate)))
        return tuple(stages)

    def save_language_model(self, path: str | Path) -> None:
        """Write the body, as classifying left it, as a language model that can be grafted elsewhere.

        ``ULMFiTClassifier(language_model=path, adapt=0)`` begins with it. Of two it is the forward one.

        Raises:
            NotFittedError: there is none yet.
            ModelFolderError: something else is in the way, or the disk refuses.
        """
        self._check_fitted("save_language_model")
        learned: Any = self.learned_
        learned.grafts[0].language_model(learned.training).save(path)

    def _learn(self, lesson: Lesson, watch: Watch) -> Grafts:
        from textgraft.methods.grafted import Grafts, answers_together
        from textgraft.training.joining import trained_in_turn

        check_class_count(self.method, lesson.n_classes)
        recipe = self._recipe(len(lesson.codes), len(lesson.unlabelled))
        grafts, story = [], None
        for model in self._language_models():
            graft, training = self._grafted(model, lesson, recipe, watch)
            grafts.append(graft)
            story = training if story is None else trained_in_turn(story, training, "backward")
        assert story is not None
        vectors, _ = answers_together(grafts, list(lesson.features))
        return Grafts(tuple(grafts), vectors.astype(np.float16), lesson.codes, story)

    def _pack(self, learned: Grafts) -> Bundle:
        return learned.packed()

    def _unpack(self, packed: Bundle) -> Grafts:
        from textgraft.methods.grafted import grafts_from

        return grafts_from(packed)

    # ── parts ───────────────────────────────────────────────────────────────────────

    def _grafted(
        self, model: PretrainedLanguageModel, lesson: Lesson, recipe: ULMFiTRecipe, watch: Watch
    ) -> tuple[Graft, Training]:
        """One language model, adapted and thawed under a head."""
        from textgraft.methods.grafted import DECODER_BIAS, Graft, WordsInUse, as_read
        from textgraft.networks.tensors import all_tensors, put_tensors
        from textgraft.training.batches import TokenBatches
        from textgraft.training.joining import joined
        from textgraft.training.losses import classification_loss

        of = "backward-" if model.backward else ""
        texts = list(lesson.features)
        adapted = model
        if recipe.adapt:
            adapted = adapt(
                model,
                [*texts, *lesson.unlabelled],
                self._adapting(recipe),
                run=self._run(lesson, f"{of}adapting", model),
                trainer=lesson.train,
                watch=watch,
            )
        whole = adapted.tokenizer.ids(texts)
        limit, reads = self._limit([len(ids) for ids in whole])
        read = as_read(whole, limit, backward=model.backward)
        used = WordsInUse.of(read)
        network, ids = self._network(used.alone(adapted), lesson.n_classes), used.renumbered(read)
        device = choose_device("auto")
        stage, bf16 = f"{of}classifying", choose_precision("auto", device) == "bf16"
        settings = replace(
            self._settings(lesson, stage, device, bf16=bf16),
            betas=BETAS,
            run=self._run(lesson, stage, adapted),
        )
        rows = TokenBatches(ids, lesson.codes, recipe.batch_size, self.seed, PAD_ID)
        learns, watched = rows_to_watch(rows, lesson.codes, self.patience, self.seed)
        training = lesson.train(
            network,
            self._classifying_plan(tuple(network.layer_groups()), recipe),
            learns,
            lambda network, batch: classification_loss(network(batch.ids, batch.mask), batch.codes),
            valid=watched,
            settings=settings,
            watch=watch,
        )
        notes = (self._sentence(recipe, lesson), reads, *training.notes)
        training = replace(training, notes=notes)
        if recipe.adapt:
            training = joined("adapting", adapted.training, training)
        # what is kept in half the space is used as it is kept
        put_tensors(network, in_full(in_half(all_tensors(network))), strict=True)
        self._settle(network, ids, device, bf16)
        tensors = in_full(in_half(used.among_all(all_tensors(network), adapted)))
        graft = Graft(
            settings=adapted.settings,
            tensors=tensors,
            decoder_bias=adapted.tensors[DECODER_BIAS],
            tokenizer=adapted.tokenizer,
            backward=model.backward,
            pool=self.pool,
            n_classes=lesson.n_classes,
            max_tokens=limit,
        )
        return graft, training

    def _run(self, lesson: Lesson, stage: str, model: PretrainedLanguageModel) -> RunFolder | None:
        """Where a stage keeps checkpoints, bound to the weights that it begins with too."""
        if lesson.run is None:
            return None
        return run_folder(lesson, stage, self.get_params(deep=False) | {"weights": model.fingerprint()})

    def _language_models(self) -> list[PretrainedLanguageModel]:
        """The one to graft, or a forward and a backward one."""
        models = [find_language_model(self.language_model, backward=False)]
        if self.backward is not None:
            models.append(find_language_model(self.backward, backward=True))
        return [model.restarted(self.seed) for model in models] if self.scratch else models

    def _recipe(self, n_rows: int, n_unlabelled: int) -> ULMFiTRecipe:
        """Numbers for so many rows, where parameters do not say; texts without a label count for adapting."""
        usual = replace(usual_recipe(n_rows), adapt=usual_recipe(n_rows + n_unlabelled).adapt)
        names = ("adapt", "thaw", "epochs", "batch_size")
        given: dict[str, Any] = {
            name: int(getattr(self, name)) for name in names if getattr(self, name) != "auto"
        }
        return replace(usual, **given)

    def _adapting(self, recipe: ULMFiTRecipe) -> Adapting:
        return Adapting(
            epochs=recipe.adapt,
            rate=float(self.adapt_rate),
            factor=float(self.factor),
            schedule=SCHEDULES[self.schedule](),
            dropout=float(self.dropout),
            seed=int(self.seed),
        )

    def _classifying_plan(self, groups: tuple[str, ...], recipe: ULMFiTRecipe) -> Plan:
        """Layer groups thaw one after the other, or all learn for as many epochs together."""
        rate, factor, schedule = float(self.rate), float(self.factor), SCHEDULES[self.schedule]()
        if self.gradual:
            return gradual_unfreezing(
                groups,
                rate,
                epochs_each=recipe.thaw,
                last_epochs=recipe.epochs,
                factor=factor,
                schedule=schedule,
            )
        epochs = recipe.thaw * (len(groups) - 1) + recipe.epochs
        return one_cycle(groups, epochs, rate, factor=factor, schedule=schedule)

    def _network(self, model: PretrainedLanguageModel, n_classes: int) -> RecurrentClassifier:
        import torch

        from textgraft.networks.awd_lstm import AWDLSTM
        from textgraft.networks.awd_settings import CLASSIFIER_RATES
        from textgraft.networks.recurrent_classifier import RecurrentClassifier
        from textgraft.networks.tensors import put_tensors

        rates = CLASSIFIER_RATES.times(float(self.dropout))
        with torch.random.fork_rng([]):
            torch.manual_seed(int(self.seed))
            network = RecurrentClassifier(
                AWDLSTM(model.settings, rates), n_classes, pool=self.pool, output=rates.output
            )
        body = {name: array for name, array in model.tensors.items() if name.startswith("body.")}
        put_tensors(network, body)
        return network

    def _settle(self, network: RecurrentClassifier, ids: list[list[int]], device: str, bf16: bool) -> None:
        """Give batch-norm the statistics of the training texts as the network now sees them."""
        import torch

        from textgraft.methods.grafted import TOKENS_A_BATCH
        from textgraft.networks.running import outputs_in_order

        drawn = np.random.default_rng(self.seed).permutation(len(ids))[:MOST_SETTLED]
        if len(drawn) > 1:
            some = [ids[row] for row in drawn]
            vectors = outputs_in_order(
                network.vectors, some, network.dim, PAD_ID, device, bf16, TOKENS_A_BATCH
            )
            network.head.settle(torch.from_numpy(vectors).to(device))

    def _limit(self, lengths: Sequence[int]) -> tuple[int, str]:
        limit, whole = reading_limit(self.max_tokens, lengths, 2, MOST_TOKENS)
        return limit, (
            f"Reads up to {limit} tokens of a text: {whole:.0f} % of the training texts are read whole."
        )

    def _sentence(self, recipe: ULMFiTRecipe, lesson: Lesson) -> str:
        """What was chosen for so many rows."""
        rows = f"{len(lesson.codes):,} rows"
        if lesson.unlabelled:
            rows += f" and {len(lesson.unlabelled):,} texts without a label"
        epochs = [f"{recipe.adapt} of adapting"] if recipe.adapt else []
        epochs += [f"{recipe.thaw} for each group that thaws"] if self.gradual else []
        epochs.append(f"{recipe.epochs} of all layers")
        return f"For {rows}: epochs {', '.join(epochs)}; batches of {recipe.batch_size}."
