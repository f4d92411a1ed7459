"""The same rows under MAPIE, the library of conformal prediction: equal thresholds, equal tests.

make test-peer
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from textgraft.core.binomial import lower_tail
from textgraft.core.held_out import held_out
from textgraft.core.risk import controlled_threshold
from textgraft.core.rules import AtCoverage
from textgraft.core.thresholds import fit_threshold

pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]


class _Told(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Believes in class 0 what the one feature says."""

    classes_ = np.array([0, 1])

    def fit(self, X: np.ndarray, y: np.ndarray) -> _Told:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.column_stack([X[:, 0], 1 - X[:, 0]])

    def predict(self, X: np.ndarray) -> np.ndarray:
        return (X[:, 0] < 0.5).astype(int)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", [40, 199, 500])
def test_a_coverage_keeps_what_a_split_conformal_set_keeps(coverage: float, n: int) -> None:
    classification = pytest.importorskip("mapie.classification")
    draw = np.random.default_rng(n)
    given, asked = draw.beta(4, 1, size=(n, 1)), draw.beta(4, 1, size=(2_000, 1))
    theirs = classification.SplitConformalClassifier(
        _Told(), confidence_level=coverage, conformity_score="lac", prefit=True
    ).conformalize(given, np.zeros(n, dtype=int))
    _, sets = theirs.predict_set(asked)
    rows = held_out(given[:, 0], np.ones(n, dtype=bool), np.empty(0), "held-out")
    ours = asked[:, 0] >= fit_threshold(AtCoverage(coverage), rows).value
    assert np.array_equal(ours, sets[:, 0, 0])


@pytest.mark.parametrize("seed", range(20))
def test_a_risk_is_tested_as_learn_then_test_tests_it(seed: int) -> None:
    controller = pytest.importorskip("mapie.risk_control._base_controller")
    draw = np.random.default_rng(seed)
    # one start below 1,000 rows that test, as in MAPIE's plain sequence
    n = 1_000
    confidence = draw.uniform(size=n)
    wrong = draw.uniform(size=n) < 0.005 + 0.5 * (1 - confidence) ** 3
    found, _ = controlled_threshold(confidence, wrong, np.zeros(n, dtype=bool), 0.05, 0.95, seed)

    # the same fifth places the same thresholds
    order = np.random.default_rng(seed).permutation(n)
    placing, testing = confidence[order[:200]], order[200:]
    thresholds = np.quantile(placing, 1 - np.linspace(181 / 800, 1, 50)[:-1], method="inverted_cdf")
    thresholds = np.append(thresholds, -np.inf)
    kept = confidence[testing][None] >= thresholds[:, None]
    counts = kept.sum(axis=1)
    errors = (kept & wrong[testing][None]).sum(axis=1)
    # a little less, since MAPIE multiplies again, rounds up, and may count an error that was not there
    risks = errors / counts * (1 - 1e-12)
    (valid,), p_values = controller.ltt_procedure(
        risks[None], np.array([[0.05]]), 0.05, counts[None], binary=True, fwer_method="fixed_sequence"
    )
    assert found == (thresholds[max(valid)] if len(valid) else None)
    ours = [lower_tail(int(e), int(c), 0.05) for e, c in zip(errors, counts, strict=True)]
    assert np.allclose(np.ravel(p_values), ours)
