"""How far scores may be from what more rows would show: 95 % intervals.

A share is a count, and has an interval by formula (Wilson, 1927). F1 and AUROC are no shares; their interval
is the middle 95 % of what rows drawn anew from the same rows give (Efron, "Bootstrap Methods: Another Look at
the Jackknife", 1979). Both speak about other rows of the same kind, not about other training rows or seeds.
The calibration error has none: of rows drawn anew it is larger on average than of the rows themselves.
"""

from __future__ import annotations

import numpy as np

from textgraft.core.binomial import wilson_interval
from textgraft.core.decision import REJECTED
from textgraft.experiments.answers import Answers
from textgraft.experiments.intervals import DRAWS, macro_f1
from textgraft.experiments.separation import separation_draws

Bounds = tuple[float, float]


def share_interval(right: np.ndarray) -> Bounds | None:
    """The 95 % interval of a share, given as (n,) bool; ``None`` without rows."""
    return wilson_interval(float(right.mean()), len(right)) if len(right) else None


def score_intervals(answers: Answers, seed: int) -> dict[str, Bounds | None]:
    """The interval of each score of :class:`textgraft.experiments.evaluate.Evaluation` that has one, by name.

    Args:
        answers: of rows the classifier has not seen.
        seed: of rows drawn anew.
    """
    n, kept, confidence = answers.n, answers.accepted, answers.scores.confidence
    right = answers.predicted[:n] == answers.truth
    wrong = np.ones(len(kept), dtype=bool)
    wrong[:n] = ~right
    apart: list[Bounds | None] = [None, None]
    if len(kept) > n:
        apart = [middle(drawn) for drawn in separation_draws(confidence[:n], confidence[n:], seed, DRAWS).T]
    return {
        "accuracy": share_interval(right),
        "accuracy_without_rejection": share_interval(answers.best_is_right),
        "macro_f1": macro_f1_interval(answers.truth, answers.predicted[:n], seed),
        "micro_f1": middle(micro_f1_draws(right, kept[:n], seed)),
        "coverage": share_interval(kept[:n]),
        "accuracy_of_accepted": share_interval(right[kept[:n]]),
        "risk": share_interval(wrong[kept]),
        "out_of_scope_recall": share_interval(~kept[n:]),
        "auroc": apart[0],
        "fpr_at_95_tpr": apart[1],
    }


def micro_f1_draws(right: np.ndarray, kept: np.ndarray, seed: int, draws: int = DRAWS) -> np.ndarray:
    """(draws,) micro-F1 of in-scope rows (n,) drawn anew, given their label or not, and accepted or not."""
    n = len(right)
    shares = np.array([right.sum(), (kept & ~right).sum(), (~kept).sum()]) / n
    hits, wrong, _ = np.random.default_rng(seed).multinomial(n, shares, draws).T
    # precision is of accepted rows, recall of all
    drawn: np.ndarray = 2 * hits / (hits + wrong + n)
    return drawn


def macro_f1_interval(
    truth: np.ndarray, predicted: np.ndarray, seed: int, draws: int = DRAWS
) -> Bounds | None:
    """The percentile bootstrap interval of macro-F1; ``None`` where all draws agree, which shows nothing.

    Args:
        truth, predicted, seed, draws: as of :func:`macro_f1_draws`.
    """
    return middle(macro_f1_draws(truth, predicted, seed, draws))


def middle(drawn: np.ndarray) -> Bounds | None:
    """The middle 95 % of scores (draws,); ``None`` where all draws agree, which shows nothing."""
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return (low, high) if low < high else None


def macro_f1_draws(truth: np.ndarray, predicted: np.ndarray, seed: int, draws: int = DRAWS) -> np.ndarray:
    """(draws,) macro-F1 of rows drawn anew, over the classes that are true or predicted in each draw.

    Args:
        truth, predicted: (n,) labels, ``REJECTED`` being a miss and no class.
        seed: of the draws.
        draws: how many.
    """
    # as objects: an array of strings takes the room of the longest name for each row
    names, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    n = len(truth)
    true, said = codes[:n], codes[n:]
    no_class = np.flatnonzero(names == REJECTED)
    draw = np.random.default_rng(seed)
    return np.array(
        [
            macro_f1(true, said, np.bincount(draw.integers(0, n, n), minlength=n), no_class)
            for _ in range(draws)
        ]
    )
