"""Which classes are taken for which: counts, and texts to look at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from textgraft.experiments.answers import Answers

MOST_CLASSES_DRAWN = 40
"""Classes up to which a matrix can be read."""

MOST_PAIRS = 20
TEXTS_EACH = 3


@dataclass(frozen=True)
class Confusion:
    """Texts of one class whose most believed class is another.

    Attributes:
        truth, taken_for: the two classes.
        rows: how many texts.
        rejected: of them, those that were rejected all the same.
        texts: up to three, the surest first.
    """

    truth: str
    taken_for: str
    rows: int
    rejected: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Confusions:
    """What :func:`confusions` found; it looks at the most believed class, rejected or not.

    Attributes:
        wrong: in-scope rows whose most believed class is wrong.
        n_pairs: different pairs of a class and what it was taken for.
        pairs: the most frequent of them, most frequent first.
        classes: names of all classes that are true or believed.
        matrix: rows of each class (down) by most believed class (across), in the order of ``classes``;
            ``None`` where it would be too large to read.
    """

    wrong: int
    n_pairs: int
    pairs: tuple[Confusion, ...]
    classes: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...] | None

    def most_confused(self, most: int) -> tuple[str, ...]:
        """The classes of the most frequent confusions, at most so many, in that order."""
        names = dict.fromkeys(name for pair in self.pairs for name in (pair.truth, pair.taken_for))
        return tuple(names)[:most]


def confusions(answers: Answers) -> Confusions:
    """Count which classes are taken for which, over in-scope rows."""
    n, confidence = answers.n, answers.scores.confidence
    best = answers.best[:n]
    wrong = np.flatnonzero(~answers.best_is_right)
    rows_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in wrong[np.argsort(-confidence[wrong], kind="stable")]:
        rows_of[str(answers.truth[row]), str(best[row])].append(int(row))
    ordered = sorted(rows_of.items(), key=lambda item: (-len(item[1]), item[0]))
    pairs = tuple(
        Confusion(
            truth,
            taken_for,
            len(rows),
            int((~answers.accepted[rows]).sum()),
            tuple(answers.texts[row] for row in rows[:TEXTS_EACH]),
        )
        for (truth, taken_for), rows in ordered[:MOST_PAIRS]
    )
    there = {*map(str, answers.truth), *map(str, best)}
    known = [str(name) for name in answers.classes if name in there]
    classes = (*known, *sorted(there - set(known)))
    matrix = _matrix(answers.truth, best, classes) if len(classes) <= MOST_CLASSES_DRAWN else None
    return Confusions(len(wrong), len(ordered), pairs, classes, matrix)


def _matrix(truth: np.ndarray, best: np.ndarray, classes: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    code_of = {name: code for code, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, ([code_of[one] for one in truth], [code_of[one] for one in best]), 1)
    return tuple(map(tuple, counts.tolist()))
