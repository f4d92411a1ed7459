"""Nearest neighbours over a frozen encoder: from 20 examples to tens of thousands of classes.

Cover and Hart, "Nearest Neighbor Pattern Classification", 1967; votes weighted by
similarity. Nothing is trained, so a new class costs one row, and every decision shows the
texts it rests on. Confidence is the cosine similarity to the nearest neighbour of the
winning class.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import final

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.neighbours import vote, vote_labels
from textgraft.core.progress import Progress, Watch
from textgraft.core.rules import Rule
from textgraft.core.scores import Scores
from textgraft.encoders import Encoder, as_encoder
from textgraft.methods.base import TextClassifier
from textgraft.methods.evidence import unit_rows
from textgraft.methods.lesson import Features, Lesson
from textgraft.search.index import KINDS, Index, build_index, index_from_arrays, index_to_arrays


@dataclass(frozen=True)
class Memory:
    """The training rows, and how to find the nearest of them."""

    index: Index
    codes: np.ndarray

    @property
    def evidence(self) -> np.ndarray:
        return self.index.vectors


@final
class KNNClassifier(TextClassifier):
    """k nearest neighbours of a frozen encoder's vectors, voting by similarity.

    Args:
        encoder: a name (``minilm+lower``), a folder, a hub id, or an :class:`Encoder`.
        k: how many neighbours vote; fewer when there are fewer rows.
        temperature: a neighbour less similar by this much weighs 1/e of the nearest one;
            ``None`` gives every neighbour one vote.
        index: ``exact``, ``approximate`` (needs the extra ``ann``) or ``auto``.
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
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.k = k
        self.temperature = temperature
        self.index = index
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = []
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
        return Memory(index, lesson.codes)

    def _score(self, learned: Memory, features: Features, n_classes: int) -> Scores:
        neighbours = learned.index.search(unit_rows(features), int(self.k))
        temperature = np.inf if self.temperature is None else self.temperature
        return vote(neighbours, learned.codes, n_classes, temperature)

    def _believe(self, learned: Memory, features: Features) -> np.ndarray:
        neighbours = learned.index.search(unit_rows(features), int(self.k))
        temperature = np.inf if self.temperature is None else self.temperature
        return vote_labels(neighbours, learned.codes, temperature)

    def _embed(self, learned: Memory, features: Features) -> np.ndarray:
        return unit_rows(features)

    def _pack(self, learned: Memory) -> Bundle:
        return Bundle({}, index_to_arrays(learned.index) | {"codes": learned.codes}, {})

    def _unpack(self, packed: Bundle) -> Memory:
        return Memory(index_from_arrays(packed.arrays), packed.arrays["codes"])
