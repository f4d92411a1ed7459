"""Nearest neighbours over a frozen encoder: from 20 examples to tens of thousands of classes.

Cover and Hart, "Nearest Neighbor Pattern Classification", 1967; votes weighted by
similarity. Nothing is trained, so a new class costs one row, and every decision shows the
texts it rests on. Confidence is the cosine similarity to the nearest neighbour of the
winning class, or that and other signs that neighbours give, weighed by rows that were left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.neighbours import vote, vote_labels
from textgraft.core.progress import Progress, Watch
from textgraft.core.rules import AtSimilarity, Rule
from textgraft.core.scores import Scores
from textgraft.encoders import Encoder, as_encoder
from textgraft.methods.base import TextClassifier
from textgraft.methods.confidence.kinds import Confidence, confidence_faults, confidence_from_json
from textgraft.methods.confidence.left_out import can_weigh_outside, made_of
from textgraft.methods.confidence.neighbour_signs import VOTED, SeenByVoters, voted_signs
from textgraft.methods.evidence import unit_rows
from textgraft.methods.lesson import Features, Lesson
from textgraft.search.index import KINDS, Index, build_index, index_from_arrays, index_to_arrays

SIMILARITY = "similarity"
"""What confidence is where nothing is weighed."""

MOST_WEIGHED = 50_000
"""Rows up to which signs are weighed unless asked for: with more, leaving rows out is three long searches."""


@dataclass(frozen=True)
class Memory:
    """The training rows, and how to find the nearest of them.

    Attributes:
        index: of n rows.
        codes: (n,) their class codes, or (n, c) 0/1.
        outside: (o, d) float16 rows of length 1, of out-of-scope rows that confidence learned from.
        confidence: what it is made of.
    """

    index: Index
    codes: np.ndarray
    outside: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float16))
    confidence: Confidence = field(default_factory=lambda: Confidence(SIMILARITY))

    @property
    def evidence(self) -> np.ndarray:
        return self.index.vectors

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self.codes.ndim == 2 else (self.confidence.sentence(),)


@final
class KNNClassifier(TextClassifier):
    """k nearest neighbours of a frozen encoder's vectors, voting by similarity.

    Args:
        encoder: a name (``minilm+lower``), a folder, a hub id, or an :class:`Encoder`.
        k: how many neighbours vote; fewer when there are fewer rows.
        temperature: a neighbour less similar by this much weighs 1/e of the nearest one;
            ``None`` gives every neighbour one vote.
        index: ``exact``, ``approximate`` (needs the extra ``ann``) or ``auto``.
        confidence: ``similarity`` to the nearest text of the winning class, or ``fusion`` with other signs;
            ``auto`` is fusion with 30 out-of-scope rows, or 10 classes of 8 rows, of 50,000 rows at most and
            unless the rule is of similarity; else similarity.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out.
    """

    method = "knn"
    answers_with = ("k", "temperature")

    def __init__(
        self,
        encoder: str | Encoder = "minilm+lower",
        *,
        k: int = 30,
        temperature: float | None = 0.1,
        index: str = "auto",
        confidence: str = "auto",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.k = k
        self.temperature = temperature
        self.index = index
        self.confidence = confidence
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = confidence_faults(self.confidence, ("auto", "fusion", SIMILARITY))
        if not isinstance(self.k, int | np.integer) or self.k < 1:
            faults.append(f"k must be a whole number from 1, found {self.k!r}")
        heat = self.temperature
        if heat is not None and not (isinstance(heat, int | float) and 0 < heat < np.inf):
            faults.append(f"temperature must be above 0 or None, found {heat!r}")
        if self.index not in KINDS:
            faults.append(f"index must be one of {', '.join(KINDS)}, found {self.index!r}")
        return faults

    def _open_encoder(self) -> Encoder:
        return as_encoder(self.encoder)

    def _learn(self, lesson: Lesson, watch: Watch) -> Memory:
        watch(Progress("building the index", 0, 1))
        index = build_index(unit_rows(lesson.features), self.index)
        watch(Progress("building the index", 1, 1))
        asked = self._confidence_for(lesson.n_rows_in_all)
        confidence = made_of(asked, SIMILARITY, lesson, VOTED, self._look, self.seed, watch)
        return Memory(index, lesson.codes, unit_rows(lesson.outside).astype(np.float16), confidence)

    def _look(
        self, names: tuple[str, ...], taught: np.ndarray, codes: np.ndarray, outside: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray]:
        index, strange = build_index(unit_rows(taught), self.index), unit_rows(outside)
        memory, n_classes = Memory(index, codes, strange.astype(np.float16)), int(codes.max()) + 1
        return lambda asked: voted_signs(names, self._seen(memory, asked, n_classes))

    def _confidence_for(self, n_rows: int) -> str:
        # whoever says how similar a text must be says it in cosines
        in_cosines = isinstance(self.reject, AtSimilarity)
        alone = self.confidence == "auto" and (in_cosines or n_rows > MOST_WEIGHED)
        return SIMILARITY if alone else self.confidence

    def _can_learn_outside(self, n: int, n_rows: int) -> bool:
        return can_weigh_outside(self._confidence_for(n_rows), n)

    def _learned_outside(self, n: int) -> bool:
        return len(self.learned_.outside) > 0

    def _score(self, learned: Memory, features: Features, n_classes: int) -> Scores:
        seen = self._seen(learned, features, n_classes)
        if (fusion := learned.confidence.fusion) is None:
            return seen.scores
        return replace(seen.scores, confidence=fusion.familiarity(voted_signs(fusion.signs, seen)))

    def _believe(self, learned: Memory, features: Features) -> np.ndarray:
        voters = learned.index.search(unit_rows(features), int(self.k))
        return vote_labels(voters, learned.codes, self._heat)

    def _seen(self, learned: Memory, features: Features, n_classes: int) -> SeenByVoters:
        vectors = unit_rows(features)
        voters = learned.index.search(vectors, int(self.k))
        scores = vote(voters, learned.codes, n_classes, self._heat)
        return SeenByVoters(voters, scores, vectors, learned.outside)

    @property
    def _heat(self) -> float:
        return np.inf if self.temperature is None else self.temperature

    def _embed(self, learned: Memory, features: Features) -> np.ndarray:
        return unit_rows(features)

    def _pack(self, learned: Memory) -> Bundle:
        arrays = index_to_arrays(learned.index) | {"codes": learned.codes, "outside": learned.outside}
        return Bundle(learned.confidence.to_json(), arrays, {})

    def _unpack(self, packed: Bundle) -> Memory:
        index, codes = index_from_arrays(packed.arrays), packed.arrays["codes"]
        # models of before signs were weighed have similarity, and say nothing of it
        if "outside" not in packed.arrays:
            return Memory(index, codes)
        return Memory(index, codes, packed.arrays["outside"], confidence_from_json(packed.about))
