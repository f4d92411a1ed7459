"""Belief before decision: what a method believes, before any rule decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from textgraft.errors import WeightsError

LOWEST_CONFIDENCE = -1.0
"""Cosine similarities end here; probabilities never come near."""


@dataclass(frozen=True)
class Scores:
    """The k best classes of each text, best first, and one confidence a text.

    Keeping k of c classes is what lets a classifier of tens of thousands of classes score a million
    texts: memory grows with n × k, never with n × c. A dense method keeps k = c.

    Attributes:
        codes: (n, k) int64 class codes, best class first; −1 fills unused places.
        values: (n, k) float64 belief in those classes, descending; a row sums to at most 1, and what is
            missing lies evenly on the classes that are not among them.
        confidence: (n,) float64, larger is surer; what rejection rules are fitted on.
        n_classes: c.
        multilabel: whether a text may have several labels; then each value is from 0 to 1 by itself,
            a row has no sum that means anything, and what is missing is not believed at all.
        uncorrected: (n, k) belief in those classes before held-out rows corrected it; ``None`` where nothing
            did.
    """

    codes: np.ndarray
    values: np.ndarray
    confidence: np.ndarray
    n_classes: int
    multilabel: bool = False
    uncorrected: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.confidence)

    @property
    def own(self) -> np.ndarray:
        """(n, k) belief in those classes as the method itself has it."""
        return self.values if self.uncorrected is None else self.uncorrected

    def some(self, rows: np.ndarray) -> Scores:
        """Some of the texts, by number or mask."""
        return replace(
            self,
            codes=self.codes[rows],
            values=self.values[rows],
            confidence=self.confidence[rows],
            uncorrected=None if self.uncorrected is None else self.uncorrected[rows],
        )

    def belief_in(self, codes: np.ndarray) -> np.ndarray:
        """(n,) belief in one class a text, given as codes (n,); 0 where it is not among the k best."""
        return np.asarray(np.where(self.codes == codes[:, None], self.values, 0.0).sum(axis=1))

    @property
    def by_class(self) -> np.ndarray:
        """(n, c) belief, columns in the order of ``classes_``. Memory is n × c × 8 bytes."""
        listed = self.codes >= 0
        missing, others = 1.0 - self.values.sum(axis=1), self.n_classes - listed.sum(axis=1)
        # rounding is not belief
        spread = (missing > 1e-9) & (others > 0) & (not self.multilabel)
        missing = np.where(spread, missing, 0.0)
        dense = np.repeat((missing / np.maximum(others, 1))[:, None], self.n_classes, axis=1)
        rows, places = np.nonzero(listed)
        dense[rows, self.codes[rows, places]] = self.values[rows, places]
        return dense

    @property
    def best(self) -> np.ndarray:
        """(n,) code of the most believed class."""
        return np.asarray(self.codes[:, 0])


def scores_from_dense(by_class: np.ndarray, confidence: np.ndarray) -> Scores:
    """All c classes of a dense (n, c) belief, sorted; ties go to the lower code."""
    order = np.argsort(-by_class, axis=1, kind="stable")
    values = np.take_along_axis(by_class, order, axis=1)
    return Scores(order, values.astype(np.float64), confidence.astype(np.float64), by_class.shape[1])


def scores_of_labels(
    belief: np.ndarray, confidence: np.ndarray | None = None, own: np.ndarray | None = None
) -> Scores:
    """All c labels of belief (n, c) in each by itself; confidence is the largest of a text unless given.

    Args:
        belief: perhaps corrected.
        confidence: (n,).
        own: (n, c) belief before it was corrected; ``None`` where nothing did.
    """
    largest = belief.max(axis=1, initial=0.0) if confidence is None else confidence
    scores = scores_from_dense(belief, largest)
    before = None if own is None else np.take_along_axis(own, scores.codes, axis=1).astype(np.float64)
    return replace(scores, multilabel=True, uncorrected=before)


def checked_scores(scores: Scores, method: str) -> Scores:
    """The same scores, each of finite numbers.

    Raises:
        WeightsError: a belief or a confidence is something else, which no rule could decide by.
    """
    broken = ~(np.isfinite(scores.values).all(axis=1) & np.isfinite(scores.confidence))
    if broken.any():
        raise WeightsError(
            f"Expected finite numbers as belief and confidence from the method {method}, found others for "
            f"{broken.sum():,} of {len(scores):,} texts, the first number {broken.argmax() + 1:,}. Its "
            "weights or its encoder's are damaged: fit it again, a network with a lower rate (-o rate …)."
        )
    return scores


def keep_best(scores: Scores, k: int) -> Scores:
    """The same with at most the k most believed classes of each text."""
    if scores.codes.shape[1] <= k:
        return scores
    own = None if scores.uncorrected is None else scores.uncorrected[:, :k].copy()
    codes, values = scores.codes[:, :k].copy(), scores.values[:, :k].copy()
    return replace(scores, codes=codes, values=values, uncorrected=own)


def join_scores(parts: list[Scores], n_classes: int) -> Scores:
    """Scores of consecutive blocks as one; narrower blocks are filled with −1."""
    width = max((part.codes.shape[1] for part in parts), default=1)
    codes = [_widen(part.codes, width, -1) for part in parts]
    values = [_widen(part.values, width, 0.0) for part in parts]
    own = [_widen(part.own, width, 0.0) for part in parts]
    return Scores(
        np.concatenate(codes) if codes else np.empty((0, width), np.int64),
        np.concatenate(values) if values else np.empty((0, width)),
        np.concatenate([part.confidence for part in parts]) if parts else np.empty(0),
        n_classes,
        any(part.multilabel for part in parts),
        np.concatenate(own) if any(part.uncorrected is not None for part in parts) else None,
    )


def scatter_scores(scores: Scores, rows: np.ndarray, n: int, usual: int) -> Scores:
    """Put ``scores`` at ``rows`` of n texts; the others are believed to be of the class ``usual``.

    A text without content says nothing, so it is taken for what most texts are, with the
    lowest confidence there is, and every rule that rejects anything rejects it.
    """
    width = max(scores.codes.shape[1], 1)
    codes = np.full((n, width), -1, dtype=np.int64)
    values = np.zeros((n, width))
    confidence = np.full(n, LOWEST_CONFIDENCE)
    codes[:, 0], values[:, 0] = usual, 1.0
    own = None if scores.uncorrected is None else values.copy()
    if len(rows):
        codes[rows], values[rows], confidence[rows] = scores.codes, scores.values, scores.confidence
        if own is not None:
            own[rows] = scores.own
    return Scores(codes, values, confidence, scores.n_classes, uncorrected=own)


def _widen(array: np.ndarray, width: int, fill: float) -> np.ndarray:
    return np.pad(array, ((0, 0), (0, width - array.shape[1])), constant_values=fill)
