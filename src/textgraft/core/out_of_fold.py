"""Training rows as models see them that did not learn them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textgraft.core.scores import Scores


@dataclass(frozen=True)
class OutOfFold:
    """Rows scored by cross-fitting.

    Attributes:
        rows: (m,) their places among the rows given, ascending.
        n_alone: rows that are alone in their class, which cannot be scored.
        texts: m texts as they were read.
        codes: (m,) class codes of their labels.
        classes: (c,) class names as objects.
        scores: what was believed of them.
    """

    rows: np.ndarray
    n_alone: int
    texts: tuple[str, ...]
    codes: np.ndarray
    classes: np.ndarray
    scores: Scores
