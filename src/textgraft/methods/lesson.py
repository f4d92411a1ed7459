"""What a method learns from, and what it learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from textgraft.encoders.encoder import Encoder
from textgraft.methods.evidence import Matrix

Features = np.ndarray
"""(n, d) vectors of an encoder, or (n,) texts as objects for a method that reads texts itself."""


@dataclass(frozen=True)
class Lesson:
    """What a method learns from.

    Attributes:
        features: of n rows.
        codes: (n,) class codes.
        n_classes: c; every class has at least one row.
        outside: features of the out-of-scope rows, perhaps none.
        encoder: the opened encoder, if the method has one.
        run: a folder for checkpoints and logs, or ``None``.
    """

    features: Features
    codes: np.ndarray
    n_classes: int
    outside: Features
    encoder: Encoder | None = None
    run: Path | None = None


class Learned(Protocol):
    """What a method learned from a lesson.

    A trained network also has ``training``, a :class:`textgraft.training.records.Training`.
    """

    @property
    def evidence(self) -> Matrix:
        """The training texts as rows of length 1, for finding the nearest ones."""
