"""How long a rung of the ladder would take, from a small trial, and learning that stops in time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from textgraft.core.progress import Progress, Watch
from textgraft.core.sampling import drawn_rows
from textgraft.methods.base import TextClassifier

ROWS_ENCODED, ROWS_LEARNED = 64, 256
"""Rows of a trial: of an encoder, and of learning, where fewer would be more beginning than work."""

MOST_CLASSES_TRIED = 500
"""One row of each class is among them, up to so many."""

TRIAL_SHARE = 0.05
"""Of the budget that one trial may take, before it is stopped and the rest is reckoned."""


class OutOfTime(Exception):
    """Learning was stopped at its deadline."""


@dataclass
class Deadline:
    """A watcher that passes progress on, and stops the work when it is too late.

    Attributes:
        at: on the monotonic clock.
        watch: told of progress.
    """

    at: float
    watch: Watch

    def __call__(self, progress: Progress) -> None:
        """Raises:
        OutOfTime: it is too late.
        """
        self.watch(progress)
        if time.monotonic() > self.at:
            raise OutOfTime


@dataclass
class Pacer:
    """A watcher that sees how fast networks train, and stops when it has seen enough.

    Attributes:
        stages: work of each training, one after another.
        most_seconds: of training to watch.
        began: of the first training, on the monotonic clock; ``None`` before.
        first, done: work behind when it was first seen, and now.
    """

    stages: Sequence[float]
    most_seconds: float
    began: float | None = None
    first: float = 0.0
    done: float = 0.0
    _stage: int = 0
    _seen: int = 0

    def __call__(self, progress: Progress) -> None:
        """Raises:
        OutOfTime: enough was seen.
        """
        if progress.what != "training" or not progress.total:
            return
        self._stage += progress.done < self._seen
        self._seen = progress.done
        before, now = self.stages[: self._stage], self.stages[self._stage : self._stage + 1]
        self.done = sum(before) + sum(now) * progress.done / progress.total
        if self.began is None:
            self.began, self.first = time.monotonic(), self.done
        elif time.monotonic() - self.began > self.most_seconds:
            raise OutOfTime


@dataclass(frozen=True)
class Pace:
    """What learning takes: seconds before it begins, and seconds a unit of work."""

    setup: float
    a_unit: float

    def seconds(self, units: float) -> float:
        """For so much work."""
        return self.setup + self.a_unit * units


def trial_rows(codes: np.ndarray, seed: int, fewest: int) -> np.ndarray:
    """Rows for a trial: one of each class, up to a number, and others at random."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(codes))
    _, first = np.unique(codes[shuffled], return_index=True)
    of_classes = drawn_rows(shuffled[first], MOST_CLASSES_TRIED, random)
    others = np.setdiff1d(shuffled, of_classes)
    more = drawn_rows(others, max(fewest - len(of_classes), 0), random)
    return np.concatenate([of_classes, more])


def work(classifier: TextClassifier, texts: Sequence[str], n_classes: int) -> list[float]:
    """Characters that each stage of learning goes through; of a method that trains none, one stage."""
    characters = float(sum(map(len, texts))) + len(texts)
    plan = getattr(classifier, "plan", None)
    if plan is None:
        return [characters]
    epochs = [stage.plan.epochs for stage in plan(len(texts), n_classes) if stage.plan.epochs]
    return [characters * number for number in epochs] or [characters]


def pace_of_trial(
    classifier: TextClassifier, texts: Sequence[str], labels: Sequence[str], most_seconds: float
) -> Pace:
    """How fast a classifier learns, measured on a few rows.

    A network's training is watched for ``most_seconds`` at most; what came before it, such as opening
    weights, is taken to be the same for any number of rows. What trains no network learns twice, since
    imports are no work on rows.
    """
    stages = work(classifier, texts, len(set(labels)))
    pacer, began = Pacer(stages, most_seconds), time.monotonic()
    with suppress(OutOfTime):
        classifier.fit(texts, labels, watch=pacer)
    now = time.monotonic()
    if pacer.began is None or pacer.done <= pacer.first:
        classifier.fit(texts, labels)
        return Pace(0.0, (time.monotonic() - now) / sum(stages))
    return Pace(pacer.began - began, (now - pacer.began) / (pacer.done - pacer.first))
