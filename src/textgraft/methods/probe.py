"""Logistic regression as one linear function a class."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


def strength_of(C: float, n_classes: int) -> float:
    """Inverse strength of the penalty where ``C`` is that for two classes; of more, each has fewer rows."""
    return float(C * np.sqrt(max(2, n_classes) / 2))


def fit_probe(
    vectors: np.ndarray,
    codes: np.ndarray,
    strength: float,
    tolerance: float = 1e-4,
    *,
    balanced: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (c, d) and biases (c,) of multinomial logistic regression.

    Args:
        vectors: (n, d).
        codes: (n,) class codes, c different ones, at least two; rows of the answer are in their order.
        strength: inverse strength of the L2 penalty.
        tolerance: of the solver.
        balanced: whether each class counts as much as any other, whatever its rows.
    """
    with warnings.catch_warnings():
        # many classes of few rows are no sign of regression here
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        model = _regression(strength, tolerance, balanced).fit(vectors, codes)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:
        # one logit z for two classes is the softmax of -z/2 and z/2
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return _contiguous(weight, bias)


def fit_label_probes(
    vectors: np.ndarray,
    targets: np.ndarray,
    strength: float,
    tolerance: float = 1e-4,
    *,
    balanced: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (c, d) and biases (c,) of one binary logistic regression a label.

    Args:
        vectors: (n, d).
        targets: (n, c) 0/1; a label of none of the rows, or of all, gets its share as a constant.
        strength: inverse strength of the L2 penalty.
        tolerance: of the solver.
        balanced: whether the rows with a label count as much as those without it.
    """
    n, n_labels = targets.shape
    weight, bias = np.zeros((n_labels, vectors.shape[1]), np.float32), np.zeros(n_labels, np.float32)
    for label, count in enumerate(targets.sum(axis=0, dtype=np.int64)):
        if count in (0, n):
            bias[label] = constant_logit(int(count), n)
            continue
        model = _regression(strength, tolerance, balanced).fit(vectors, targets[:, label])
        weight[label], bias[label] = model.coef_[0], model.intercept_[0]
    return weight, bias


def _regression(strength: float, tolerance: float, balanced: bool) -> Any:
    from sklearn.linear_model import LogisticRegression

    weights = "balanced" if balanced else None
    # a plain float would let the fit of float32 vectors stay in float32, and end earlier
    C = np.float64(strength)
    return LogisticRegression(C=C, tol=tolerance, max_iter=1_000, class_weight=weights)


def constant_logit(count: int, n: int) -> float:
    """Log-odds of a label that ``count`` of n rows have, half a row added to either side (Haldane, 1956)."""
    return float(np.log((count + 0.5) / (n - count + 0.5)))


def _contiguous(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # sklearn may hand out Fortran order, whose products differ in the last bit from a reloaded array's
    return np.ascontiguousarray(weight), bias
