"""How far scores of several labels a text may be from what more rows would show: 95 % intervals.

Shares of texts have an interval by formula; the other scores' is the middle 95 % of what rows drawn anew
from the same rows give, as in :mod:`textgraft.experiments.score_intervals`.
"""

from __future__ import annotations

import numpy as np

from textgraft.experiments.intervals import DRAWS
from textgraft.experiments.label_answers import LabelAnswers
from textgraft.experiments.label_counts import LabelCounts
from textgraft.experiments.score_intervals import Bounds, middle, share_interval


def label_score_intervals(answers: LabelAnswers, seed: int, draws: int = DRAWS) -> dict[str, Bounds | None]:
    """The interval of each score of :class:`~textgraft.experiments.evaluate_labels.MultilabelEvaluation`
    that has one, by name.

    Args:
        answers: of rows the classifier has not seen.
        seed: of rows drawn anew.
        draws: how many times.
    """
    true, given, ranking = answers.true, answers.given, answers.ranking_precision
    exact = (true == given).all(axis=1)
    drawn = _drawn(true, given, seed, draws)
    random = np.random.default_rng(seed)
    ranks = [ranking[random.integers(0, len(ranking), len(ranking))].mean() for _ in range(draws)]
    return {
        **{name: middle(values) for name, values in drawn.items()},
        "subset_accuracy": share_interval(exact),
        "lrap": middle(np.array(ranks)) if len(ranking) else None,
        "without_label": share_interval(np.logical_not(true.any(axis=1))),
        "out_of_scope_without_label": share_interval(np.logical_not(answers.outside.any(axis=1))),
    }


def _drawn(true: np.ndarray, given: np.ndarray, seed: int, draws: int) -> dict[str, np.ndarray]:
    """Scores (draws,) by name, each draw with n rows of (n, c) bool truth and answers."""
    random, n = np.random.default_rng(seed), len(true)
    # products with weights are fast in floats, and exact as long as counts are below 2 ** 24
    hits, truth, said = (one.astype(np.float32) for one in (true & given, true, given))
    scores = []
    for _ in range(draws):
        weights = np.bincount(random.integers(0, n, n), minlength=n).astype(np.float32)
        scores.append(LabelCounts(weights @ hits, weights @ truth, weights @ said, n).scores())
    return {name: np.array([one[name] for one in scores]) for name in scores[0]}
