"""Beliefs of several judges as one: a logarithmic opinion pool.

Belief in a class is the product of the judges' beliefs, each to the power of its weight (Genest and Zidek,
"Combining Probability Distributions", 1986). The weights are those under which rows that no judge had
learned from are most likely (Heskes, "Selecting Weighting Factors in Logarithmic Opinion Pools", 1998), a
convex problem; so a judge that adds nothing gets a weight near 0, and one that is too sure of itself a
smaller one.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit, softmax

LEAST_BELIEF = 1e-6
"""Nobody is surer than this that a class is wrong, or a single judge could forbid it."""


def opinions(belief: np.ndarray, multilabel: bool) -> np.ndarray:
    """(n, c) of belief (n, c): its logarithm, or its log-odds where each label is believed by itself."""
    kept = np.clip(belief, LEAST_BELIEF, 1.0 - LEAST_BELIEF if multilabel else 1.0)
    return np.asarray(logit(kept) if multilabel else np.log(kept))


def pooled(said: np.ndarray, weights: np.ndarray, multilabel: bool) -> np.ndarray:
    """(n, c) belief of opinions (p, n, c) under weights (p,)."""
    together = np.tensordot(weights, said, 1)
    return np.asarray(expit(together) if multilabel else softmax(together, axis=1))


def fit_weights(said: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(p,) weights from 0 of opinions (p, n, c), by rows with class codes (n,), or 0/1 (n, c).

    A normal prior around 1, as if the judges were independent, weighs as much as one row would; without
    rows it is all there is.
    """
    n_judges, n, _ = said.shape
    if n == 0:
        return np.ones(n_judges)
    # (p, n), or (p, n, c): what each judge says of the truth
    single = codes.ndim == 1
    of_truth = said[:, np.arange(n), codes] if single else said * codes

    def surprise(weights: np.ndarray) -> tuple[float, np.ndarray]:
        together = np.tensordot(weights, said, 1)
        away = weights - 1.0
        if single:
            logs = log_softmax(together, axis=1)
            loss = -float(logs[np.arange(n), codes].sum())
            expected = (np.exp(logs) * said).sum(axis=2)
        else:
            loss = float((np.logaddexp(0.0, together) - codes * together).sum())
            expected = expit(together) * said
        slopes = (expected - of_truth).reshape(n_judges, -1).sum(axis=1)
        return (loss + 0.5 * float(away @ away)) / n, (slopes + away) / n

    found = minimize(surprise, np.ones(n_judges), jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_judges)
    weights = np.asarray(found.x)
    # judges that are worse than chance, all of them: then none is better than another
    return weights if weights.any() else np.ones(n_judges)


def placed(confidence: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(n,) which share of a reference (h,), sorted, is less confident; from 0 to 1, in the same order.

    It makes the confidences of judges that count differently comparable. Without a reference they stay.
    """
    if not len(reference):
        return confidence
    # confidences lie between −1 and 1, and order is kept beyond what the reference has seen
    known = np.concatenate([[-1.0], reference, [1.0]])
    return np.asarray(np.interp(confidence, known, np.linspace(0.0, 1.0, len(known))))
