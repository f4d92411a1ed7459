"""Rules that look at each class by itself, on fitted classifiers and after they were saved."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import textgraft as tg
from textgraft.core.held_out import HeldOut
from textgraft.errors import DataError


def _words(rows: dict[str, int], seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    labels = [name for name, count in rows.items() for _ in range(count)]
    return [" ".join(f"{name}{word}" for word in random.integers(0, 9, 4)) for name in labels], labels


@pytest.mark.parametrize("rule", [tg.AtCoverage(0.9, per_class=True), tg.AtRisk(0.1, per_class=True)])
def test_thresholds_of_classes_are_saved(tmp_path: Path, rule: tg.AtCoverage | tg.AtRisk) -> None:
    texts, labels = _words({"apple": 80, "hammer": 80, "robin": 9})
    outside = _words({"noise": 12})[0]
    clf = tg.LinearClassifier("hashing", reject=rule, oos_labels="oos")
    clf.fit([*texts, *outside], [*labels, *["oos"] * 12])
    assert len(clf.threshold_.by_class) == 2
    clf.save(tmp_path / "m")
    again = tg.load(tmp_path / "m")
    assert again.threshold_ == clf.threshold_
    asked = [*_words({"apple": 20, "robin": 20}, 1)[0], *_words({"noise": 20}, 1)[0]]
    assert again.predict(asked).tolist() == clf.predict(asked).tolist()
    assert again.rejection_sentences() == clf.rejection_sentences()
    # the rule can still be moved, and moved back
    again.set_rejection(tg.AtCoverage(0.5)).set_rejection(rule)
    assert again.threshold_ == clf.threshold_
    cut = clf.threshold_.cuts(clf.predict_scores(asked[:1]).best)[0]
    assert clf.explain(asked[0]).threshold == (None if math.isinf(cut) else cut)


def test_rejected_out_of_scope_rows_are_counted_by_the_class_they_look_like() -> None:
    texts, labels = _words({"apple": 120, "hammer": 120})
    outside = _words({"apple": 20, "noise": 9}, 1)[0]
    clf = tg.LinearClassifier("hashing", reject=tg.AtCoverage(0.8, per_class=True), oos_labels="oos")
    clf.fit([*texts, *outside], [*labels, *["oos"] * len(outside)])
    rejected = int((clf.predict(outside) == "<rejected>").sum())
    assert f"Of the 29 out-of-scope rows given, {rejected} are rejected." in clf.rejection_sentences()


def test_held_out_rows_of_older_models_cannot_be_told_apart_by_class() -> None:
    clf = tg.LinearClassifier("hashing", reject=tg.AtCoverage(0.9)).fit(*_words({"apple": 80, "hammer": 80}))
    clf.held_out_ = HeldOut(clf.held_out_.confidence, clf.held_out_.correct, source="held-out")
    with pytest.raises(DataError, match="did not note which class each held-out row was taken for"):
        clf.set_rejection(tg.AtCoverage(0.9, per_class=True))
    clf.set_rejection(tg.AtCoverage(0.9, per_class=True), valid=_words({"apple": 50, "hammer": 50}, 2))
    assert len(clf.threshold_.by_class) == 2
