"""Labels that are probably wrong: models that did not learn a row are sure of another class.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021:
belief is out of fold, and rows are ranked by how much more is believed of the best class than of
the row's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.out_of_fold import OutOfFold
from textgraft.core.progress import Watch, unwatched
from textgraft.errors import DataError
from textgraft.experiments.tables import as_json, number, shortened


class CrossFits(Protocol):
    """What can say how models see rows that they did not learn: every :class:`textgraft.TextClassifier`."""

    def out_of_fold(
        self, texts: Sequence[object], labels: Sequence[object], *, watch: Watch = unwatched
    ) -> OutOfFold:
        """Belief of each row by models that learned the others."""


@dataclass(frozen=True)
class Suspect:
    """A row whose label is doubted.

    Attributes:
        row: its place among the rows given, from 0.
        text: as it was read.
        label: what stands beside it.
        suggested: the most believed class.
        belief_in_label, belief_in_suggested: out of fold.
    """

    row: int
    text: str
    label: str
    suggested: str
    belief_in_label: float
    belief_in_suggested: float


@dataclass(frozen=True)
class Suspects:
    """What :func:`suspicious_labels` found.

    Attributes:
        rows: judged.
        n_alone: rows that are alone in their class, which cannot be judged.
        disagreeing: of them, whose most believed class is not their label.
        suspects: of these the most suspicious ones, most suspicious first.
    """

    rows: int
    n_alone: int
    disagreeing: int
    suspects: tuple[Suspect, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return as_json(self)

    def table(self) -> str:
        """For a person: each suspect on two lines."""
        lines = [
            f"Of {counted(self.rows, 'row')}, each judged by models that did not learn it, "
            f"{self.disagreeing:,} are believed to be of another class than their label."
        ]
        if self.n_alone:
            lines.append(f"{counted(self.n_alone, 'row')} alone in a class could not be judged.")
        if self.suspects:
            lines.append(f"The most suspicious {len(self.suspects):,} of them, most suspicious first:")
        for one in self.suspects:
            lines += [
                "",
                f"  row {one.row + 1:,}: {shortened(one.text, 100)}",
                f"    labelled {shortened(one.label)} (belief {number(one.belief_in_label)}), "
                f"rather {shortened(one.suggested)} ({number(one.belief_in_suggested)})",
            ]
        return "\n".join(lines)


def suspicious_labels(
    classifier: CrossFits,
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    most: int = 100,
    watch: Watch = unwatched,
) -> Suspects:
    """Find labels that a classifier doubts when it has not learned them; nothing is changed.

    Args:
        classifier: unfitted, or fitted: it stays as it is.
        texts: n texts.
        labels: n labels; rows without one are left out.
        most: suspects at most.
        watch: told of progress.

    Raises:
        DataError: rows that cannot be learned from, or of which none can be judged.
    """
    found = classifier.out_of_fold(texts, labels, watch=watch)
    if not len(found.rows):
        raise DataError(
            f"Expected classes of two rows or more, found {counted(found.n_alone, 'row')}, each alone in its "
            "class, so that no model could judge it without having learned it. Give more rows of each class."
        )
    scores = found.scores
    own, best = scores.belief_in(found.codes), scores.values[:, 0]
    doubted = np.flatnonzero(scores.best != found.codes)
    # among equals the row that comes first
    order = doubted[np.argsort(own[doubted] - best[doubted], kind="stable")][:most]
    suspects = tuple(
        Suspect(
            row=int(found.rows[row]),
            text=found.texts[row],
            label=str(found.classes[found.codes[row]]),
            suggested=str(found.classes[scores.best[row]]),
            belief_in_label=float(own[row]),
            belief_in_suggested=float(best[row]),
        )
        for row in order
    )
    return Suspects(len(found.rows), found.n_alone, len(doubted), suspects)
