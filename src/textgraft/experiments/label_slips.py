"""Where a classifier of several labels a text is wrong: labels given for others, and the surest errors."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.label_answers import LabelAnswers
from textgraft.experiments.surest_errors import MOST_ERRORS, NEIGHBOURS_EACH, Witnessed
from textgraft.methods.evidence import Neighbour

MOST_SLIPS = 20
TEXTS_EACH = 3


@dataclass(frozen=True)
class Slip:
    """Texts that lack one of their labels and have another that is not theirs.

    Attributes:
        missed, given: the two labels.
        rows: how many texts.
        texts: up to three, those first that have most belief in the wrong label.
    """

    missed: str
    given: str
    rows: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class WrongLabel:
    """A label that a text was given or denied; ``belief`` was on the wrong side of ``threshold``."""

    name: str
    belief: float
    threshold: float


@dataclass(frozen=True)
class WrongSet:
    """A text that was not given exactly its labels.

    Attributes:
        truth: its labels.
        added: labels it was given and does not have, surest first.
        missed: labels it has and was not given, least believed first; of one that was never learned belief
            and threshold are 0.
        neighbours: the nearest training texts, nearest first.
    """

    text: str
    truth: tuple[str, ...]
    added: tuple[WrongLabel, ...]
    missed: tuple[WrongLabel, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class LabelSlips:
    """What :func:`label_slips` found.

    Attributes:
        rows, wrong: in-scope rows, and those not given exactly their labels.
        n_slips: different pairs of a missed and a wrongly given label.
        slips: the most frequent of them, most frequent first.
        errors: rows with the surest errors, surest first.
    """

    rows: int
    wrong: int
    n_slips: int
    slips: tuple[Slip, ...]
    errors: tuple[WrongSet, ...]


def label_slips(
    classifier: Witnessed, answers: LabelAnswers, *, most: int = MOST_ERRORS, watch: Watch = unwatched
) -> LabelSlips:
    """Count which labels stand where others should, and list the rows that are wrong with most belief.

    How sure an error is: how far belief lies from the label's threshold, on the wrong side of it. A label
    that was never learned cannot be given, so missing it is no sure error.
    """
    added, missed = answers.given & ~answers.true, answers.true & ~answers.given
    gap = _gaps(answers)
    sureness = np.where(added | missed, np.abs(gap), -1.0).max(axis=1)
    wrong = np.flatnonzero((added | missed).any(axis=1))
    surest = wrong[np.argsort(-sureness[wrong], kind="stable")][:most]
    evidence = classifier.nearest([answers.examples.texts[row] for row in surest], NEIGHBOURS_EACH, watch)
    errors = tuple(
        WrongSet(
            text=answers.examples.texts[row],
            truth=answers.named(answers.true[row]),
            added=_wrong_labels(answers, row, added[row], -gap[row]),
            missed=_wrong_labels(answers, row, missed[row], gap[row]),
            neighbours=found,
        )
        for row, found in zip(surest, evidence, strict=True)
    )
    slips, n_slips = _slips(answers, added, missed, wrong)
    return LabelSlips(len(answers.true), len(wrong), n_slips, slips, errors)


def _gaps(answers: LabelAnswers) -> np.ndarray:
    """(n, c): belief above the threshold; 0 for labels that were never learned."""
    gap = np.zeros(answers.belief.shape)
    learned = slice(answers.n_learned)
    gap[:, learned] = answers.belief[:, learned] - answers.thresholds.values
    return gap


def _wrong_labels(
    answers: LabelAnswers, row: int, which: np.ndarray, order: np.ndarray
) -> tuple[WrongLabel, ...]:
    """Some labels (c,) bool of a row, in rising order of (c,) numbers."""
    labels = np.flatnonzero(which)
    values = answers.thresholds.values
    return tuple(
        WrongLabel(
            str(answers.names[label]),
            float(answers.belief[row, label]),
            float(values[label]) if label < len(values) else 0.0,
        )
        for label in labels[np.argsort(order[labels], kind="stable")]
    )


def _slips(
    answers: LabelAnswers, added: np.ndarray, missed: np.ndarray, wrong: np.ndarray
) -> tuple[tuple[Slip, ...], int]:
    rows_of: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in wrong.tolist():
        for lost in np.flatnonzero(missed[row]).tolist():
            for got in np.flatnonzero(added[row]).tolist():
                rows_of[lost, got].append(row)
    ordered = sorted(rows_of.items(), key=lambda item: (-len(item[1]), item[0]))
    slips = []
    for (lost, got), rows in ordered[:MOST_SLIPS]:
        surest = np.array(rows)[np.argsort(-answers.belief[rows, got], kind="stable")][:TEXTS_EACH]
        texts = tuple(answers.examples.texts[row] for row in surest)
        slips.append(Slip(str(answers.names[lost]), str(answers.names[got]), len(rows), texts))
    return tuple(slips), len(rows_of)
