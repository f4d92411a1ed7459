"""What is known while climbing the ladder: who was right about which rows, and how much time is left."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.core.durations import duration_words
from textgraft.core.examples import Examples
from textgraft.core.progress import Watch
from textgraft.core.rules import Rule
from textgraft.encoders import CachedEncoder, Encoder, as_encoder
from textgraft.errors import TextgraftError
from textgraft.experiments.auto.steps import ROWS_ENCODED, Deadline, trial_rows
from textgraft.experiments.ladder import Candidate
from textgraft.methods.base import TextClassifier

OPENING_SECONDS = 5.0
"""What opening pretrained weights may take, imports included, until it was seen: no deadline can stop it."""


class TooLong(TextgraftError):
    """A rung does not fit into what is left of the budget."""


def of_both(right: Mapping[str, np.ndarray], one: str, other: str) -> np.ndarray:
    """(n,) bool, the rows that both were judged on."""
    return np.asarray(~np.isnan(right[one]) & ~np.isnan(right[other]))


def beside(right: Mapping[str, np.ndarray], one: str, other: str) -> float:
    """One accuracy less another on the rows that both were judged on."""
    both = of_both(right, one, other)
    return float(right[one][both].mean() - right[other][both].mean())


def standard_error(right: np.ndarray) -> float:
    """Of the accuracy of a rung that was right, or not, about so many rows; NaN where it was not judged."""
    share, n = float(np.nanmean(right)), int((~np.isnan(right)).sum())
    return math.sqrt(share * (1 - share) / n)


@dataclass
class Climb:
    """What is known while climbing.

    Attributes:
        examples: the training rows, with what was kept apart.
        texts, labels, codes, folds: (n,) of those in scope.
        n_classes: c.
        began, budget: on the monotonic clock, and seconds from there.
        refits: how many times as long as a fold the last learning takes.
        seed: of trials, and of every method.
        vectors: where vectors are kept when the user has no cache.
        watch: told of progress.
        reject, oos_labels, valid: of the classifier that is wanted.
        right: by rung, (n,) whether each row was answered rightly; NaN where it was not judged.
        encoders: by name, in front of a cache that has all rows.
        encoder_of: by rung, the name of the encoder whose vectors it reads.
        too_slow: by name, why an encoder is out of the question.
        encoding_seconds: by encoder's name, what all rows took, where no cache outlives the climb.
        refit_seconds: by rung, what learning from all rows will take, texts encoded.
        kept: by rung, a classifier that need not be learned again.
        opening_seconds: what opening pretrained weights may take; as long as it ever did.
    """

    examples: Examples
    texts: np.ndarray
    labels: np.ndarray
    codes: np.ndarray
    folds: np.ndarray
    n_classes: int
    began: float
    budget: float
    refits: float
    seed: int
    vectors: Path
    watch: Watch
    reject: Rule | None = None
    oos_labels: tuple[str, ...] = ()
    valid: tuple[Sequence[object], Sequence[object]] | None = None
    right: dict[str, np.ndarray] = field(default_factory=dict)
    encoders: dict[Any, Encoder] = field(default_factory=dict)
    encoder_of: dict[str, Any] = field(default_factory=dict)
    too_slow: dict[Any, str] = field(default_factory=dict)
    encoding_seconds: dict[Any, float] = field(default_factory=dict)
    refit_seconds: dict[str, float] = field(default_factory=dict)
    kept: dict[str, TextClassifier] = field(default_factory=dict)
    opening_seconds: float = OPENING_SECONDS

    @cached_property
    def spared(self) -> np.ndarray:
        """(n,) bool, a tenth of the rows: every second of the first fold, which every rung is judged on."""
        first = np.flatnonzero(self.folds == 0)
        spared = np.zeros(len(self.folds), dtype=bool)
        # class by class, so that each has its share
        spared[first[np.argsort(self.codes[first], kind="stable")][::2]] = True
        return spared

    @property
    def left(self) -> float:
        return self.began + self.budget - time.monotonic()

    @property
    def reserve(self) -> float:
        """Seconds that learning any of the contenders again will take."""
        return max(map(self.wait_seconds, self.contenders()), default=0.0)

    @property
    def left_words(self) -> str:
        """How much of the budget is left."""
        return f"{duration_words(self.left)} are left" if self.left > 0 else "none is left"

    def check_opening(self, candidate: Candidate) -> None:
        """Refuse a rung that must open pretrained weights first, where that alone may take too long.

        Raises:
            TooLong: it may.
        """
        if not candidate.takes_encoder or self.left - self.reserve >= self.opening_seconds:
            return
        classifier = candidate.make(self.seed)
        name = classifier.get_params(deep=False)["encoder"]
        # an encoder that is given as an object, or that encoded before, is open
        if classifier.reads == "texts" or (isinstance(name, str) and name not in self.encoders):
            raise TooLong(
                f"opening {name} may take {duration_words(self.opening_seconds)}, {self.left_words}"
            )

    def wait_seconds(self, rung: str) -> float:
        """What learning a rung from all rows will take, with encoding them once more where that is needed."""
        return self.refit_seconds[rung] + self.encoding_seconds.get(self.encoder_of.get(rung), 0.0)

    def contenders(self) -> list[str]:
        """The leader, and those within one standard error of it on the rows that both were judged on."""
        if not self.right:
            return []
        best, found = self.leader(), []
        for name in self.right:
            both = of_both(self.right, name, best)
            if beside(self.right, name, best) >= -standard_error(self.right[best][both]):
                found.append(name)
        return found

    def leader(self) -> str:
        """The best so far; two are compared on the rows that both were judged on."""
        names = list(self.right)
        best = names[0]
        for name in names[1:]:
            if beside(self.right, name, best) > 0:
                best = name
        return best


def made(climb: Climb, candidate: Candidate, **parameters: Any) -> TextClassifier:
    """An unfitted classifier whose encoder, if it reads vectors, has encoded all rows."""
    classifier = candidate.make(climb.seed, **parameters)
    if not candidate.takes_encoder or classifier.reads != "vectors":
        return classifier
    name = classifier.get_params(deep=False)["encoder"]
    if name in climb.too_slow:
        raise TooLong(climb.too_slow[name])
    if name not in climb.encoders:
        try:
            climb.encoders[name] = _encoded(climb, name)
        except TooLong as error:
            climb.too_slow[name] = str(error)
            raise
    climb.encoder_of[candidate.name] = name
    classifier.set_params(encoder=climb.encoders[name])
    return classifier


def _encoded(climb: Climb, name: str | Encoder) -> Encoder:
    """An encoder in front of a cache that has the vectors of all rows."""
    began = time.monotonic()
    encoder = as_encoder(name)
    kept = encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder, climb.vectors)
    some = list(climb.texts[trial_rows(climb.codes, climb.seed, ROWS_ENCODED)])
    # opening the weights is no work on texts
    kept.inner.encode(some[:1])
    climb.opening_seconds = max(climb.opening_seconds, time.monotonic() - began)
    began = time.monotonic()
    kept.encode(some)
    pace = (time.monotonic() - began) / sum(map(len, some))
    needed = pace * sum(map(len, climb.texts))
    if needed > climb.left - climb.reserve:
        raise TooLong(f"encoding would take about {duration_words(needed)}, {climb.left_words}")
    began = time.monotonic()
    deadline = Deadline(began + climb.left - climb.reserve, climb.watch)
    kept.encode(list(climb.texts), deadline)
    if kept is not encoder:
        climb.encoding_seconds[name] = time.monotonic() - began
    return kept
