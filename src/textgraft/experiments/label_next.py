"""Which texts to label next: those the classifier is unsure of, and of these not the same one twice.

Wei, Iyer and Bilmes, "Submodularity in Data Subset Selection and Active Learning", 2015: the most uncertain
texts are kept, and of them those chosen that stand best for all of them (facility location). A text far from
all others, which farthest-first rules such as core-set would take first, stands for none but itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.examples import clean_texts
from textgraft.core.progress import Watch, unwatched
from textgraft.core.scores import Scores
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.survey.repeats import normaliser
from textgraft.experiments.tables import aligned, as_json, number, shortened

CANDIDATES_EACH = 10
"""Uncertain texts looked at for each one wanted."""

MOST_CANDIDATES = 5_000
"""All of which are compared with one another: 100 MB of similarities."""


class Unsure(Protocol):
    """What knows where it is unsure: every fitted :class:`textgraft.TextClassifier`."""

    classes_: np.ndarray
    train_texts_: list[str]

    def predict_scores(self, texts: Sequence[object], watch: Watch = unwatched, *, most: int = ...) -> Scores:
        """Belief before decision."""

    def similarities(self, texts: Sequence[object]) -> np.ndarray:
        """Cosine similarity (n, n) of texts to one another."""


@dataclass(frozen=True)
class Wanted:
    """A text whose label would teach much.

    Attributes:
        row: its place among the texts given, from 0.
        text: as it was read.
        best, second: the two most believed classes.
        margin: by how much more is believed of the first than of the second.
        stands_for: uncertain texts, itself among them, to which no other wanted text is more similar.
    """

    row: int
    text: str
    best: str
    second: str
    margin: float
    stands_for: int


@dataclass(frozen=True)
class LabelNext:
    """What :func:`label_next` chose.

    Attributes:
        texts: given.
        skipped: of them empty, repeating another one, or known from training.
        candidates: of the others the most uncertain ones, from which was chosen.
        wanted: the chosen ones, the one that stands for most doubt first.
    """

    texts: int
    skipped: int
    candidates: int
    wanted: tuple[Wanted, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return as_json(self)

    def sentence(self) -> str:
        """How they were chosen."""
        left_out = (
            f" ({counted(self.skipped, 'text')} left out: empty, repeated or learned already)"
            if self.skipped
            else ""
        )
        return (
            f"Of {counted(self.texts, 'text')}{left_out}, the {self.candidates:,} most unsure were compared "
            f"with one another; these {len(self.wanted):,} stand best for all of them, most useful first."
        )

    def table(self) -> str:
        """A line for each text."""
        head = ["row", "margin", "stands for", "best", "second", "text"]
        rows = [
            [
                f"{one.row + 1:,}", number(one.margin), f"{one.stands_for:,}",
                shortened(one.best, 24), shortened(one.second, 24), shortened(one.text, 60),
            ]
            for one in self.wanted
        ]  # fmt: skip
        return "\n".join([self.sentence(), "", *aligned([head, *rows], ">>><<<")])


def label_next(
    classifier: Unsure, texts: Sequence[object], *, k: int = 20, watch: Watch = unwatched
) -> LabelNext:
    """Choose the k texts whose labels would teach most; the same texts give the same choice.

    Args:
        classifier: fitted; it stays as it is.
        texts: n texts without labels; empty ones, repeats (but for case and punctuation) and training
            texts are left out.
        k: texts wanted; fewer where fewer are left.
        watch: told of progress.

    Raises:
        DataError: no text is left.
        ParameterError: k is no number of texts.
    """
    if k < 1:
        raise ParameterError(f"Expected to choose 1 text or more, found k={k}.")
    if getattr(classifier, "multilabel_", False):
        raise DataError("Texts are chosen where two classes are believed alike: for one label a text only.")
    clean = clean_texts(texts)
    rows = _unknown(clean, classifier.train_texts_)
    if not len(rows):
        raise DataError(
            f"Expected texts to choose from, found none in {counted(len(clean), 'text')} that is neither "
            "empty nor learned already. Give other texts."
        )
    scores = classifier.predict_scores([clean[row] for row in rows], watch, most=2)
    margins = scores.values[:, 0] - (scores.values[:, 1] if scores.values.shape[1] > 1 else 0.0)
    # among equals those of least confidence, then the first
    asked = np.lexsort((scores.confidence, margins))[: max(k, min(CANDIDATES_EACH * k, MOST_CANDIDATES))]
    similarities = classifier.similarities([clean[rows[at]] for at in asked])
    chosen, stands_for = representatives(similarities, 1.0 - margins[asked], k)
    second = scores.codes[:, 1] if scores.codes.shape[1] > 1 else np.full(len(rows), -1)
    wanted = tuple(
        Wanted(
            row=int(rows[asked[at]]),
            text=clean[rows[asked[at]]],
            best=str(classifier.classes_[scores.best[asked[at]]]),
            second=str(classifier.classes_[second[asked[at]]]) if second[asked[at]] >= 0 else "",
            margin=float(margins[asked[at]]),
            stands_for=count,
        )
        for at, count in zip(chosen, stands_for, strict=True)
    )
    return LabelNext(len(clean), len(clean) - len(rows), len(asked), wanted)


def representatives(similarities: np.ndarray, weights: np.ndarray, k: int) -> tuple[list[int], list[int]]:
    """At most k rows that stand best for all n, and for how many each, greedily.

    Greedy choice reaches 1 − 1/e of the best (Nemhauser, Wolsey and Fisher, 1978).

    Args:
        similarities: (n, n); below 0 counts as 0.
        weights: (n,) how much each row matters; none below 0.
        k: rows wanted.
    """
    alike = np.clip(similarities, 0.0, None)
    covered = np.zeros(len(weights))
    chosen: list[int] = []
    for _ in range(min(k, len(weights))):
        gains = weights @ np.maximum(alike - covered[:, None], 0.0)
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        covered = np.maximum(covered, alike[:, chosen[-1]])
    nearest = alike[:, chosen].argmax(axis=1)
    # a chosen row stands for itself, also beside an equal one
    nearest[chosen] = np.arange(len(chosen))
    return chosen, np.bincount(nearest, minlength=len(chosen)).tolist()


def _unknown(texts: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """Rows (m,) of texts that are not empty, not known and not like an earlier one."""
    normal = normaliser()
    seen = {normal(text) for text in known} | {""}
    rows = []
    for row, text in enumerate(texts):
        key = normal(text)
        if key not in seen:
            seen.add(key)
            rows.append(row)
    return np.array(rows, dtype=np.int64)
