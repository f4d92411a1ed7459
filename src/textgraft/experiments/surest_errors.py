"""Wrong answers that nobody would doubt, beside the training texts that speak for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.answers import Answers
from textgraft.methods.evidence import Neighbour

MOST_ERRORS = 20
NEIGHBOURS_EACH = 3


class Witnessed(Protocol):
    """What can name training texts: every fitted :class:`textgraft.TextClassifier`."""

    def nearest(
        self, texts: Sequence[object], k: int = ..., watch: Watch = unwatched
    ) -> tuple[tuple[Neighbour, ...], ...]:
        """The k training texts most similar to each text."""


@dataclass(frozen=True)
class SureError:
    """A text that was accepted and got a wrong label.

    Attributes:
        truth: its label; ``None`` when it is out of scope and should have been rejected.
        predicted: what was said.
        confidence: as rejection rules see it.
        neighbours: the nearest training texts, nearest first.
    """

    text: str
    truth: str | None
    predicted: str
    confidence: float
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class SureErrors:
    """What :func:`surest_errors` found.

    Attributes:
        accepted: rows that were not rejected, out-of-scope ones among them.
        wrong: of them.
        errors: the surest of these, surest first.
    """

    accepted: int
    wrong: int
    errors: tuple[SureError, ...]


def surest_errors(
    classifier: Witnessed, answers: Answers, *, most: int = MOST_ERRORS, watch: Watch = unwatched
) -> SureErrors:
    """The accepted rows with a wrong label of which the classifier was surest, with their evidence."""
    wrong = answers.accepted.copy()
    wrong[: answers.n] &= ~answers.best_is_right
    rows = np.flatnonzero(wrong)
    confidence = answers.scores.confidence
    rows = rows[np.argsort(-confidence[rows], kind="stable")][:most]
    evidence = classifier.nearest([answers.texts[row] for row in rows], NEIGHBOURS_EACH, watch)
    errors = tuple(
        SureError(
            text=answers.texts[row],
            truth=str(answers.truth[row]) if row < answers.n else None,
            predicted=str(answers.best[row]),
            confidence=float(confidence[row]),
            neighbours=found,
        )
        for row, found in zip(rows, evidence, strict=True)
    )
    return SureErrors(int(answers.accepted.sum()), int(wrong.sum()), errors)
