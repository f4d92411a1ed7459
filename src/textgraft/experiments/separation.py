"""Whether confidence tells in-scope texts from others: AUROC, and FPR at 95 % TPR.

Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural
Networks", 2017. In-scope rows are the positives.
"""

from __future__ import annotations

import numpy as np

TPR = 0.95
"""In-scope rows that the threshold of the second measure accepts."""


def separation(inside: np.ndarray, outside: np.ndarray) -> tuple[float, float]:
    """AUROC and FPR at 95 % TPR of confidences (n,) and (m,), some of both."""
    places, n_places = _places(inside, outside)
    return _measured(*(np.bincount(some, minlength=n_places) for some in places))


def separation_draws(inside: np.ndarray, outside: np.ndarray, seed: int, draws: int) -> np.ndarray:
    """(draws, 2) both measures of rows drawn anew, as many in scope and as many out of scope as there are."""
    random = np.random.default_rng(seed)
    places, n_places = _places(inside, outside)

    def drawn(some: np.ndarray) -> np.ndarray:
        return np.bincount(some[random.integers(0, len(some), len(some))], minlength=n_places)

    return np.array([_measured(*map(drawn, places)) for _ in range(draws)])


def _places(inside: np.ndarray, outside: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], int]:
    """Place (n,), (m,) of each confidence among all that occur, the highest first, and how many occur."""
    values, at = np.unique(-np.concatenate([inside, outside]), return_inverse=True)
    return (at[: len(inside)], at[len(inside) :]), len(values)


def _measured(inside: np.ndarray, outside: np.ndarray) -> tuple[float, float]:
    """Both measures from rows (v,) at each place; a tie is half right."""
    tpr, fpr = (np.cumsum(some) / some.sum() for some in (inside, outside))
    surer = tpr - inside / inside.sum() / 2
    return float(outside @ surer / outside.sum()), float(fpr[np.argmax(tpr >= TPR)])
