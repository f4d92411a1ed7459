"""Signs of novelty weighed against one another by rows of which it is known whether they are new.

A text can be new in more than one way, and what tells one kind may say nothing of another: likeness to
out-of-scope rows tells only texts like these. So each kind is told from known texts for itself, and the
odds of all kinds add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logsumexp

FUSED = ("margin", "nearest", "product", "mahalanobis")
"""Signs that are weighed: chosen on training rows of three data sets (``benchmarks/novelty.py``)."""


@dataclass(frozen=True)
class Fusion:
    """How much likelier a text is known than new in each of k ways: linear functions of signs.

    Attributes:
        signs: s names of :data:`textgraft.methods.confidence.novelty.SIGNS`.
        middle, spread: (s,) each.
        weight: (k, s); a sign counts so much for every ``spread`` above ``middle``.
        bias: (k,) added to the sums, which are the logarithms of odds.
    """

    signs: tuple[str, ...]
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def familiarity(self, values: np.ndarray) -> np.ndarray:
        """(n,) from 0 to 1 of signs (n, s): near 1 where texts are like those known."""
        scaled = (values - np.array(self.middle)) / np.array(self.spread)
        odds = scaled @ np.array(self.weight).T + np.array(self.bias)
        return np.asarray(expit(-logsumexp(-odds, axis=1)))


def fusion_from_json(plain: Mapping[str, Any]) -> Fusion:
    """The inverse of :func:`dataclasses.asdict`, after a file has made tuples lists."""
    weight, bias = plain["weight"], plain["bias"]
    # one kind of new texts was all there was once, and its numbers stood alone
    if not isinstance(bias, list):
        weight, bias = [weight], [bias]
    return Fusion(
        signs=tuple(plain["signs"]),
        middle=tuple(plain["middle"]),
        spread=tuple(plain["spread"]),
        weight=tuple(map(tuple, weight)),
        bias=tuple(bias),
    )


def fit_fusion(names: Sequence[str], known: np.ndarray, kinds: Sequence[np.ndarray]) -> Fusion:
    """Logistic regression of signs (n, s) of known texts and of k kinds of new ones, (m, s) each.

    Known and new texts count alike, and so do the kinds. None may have been learned from by what gave
    the signs.
    """
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([known, *kinds])
    sizes = [len(known), *map(len, kinds)]
    of_row = np.repeat(np.arange(len(sizes)), sizes)
    middle, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    share = np.array([0.5] + [0.5 / len(kinds)] * len(kinds)) / sizes * len(values)
    model = LogisticRegression(C=1.0, max_iter=1_000)
    model.fit((values - middle) / spread, of_row, share[of_row])
    weight, bias = model.coef_, model.intercept_
    # of two outcomes there are the odds of the second alone, of more one logit each
    weight, bias = (-weight, -bias) if len(kinds) == 1 else (weight[0] - weight[1:], bias[0] - bias[1:])
    return Fusion(
        signs=tuple(names),
        middle=tuple(middle.tolist()),
        spread=tuple(spread.tolist()),
        weight=tuple(map(tuple, weight.tolist())),
        bias=tuple(bias.tolist()),
    )
