"""What rules promise, from ``fit`` over its hold-out to ``predict``; and a split that leaks is caught."""

from __future__ import annotations

import math

import numpy as np
import pytest

import textgraft as tg

REDRAWS = 60
COVERAGE, RISK = tg.AtCoverage(0.9), tg.AtRisk(0.15, 0.9)

Rows = tuple[list[str], list[str]]


def _rows(n: int, seed: int) -> Rows:
    """Texts of four classes: of six words two or three are of the class, the others of any."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, n)
    own = random.random((n, 6)) < 0.4
    words = np.where(own, codes[:, None] * 8, random.integers(0, 4, (n, 6)) * 8) + random.integers(
        0, 8, (n, 6)
    )
    return [" ".join(f"w{word}" for word in row) for row in words], [f"class {code}" for code in codes]


def _kept_and_wrong(leaks: bool) -> tuple[np.ndarray, np.ndarray]:
    """(r,) shares of new texts that a coverage keeps, and (r,) of errors among those that a risk keeps."""
    kept, wrong = [], []
    for seed in range(REDRAWS):
        rows = _rows(300, seed)
        clf = tg.LinearClassifier("hashing:64", reject=COVERAGE, holdout=0.4, confidence="product", seed=seed)
        # rows that were learned from, given as if they had not been
        clf.fit(*rows, valid=rows if leaks else None)
        assert clf.threshold_.guaranteed
        texts, labels = _rows(400, REDRAWS + seed)
        kept.append(float((clf.predict(texts) != "<rejected>").mean()))
        answers = clf.set_rejection(RISK).predict(texts)
        accepted = answers != "<rejected>"
        wrong.append(float((answers != np.array(labels))[accepted].mean()) if accepted.any() else 0.0)
    return np.array(kept), np.array(wrong)


def test_promises_hold_for_new_texts() -> None:
    kept, wrong = _kept_and_wrong(leaks=False)
    assert kept.mean() == pytest.approx(0.9, abs=3 * kept.std() / math.sqrt(REDRAWS))
    assert (wrong > RISK.max_error).mean() <= 0.1 + 3 * math.sqrt(0.1 * RISK.confidence / REDRAWS)
    # and it is no empty promise: on so few rows it is now and then given
    assert (wrong > 0).mean() > 0.1


def test_a_split_that_leaks_is_caught() -> None:
    kept, wrong = _kept_and_wrong(leaks=True)
    assert kept.mean() < 0.9 - 3 * kept.std() / math.sqrt(REDRAWS)
    assert (wrong > RISK.max_error).mean() > 0.5
