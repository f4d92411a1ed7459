"""Logistic regression as one linear function a class."""

from __future__ import annotations

import warnings

import numpy as np


def fit_probe(
    vectors: np.ndarray, codes: np.ndarray, strength: float, tolerance: float = 1e-4
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (c, d) and biases (c,) of multinomial logistic regression.

    Args:
        vectors: (n, d).
        codes: (n,) class codes, c different ones, at least two; rows of the answer are in their order.
        strength: inverse strength of the L2 penalty.
        tolerance: of the solver.
    """
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # many classes of few rows are no sign of regression here
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        model = LogisticRegression(C=strength, tol=tolerance, max_iter=1_000).fit(vectors, codes)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:
        # one logit z for two classes is the softmax of -z/2 and z/2
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    # sklearn may hand out Fortran order, whose products differ in the last bit from a reloaded array's
    return np.ascontiguousarray(weight), bias
