"""Pairs: nearest neighbours whose candidates are read again by a network.

Does this text say the same as that one? Candidates are retrieved by vectors, each is scored
together with the text by a network trained on sampled pairs, and candidates vote with their odds
(retrieve and re-rank: Nogueira and Cho, "Passage Re-ranking with BERT", 2019). It takes what
nearest neighbours take, tens of thousands of classes included, and learns where cosines mislead.
Confidence is the probability that the text belongs with the best candidate of its class.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np

from textgraft.bundle import Bundle, with_prefix, without_prefix
from textgraft.core.plan import Plan, Stage, one_cycle
from textgraft.core.progress import Watch
from textgraft.core.rules import Rule
from textgraft.core.sampling import ClassRows, drawn_rows
from textgraft.core.scores import Scores
from textgraft.core.splits import holdout_rows
from textgraft.encoders import Encoder, as_encoder
from textgraft.encoders.encoder import Trainable, as_trainable, encoded, transformer_under
from textgraft.methods.base import TextClassifier
from textgraft.methods.early_stopping import said_if_unwatched
from textgraft.methods.evidence import unit_rows
from textgraft.methods.faults import is_count, is_number, patience_faults
from textgraft.methods.lesson import Features, Lesson
from textgraft.methods.matcher import SCORER_ALONE, Matcher, mixture
from textgraft.methods.pace import PACES, Pace
from textgraft.methods.runs import option_names, run_folder
from textgraft.search.index import KINDS, build_index, index_from_arrays, index_to_arrays

if TYPE_CHECKING:
    from textgraft.networks.matching import Passages, Scorer, TunedVectors
    from textgraft.training.loop import Batches, Settings
    from textgraft.training.pairs import Draws
    from textgraft.training.records import Training

SCORERS = ("dense", "cross")

MOST_ANCHORS = 20_000
"""Rows that pairs are sampled for and neighbours searched for; a fit costs no more beyond."""

NEAREST = 100
"""Rows that hard negatives are drawn from."""

STRANGERS = 5
"""Negatives of each anchor from anywhere: what is far must not be forgotten."""

HELD_OUT, FEWEST_HELD_OUT, MOST_HELD_OUT = 0.1, 200, 2_000
"""Share of rows on which scorer and cosine are weighed, and how many; with fewer nothing is weighed."""

NO_MATES = (
    "Every class has one row, so there is no pair of one class to learn from: candidates are ranked by "
    "cosine, as nearest neighbours do, and confidence is no probability."
)

ENCODER_BATCH = 64
ENCODER_TEMPERATURE = 0.05
"""Of the cosines that multiple negatives ranking compares; as in sentence-transformers."""


@final
class PairClassifier(TextClassifier):
    """Retrieved candidates, scored pair by pair, voting with their odds.

    Args:
        encoder: a name (``minilm``), a folder, a hub id, or an :class:`Encoder`.
        scorer: ``dense``, a network over two vectors; or ``cross``, a transformer over both texts
            joined (exact and slow: ``k`` passes a text).
        train_encoder: first train the encoder's weights, so that rows of a class lie together.
        k: candidates that are retrieved and scored.
        negatives: near rows of other classes that each row is told apart from, an epoch.
        epochs: of the scorer; ``auto`` by the number of rows.
        rate: peak learning rate of the scorer; ``auto`` by its kind.
        batch_size: rows a step, each with its partners; ``auto`` by its kind.
        dropout: in the scorer.
        encoder_epochs, encoder_rate: of training the encoder.
        patience: hold out a tenth of the rows, stop after so many epochs without a better loss on pairs
            with them, and keep the best weights; ``None`` runs the whole plan. With 2,000 rows a tenth
            is held out in any case.
        max_tokens: the most tokens a trained transformer reads of a text, or of two joined.
        index: ``exact``, ``approximate`` (needs the extra ``ann``) or ``auto``.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class but are learned from.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out, the pairs and dropout.
    """

    method = "pair"
    reads = "texts"
    answers_with = ("k",)

    def __init__(
        self,
        encoder: str | Encoder = "minilm",
        *,
        scorer: str = "dense",
        train_encoder: bool = False,
        k: int = 30,
        negatives: int = 10,
        epochs: int | str = "auto",
        rate: float | str = "auto",
        batch_size: int | str = "auto",
        dropout: float = 0.1,
        encoder_epochs: int = 3,
        encoder_rate: float = 1e-4,
        patience: int | None = None,
        max_tokens: int = 128,
        index: str = "auto",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.scorer = scorer
        self.train_encoder = train_encoder
        self.k = k
        self.negatives = negatives
        self.epochs = epochs
        self.rate = rate
        self.batch_size = batch_size
        self.dropout = dropout
        self.encoder_epochs = encoder_epochs
        self.encoder_rate = encoder_rate
        self.patience = patience
        self.max_tokens = max_tokens
        self.index = index
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _can_learn_outside(self, n: int, n_rows: int) -> bool:
        return n > 0

    def _faults(self) -> list[str]:
        faults = []
        if self.scorer not in SCORERS:
            faults.append(f"scorer must be one of {', '.join(SCORERS)}, found {self.scorer!r}")
        trains: object = self.train_encoder
        if not isinstance(trains, bool | np.bool_):
            faults.append(f"train_encoder must be true or false, found {trains!r}")
        least = {"k": 1, "negatives": 1, "epochs": 0, "batch_size": 1, "encoder_epochs": 0, "max_tokens": 8}
        for name, fewest in least.items():
            value, auto = getattr(self, name), name in ("epochs", "batch_size")
            if not (auto and value == "auto") and not is_count(value, fewest):
                faults.append(
                    f"{name} must be {'auto or ' * auto}a whole number from {fewest}, found {value!r}"
                )
        if self.rate != "auto" and not is_number(self.rate, 0.0, 1.0):
            faults.append(f"rate must be auto or a number from 0 to 1, found {self.rate!r}")
        if not is_number(self.encoder_rate, 0.0, 1.0):
            faults.append(f"encoder_rate must be a number from 0 to 1, found {self.encoder_rate!r}")
        if not is_number(self.dropout, 0.0, 0.9):
            faults.append(f"dropout must be a number from 0 to 0.9, found {self.dropout!r}")
        if self.index not in KINDS:
            faults.append(f"index must be one of {', '.join(KINDS)}, found {self.index!r}")
        return faults + patience_faults(self.patience)

    def _open_encoder(self) -> Encoder:
        encoder = as_encoder(self.encoder)
        # what cannot be trained is refused before any text is encoded
        if self.scorer == "cross":
            who = f"The method {self.method} with the scorer cross"
            transformer_under(self._pretrained(encoder), encoder, who)
        elif self.train_encoder:
            self._pretrained(encoder)
        return encoder

    def plan(self, n_rows: int, n_classes: int) -> tuple[Stage, ...]:
        """What ``fit`` would do with so many rows of so many classes.

        Raises:
            ParameterError: parameters that cannot be; all faults at once.
        """
        from textgraft.training.groups import group_sizes

        self._check_parameters()
        encoder = self._open_encoder()
        network, _ = self._opened_scorer(encoder, encoder.dim)
        scorer = Stage("scorer", self._scorer_plan(n_rows, network), group_sizes(network), self._scorer_rate)
        if not self.train_encoder:
            return (scorer,)
        pretrained = self._pretrained(encoder)
        sizes, rate = group_sizes(pretrained.network), float(self.encoder_rate)
        return (Stage("encoder", self._encoder_plan(pretrained), sizes, rate, "encoder_rate"), scorer)

    # ── learning ────────────────────────────────────────────────────────────────────

    def _learn(self, lesson: Lesson, watch: Watch) -> Matcher:
        from textgraft.networks.matching import Passages
        from textgraft.networks.tensors import changed_tensors, copied_tensors
        from textgraft.training.joining import trained_in_turn
        from textgraft.training.pairs import joined_pair_loss, start_from_cosine, vector_pair_loss
        from textgraft.training.records import Training

        assert lesson.encoder is not None
        n, codes = len(lesson.codes), _codes_with_outside(lesson)
        texts = [*lesson.features, *lesson.outside]
        held = _held_out(lesson.codes, self.seed, FEWEST_HELD_OUT if self.patience is None else 1)
        # pairs of rows that the mixture is fitted on are never learned from
        seen = np.setdiff1d(np.arange(len(codes)), held)
        learnable = bool(ClassRows(codes[seen]).has_mate.any())

        encoder: Encoder | TunedVectors = lesson.encoder
        vectors = unit_rows(encoded(lesson.encoder, texts, watch))
        changed: dict[str, np.ndarray] = {}
        tuned = None
        if self.train_encoder and learnable:
            learns = self._draws(codes[seen], vectors[seen], for_encoder=True)
            watched = self._watched(codes, vectors, held, for_encoder=True)
            encoder, tensors, tuned = self._tune(lesson, texts, seen, (learns, watched), watch)
            changed |= with_prefix("encoder.", tensors)
            vectors = unit_rows(encoder.encode(texts))

        network, scorer = self._opened_scorer(lesson.encoder, vectors.shape[1])
        before = copied_tensors(network) if self.scorer == "cross" else {}
        plan = self._scorer_plan(n, network)
        mix = np.array(SCORER_ALONE)
        if learnable:
            kept = Passages([texts[row] for row in seen], vectors[seen])
            learns = self._draws(codes[seen], kept.vectors)
            start_from_cosine(network, kept.vectors, learns)
            watched = self._watched(codes, vectors, held)
            every = Passages(texts, vectors)
            training = lesson.train(
                network,
                plan,
                self._pairs(scorer, kept, learns),
                joined_pair_loss if self.scorer == "cross" else vector_pair_loss,
                valid=None if watched is None else self._pairs(scorer, every, watched),
                settings=self._scorer_settings(lesson, scorer),
                watch=watch,
            )
            training = said_if_unwatched(training, self.patience, watched)
        else:
            training = Training(plan, (), 0, (NO_MATES,))
        network.requires_grad_(False).eval()
        if learnable and len(held) >= FEWEST_HELD_OUT:
            index = build_index(kept.vectors, self.index)
            asked = Passages([texts[row] for row in held], vectors[held])
            mix = mixture(scorer, index, (kept, codes[seen]), (asked, codes[held]), int(self.k))
        changed |= with_prefix("scorer.", changed_tensors(network, before))
        return Matcher(
            index=build_index(np.ascontiguousarray(vectors[:n]), self.index),
            codes=lesson.codes,
            texts=texts[:n] if self.scorer == "cross" else [],
            encoder=encoder,
            scorer=scorer,
            mix=mix,
            changed=changed,
            training=training if tuned is None else trained_in_turn(tuned, training),
        )

    def _draws(
        self,
        codes: np.ndarray,
        vectors: np.ndarray,
        asked: np.ndarray | None = None,
        *,
        for_encoder: bool = False,
    ) -> Draws:
        """Partners for rows, all or ``asked``, that have a mate; of the scorer also for out-of-scope ones."""
        from textgraft.training.pairs import Draws

        classes = ClassRows(codes)
        asks = classes.has_mate if for_encoder else classes.has_mate | (codes < 0)
        rows = np.flatnonzero(asks) if asked is None else asked[asks[asked]]
        anchors = drawn_rows(rows, MOST_ANCHORS, np.random.default_rng(self.seed))
        nearest = build_index(vectors, self.index).search(vectors[anchors], NEAREST).positions
        n_negatives, n_strangers = (1, 0) if for_encoder else (int(self.negatives), STRANGERS)
        return Draws(classes, anchors, nearest, n_negatives, n_strangers, int(self.seed))

    def _watched(
        self, codes: np.ndarray, vectors: np.ndarray, held: np.ndarray, *, for_encoder: bool = False
    ) -> Draws | None:
        """With patience, partners among all rows for held-out ones; ``None`` where none has a mate."""
        if self.patience is None:
            return None
        draws = self._draws(codes, vectors, held, for_encoder=for_encoder)
        return draws if len(draws.anchors) else None

    def _tune(
        self,
        lesson: Lesson,
        texts: list[str],
        seen: np.ndarray,
        draws: tuple[Draws, Draws | None],
        watch: Watch,
    ) -> tuple[TunedVectors, dict[str, np.ndarray], Training]:
        """The encoder trained so that a row finds its mate, what changed in it, and how it went.

        Args:
            lesson, watch: as of :meth:`_learn`.
            texts: all of them.
            seen: rows that may be learned from.
            draws: of these, and of all rows to watch others.
        """
        from textgraft.methods.pair_networks import tokens_read, tuned_vectors
        from textgraft.networks.tensors import changed_tensors, copied_tensors
        from textgraft.training.pairs import MatedTextBatches, mated_text_loss

        assert lesson.encoder is not None
        pretrained = self._pretrained(lesson.encoder)
        before = copied_tensors(pretrained.network)
        ids = pretrained.tokens.ids(texts, tokens_read(pretrained, int(self.max_tokens)))
        learns, watched = draws

        def batches(ids: list[list[int]], of: Draws) -> MatedTextBatches:
            return MatedTextBatches(
                ids, pretrained.tokens.pad, of, ENCODER_BATCH, in_parts=not pretrained.unpads
            )

        training = lesson.train(
            pretrained.network,
            self._encoder_plan(pretrained),
            batches([ids[row] for row in seen], learns),
            partial(mated_text_loss, temperature=ENCODER_TEMPERATURE),
            valid=None if watched is None else batches(ids, watched),
            settings=self._settings(lesson, "encoder", pretrained.device, pretrained.precision == "bf16"),
            watch=watch,
        )
        changed = changed_tensors(pretrained.network, before)
        return tuned_vectors(pretrained, int(self.max_tokens)), changed, training

    def _pairs(self, scorer: Scorer, rows: Passages, draws: Draws) -> Batches[Any]:
        """Rows with their partners, as the scorer reads them."""
        from textgraft.networks.matching import CrossScorer
        from textgraft.training.pairs import JoinedPairBatches, VectorPairBatches

        size = self._pace.batch_size if self.batch_size == "auto" else int(self.batch_size)
        if not isinstance(scorer, CrossScorer):
            return VectorPairBatches(rows.vectors, draws, size)
        unpads = scorer.network.transformer.unpads_on(scorer.device)
        return JoinedPairBatches(
            rows.texts, rows.vectors, scorer.tokens, scorer.max_tokens, draws, size, in_parts=not unpads
        )

    def _scorer_settings(self, lesson: Lesson, scorer: Scorer) -> Settings:
        from textgraft.networks.matching import CrossScorer

        if isinstance(scorer, CrossScorer):
            return self._settings(lesson, "scorer", scorer.device, scorer.bf16)
        return self._settings(lesson, "scorer", "cpu", bf16=False)

    # ── answering ───────────────────────────────────────────────────────────────────

    def _score(self, learned: Matcher, features: Features, n_classes: int) -> Scores:
        return learned.scores(list(features), int(self.k), n_classes)

    def _embed(self, learned: Matcher, features: Features) -> np.ndarray:
        return learned.vectors(list(features))

    # ── networks ────────────────────────────────────────────────────────────────────

    @property
    def _pace(self) -> Pace:
        return PACES[self.scorer]

    @property
    def _scorer_rate(self) -> float:
        return self._pace.rate if self.rate == "auto" else float(self.rate)

    def _scorer_plan(self, n_rows: int, network: Any) -> Plan:
        epochs = self._pace.epochs_of(min(n_rows, MOST_ANCHORS)) if self.epochs == "auto" else self.epochs
        plan = one_cycle(tuple(network.layer_groups()), int(epochs), self._scorer_rate, name="scorer")
        # rows of words that no training text has could not follow
        return plan.freeze_to(1) if self.scorer == "cross" else plan

    def _encoder_plan(self, pretrained: Trainable) -> Plan:
        groups = tuple(pretrained.network.layer_groups())
        plan = one_cycle(groups, int(self.encoder_epochs), float(self.encoder_rate), name="encoder")
        return plan.freeze_to(1)

    def _pretrained(self, encoder: Encoder) -> Trainable:
        return as_trainable(encoder, self.method).trainable(dropout=0.0, attention_dropout=0.0)

    def _opened_scorer(self, encoder: Encoder, dim: int) -> tuple[Any, Scorer]:
        """A network that has learned nothing, and the scorer that it is."""
        from textgraft.methods.pair_networks import cross_scorer, dense_scorer

        dropout, seed = float(self.dropout), int(self.seed)
        if self.scorer == "dense":
            return dense_scorer(dim, dropout, seed)
        return cross_scorer(lambda: self._pretrained(encoder), int(self.max_tokens), dropout, seed)

    def _settings(self, lesson: Lesson, stage: str, device: str, bf16: bool) -> Settings:
        """Where and how one stage trains."""
        from textgraft.training.loop import Settings

        parameters = self.get_params(deep=False)
        folder = run_folder(lesson, stage, parameters)
        options = option_names(parameters, "encoder_rate" if stage == "encoder" else "rate")
        return Settings(
            seed=int(self.seed),
            device=device,
            bf16=bf16,
            patience=self.patience,
            run=folder,
            options=options,
        )

    # ── saving ──────────────────────────────────────────────────────────────────────

    def _pack(self, learned: Matcher) -> Bundle:
        from textgraft.training.records import training_to_json

        arrays = learned.changed | index_to_arrays(learned.index)
        arrays |= {"codes": learned.codes, "mix": learned.mix}
        return Bundle({"training": training_to_json(learned.training)}, arrays, {"rows": learned.texts})

    def _unpack(self, packed: Bundle) -> Matcher:
        from textgraft.methods.pair_networks import tuned_vectors
        from textgraft.networks.tensors import put_tensors
        from textgraft.training.records import training_from_json

        arrays = packed.arrays
        assert self.encoder_ is not None
        encoder: Encoder | TunedVectors = self.encoder_
        if tuned := without_prefix("encoder.", arrays):
            pretrained = self._pretrained(self.encoder_)
            put_tensors(pretrained.network, tuned)
            encoder = tuned_vectors(pretrained, int(self.max_tokens))
        scored = without_prefix("scorer.", arrays)
        network, scorer = self._opened_scorer(self.encoder_, arrays["vectors"].shape[1])
        put_tensors(network, scored)
        network.requires_grad_(False).eval()
        return Matcher(
            index=index_from_arrays(arrays),
            codes=arrays["codes"],
            texts=packed.texts["rows"],
            encoder=encoder,
            scorer=scorer,
            mix=arrays["mix"],
            changed=with_prefix("encoder.", tuned) | with_prefix("scorer.", scored),
            training=training_from_json(packed.about["training"]),
        )


def _codes_with_outside(lesson: Lesson) -> np.ndarray:
    """(n + o,) class codes; every out-of-scope row has a negative one of its own, so it has no mate."""
    return np.concatenate([lesson.codes, -1 - np.arange(len(lesson.outside))])


def _held_out(codes: np.ndarray, seed: int, fewest: int) -> np.ndarray:
    """Rows to weigh scorer and cosine on, and to watch; none where they are fewer than ``fewest``."""
    held = np.flatnonzero(holdout_rows(codes, HELD_OUT, seed))
    if len(held) < fewest:
        return held[:0]
    return drawn_rows(held, MOST_HELD_OUT, np.random.default_rng(seed))
