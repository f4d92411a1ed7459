"""What a method learns from, and what it learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from textgraft.encoders.encoder import Encoder
from textgraft.methods.evidence import Matrix

if TYPE_CHECKING:
    from textgraft.core.plan import Plan
    from textgraft.core.progress import Watch
    from textgraft.training.checkpoints import FitFolder
    from textgraft.training.records import Training, WatchEpochs
    from textgraft.training.settings import Batches, LossOf, Settings

Features = np.ndarray
"""(n, d) vectors of an encoder, or (n,) texts as objects for a method that reads texts itself."""


@dataclass(frozen=True)
class Lesson:
    """What a method learns from.

    Attributes:
        features: of n rows.
        codes: (n,) class codes; or (n, c) 0/1, which labels each row has, where it may have several.
        n_classes: c; every class has at least one row, a label of several perhaps none.
        outside: features of the out-of-scope rows, perhaps none.
        encoder: the opened encoder, if the method has one.
        run: a folder for checkpoints and logs, or ``None``.
        unlabelled: texts whose class nobody said; a language model may learn from them.
        trainer: takes the place of the training loop; for trying networks out.
        n_whole: rows of the lesson that this one is a part of; 0 for a whole one.
    """

    features: Features
    codes: np.ndarray
    n_classes: int
    outside: Features
    encoder: Encoder | None = None
    run: FitFolder | None = None
    unlabelled: tuple[str, ...] = ()
    trainer: Trainer | None = None
    n_whole: int = 0

    @property
    def n_rows_in_all(self) -> int:
        """Rows of the whole lesson."""
        return self.n_whole or len(self.codes)

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels, or none."""
        return self.codes.ndim == 2

    def some(self, rows: np.ndarray) -> Lesson:
        """Only the rows of a mask (n,)."""
        return replace(self, features=self.features[rows], codes=self.codes[rows], n_whole=self.n_rows_in_all)

    def train(
        self,
        network: Any,
        plan: Plan,
        batches: Batches[Any],
        loss_of: LossOf,
        *,
        valid: Batches[Any] | None = None,
        settings: Settings,
        watch: Watch,
        watch_epoch: WatchEpochs | None = None,
    ) -> Training:
        """:func:`textgraft.training.loop.train`, or what stands in for it."""
        from textgraft.training.loop import train

        return (self.trainer or train)(
            network,
            plan,
            batches,
            loss_of,
            valid=valid,
            settings=settings,
            watch=watch,
            watch_epoch=watch_epoch,
        )


class Trainer(Protocol):
    """As :func:`textgraft.training.loop.train`."""

    def __call__(
        self,
        network: Any,
        plan: Plan,
        batches: Batches[Any],
        loss_of: LossOf,
        *,
        valid: Batches[Any] | None,
        settings: Settings,
        watch: Watch,
        watch_epoch: WatchEpochs | None,
    ) -> Training:
        """Train a network in place."""


class Learned(Protocol):
    """What a method learned from a lesson.

    A trained network also has ``training``, a :class:`textgraft.training.records.Training`.
    """

    @property
    def evidence(self) -> Matrix:
        """The training texts as rows of length 1, for finding the nearest ones."""
