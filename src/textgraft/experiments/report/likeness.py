"""How alike texts of classes that are taken for one another are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from textgraft.experiments.answers import Answers
from textgraft.experiments.confusions import Confusions

MOST_CLASSES, TEXTS_EACH = 5, 3


class Compares(Protocol):
    """What can compare texts: every fitted :class:`textgraft.TextClassifier`."""

    def similarities(self, texts: Sequence[object]) -> np.ndarray:
        """Cosine similarity (n, n) of texts to one another."""


@dataclass(frozen=True)
class Likeness:
    """A few test texts, and how alike they are.

    Attributes:
        texts: class by class.
        labels: theirs.
        similarities: cosines of each (down) to each (across).
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    similarities: tuple[tuple[float, ...], ...]


def likeness(classifier: Compares, answers: Answers, found: Confusions) -> Likeness | None:
    """Three texts of each of the most confused classes, a wrong one first; ``None`` without confusions."""
    rows = [row for name in found.most_confused(MOST_CLASSES) for row in _some_rows(answers, name)]
    if len(rows) < 2:
        return None
    texts = tuple(answers.texts[row] for row in rows)
    similarities = classifier.similarities(texts).astype(float)
    return Likeness(
        texts, tuple(str(answers.truth[row]) for row in rows), tuple(map(tuple, similarities.tolist()))
    )


def _some_rows(answers: Answers, name: str) -> list[int]:
    """Rows of a class: one wrong, then right ones, then more wrong ones."""
    own = answers.truth == name
    wrong = np.flatnonzero(own & ~answers.best_is_right).tolist()
    right = np.flatnonzero(own & answers.best_is_right).tolist()
    return [*wrong[:1], *right, *wrong[1:]][:TEXTS_EACH]
