"""Climbing the ladder: each rung is reckoned first, judged on the same folds, and stopped in time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.core.durations import duration_words
from textgraft.core.progress import Progress, Watch
from textgraft.encoders import CachedEncoder, Encoder, as_encoder
from textgraft.errors import TextgraftError
from textgraft.experiments.auto_choice import FOLDS, Tried
from textgraft.experiments.auto_steps import (
    ROWS_ENCODED,
    ROWS_LEARNED,
    TRIAL_SHARE,
    Deadline,
    OutOfTime,
    pace_of_trial,
    trial_rows,
    work,
)
from textgraft.experiments.cell_server import reason
from textgraft.experiments.ladder import Candidate
from textgraft.methods.base import TextClassifier

JUDGING_SHARE = 0.1
"""Of the budget, that judging one rung may take beyond its first fold while there are dearer ones above."""


def beside(right: Mapping[str, np.ndarray], one: str, other: str) -> tuple[float, float]:
    """One accuracy less another on the rows that both were judged on; and the other's standard error."""
    both = ~np.isnan(right[one]) & ~np.isnan(right[other])
    share = float(right[other][both].mean())
    return float(right[one][both].mean()) - share, math.sqrt(share * (1 - share) / both.sum())


@dataclass
class Climb:
    """What is known while climbing.

    Attributes:
        texts, labels, codes, folds: (n,) of the training rows.
        n_classes: c.
        unlabelled: texts that a method may learn from besides.
        began, budget: on the monotonic clock, and seconds from there.
        refits: how many times as long as a fold the last learning takes.
        seed: of trials, and of every method.
        vectors: where vectors are kept when the user has no cache.
        watch: told of progress.
        right: by rung, (n,) whether each row was answered rightly; NaN where it was not judged.
        encoders: by name, in front of a cache that has all rows.
        too_slow: by name, why an encoder is out of the question.
        refit_seconds: by rung, what learning from all rows will take.
    """

    texts: np.ndarray
    labels: np.ndarray
    codes: np.ndarray
    folds: np.ndarray
    n_classes: int
    unlabelled: tuple[str, ...]
    began: float
    budget: float
    refits: float
    seed: int
    vectors: Path
    watch: Watch
    right: dict[str, np.ndarray] = field(default_factory=dict)
    encoders: dict[Any, Encoder] = field(default_factory=dict)
    too_slow: dict[Any, str] = field(default_factory=dict)
    refit_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def left(self) -> float:
        return self.began + self.budget - time.monotonic()

    @property
    def reserve(self) -> float:
        """Seconds that learning the leader again will take."""
        return self.refit_seconds[self.leader()] if self.right else 0.0

    def leader(self) -> str:
        """The best so far; two are compared on the rows that both were judged on."""
        names = list(self.right)
        best = names[0]
        for name in names[1:]:
            if beside(self.right, name, best)[0] > 0:
                best = name
        return best


def tried_rung(climb: Climb, candidate: Candidate, *, last: bool = True) -> Tried:
    """Climb one rung, if it fits into what is left.

    Where it is not the ``last``, it leaves time for dearer ones.
    """
    began = time.monotonic()
    first = not climb.right
    right = np.full(len(climb.codes), np.nan)
    done, skipped = 0, None
    try:
        if not first and climb.left <= climb.reserve:
            raise _TooLong("the budget is spent")
        estimate = _fold_seconds(climb, candidate)
        # learning it again at the end, or the leader if that takes longer
        spare = climb.left - max(climb.refits * estimate, climb.reserve)
        if not last:
            spare = min(spare, max(JUDGING_SHARE * climb.budget, estimate))
        n_folds = min(FOLDS, int(climb.folds.max()) + 1, math.floor(spare / max(estimate, 1e-9)))
        if n_folds < 1 and not first:
            needed = estimate * (1 + climb.refits)
            raise _TooLong(
                f"would take about {duration_words(needed)}, {duration_words(climb.left)} are left"
            )
        judging = time.monotonic()
        for fold in range(max(n_folds, 1)):
            out = climb.folds == fold
            seconds = math.inf if first else _most_seconds(climb, time.monotonic() - judging, done)
            right[out] = _fold(climb, candidate, fold, out, seconds)
            done = fold + 1
    except OutOfTime:
        skipped = None if done else "did not end in time"
    except Exception as error:
        # a rung that breaks is no reason to leave the ladder
        skipped = None if done else reason(error)
    seconds = time.monotonic() - began
    judged = ~np.isnan(right)
    if skipped is not None or not done:
        return Tried(candidate.name, None, 0, 0, seconds, skipped=skipped or "nothing could be judged")
    climb.right[candidate.name] = right
    climb.refit_seconds[candidate.name] = (time.monotonic() - judging) / done * climb.refits
    return Tried(candidate.name, float(right[judged].mean()), done, int(judged.sum()), seconds)


class _TooLong(TextgraftError):
    """A rung does not fit into what is left of the budget."""


def _fold_seconds(climb: Climb, candidate: Candidate) -> float:
    """What judging one fold will take, reckoned from a trial on a few rows."""
    climb.watch(Progress(f"trying {candidate.name}", 0, 1))
    rows = trial_rows(climb.codes, climb.seed, ROWS_LEARNED)
    learns = climb.folds != 0
    # as many epochs and as large batches as all rows will have
    classifier = _made(climb, candidate).for_rows(int(learns.sum()))
    most_seconds = max(TRIAL_SHARE * climb.budget, 1.0)
    pace = pace_of_trial(classifier, list(climb.texts[rows]), list(climb.labels[rows]), most_seconds)
    return pace.seconds(sum(work(classifier, list(climb.texts[learns]), climb.n_classes)))


def _most_seconds(climb: Climb, spent: float, folds: int) -> float:
    """What the next fold may take, so that learning this rung or the leader from all rows still fits."""
    if not folds:
        return min(climb.left - climb.reserve, climb.left / (1 + climb.refits))
    return climb.left - max(climb.reserve, spent / folds * climb.refits)


def _fold(climb: Climb, candidate: Candidate, fold: int, out: np.ndarray, seconds: float) -> np.ndarray:
    """Whether each row of a fold is answered rightly by a classifier that learned the others."""
    climb.watch(Progress(f"judging {candidate.name}", fold, FOLDS))
    deadline = Deadline(time.monotonic() + seconds, climb.watch)
    texts = [*climb.texts[~out], *climb.unlabelled]
    labels = [*climb.labels[~out], *[None] * len(climb.unlabelled)]
    classifier = _made(climb, candidate).fit(texts, labels, watch=deadline)
    return np.asarray(classifier.predict(list(climb.texts[out]), deadline) == climb.labels[out], dtype=float)


def _made(climb: Climb, candidate: Candidate) -> TextClassifier:
    """An unfitted classifier whose encoder, if it reads vectors, has encoded all rows."""
    classifier = candidate.make(climb.seed)
    if not candidate.takes_encoder or classifier.reads != "vectors":
        return classifier
    name = classifier.get_params(deep=False)["encoder"]
    if name in climb.too_slow:
        raise _TooLong(climb.too_slow[name])
    if name not in climb.encoders:
        try:
            climb.encoders[name] = _encoded(climb, as_encoder(name))
        except _TooLong as error:
            climb.too_slow[name] = str(error)
            raise
    classifier.set_params(encoder=climb.encoders[name])
    return classifier


def _encoded(climb: Climb, encoder: Encoder) -> Encoder:
    """The encoder in front of a cache that has the vectors of all rows."""
    kept = encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder, climb.vectors)
    some = list(climb.texts[trial_rows(climb.codes, climb.seed, ROWS_ENCODED)])
    # opening the weights is no work on texts
    kept.inner.encode(some[:1])
    began = time.monotonic()
    kept.encode(some)
    pace = (time.monotonic() - began) / sum(map(len, some))
    needed = pace * sum(map(len, climb.texts))
    if needed > climb.left - climb.reserve:
        raise _TooLong(
            f"encoding would take about {duration_words(needed)}, {duration_words(climb.left)} are left"
        )
    deadline = Deadline(time.monotonic() + climb.left - climb.reserve, climb.watch)
    kept.encode(list(climb.texts), deadline)
    return kept
