"""Measures of several labels a text, against scikit-learn's and numbers worked out by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

import textgraft as tg
from textgraft.core.label_thresholds import LabelThresholds
from textgraft.core.scores import Scores, scores_of_labels
from textgraft.errors import DataError
from textgraft.experiments.evaluate_labels import evaluate_labels


@dataclass
class Oracle:
    """Believes what it is told of each text."""

    beliefs: dict[str, list[float]]
    names: str = "abc"
    multilabel_ = True
    oos_labels = ("oos",)

    @property
    def classes_(self) -> np.ndarray:
        return np.array(list(self.names), dtype=object)

    @property
    def label_thresholds_(self) -> LabelThresholds:
        return LabelThresholds(np.full(len(self.names), 0.5), np.full(len(self.names), 9), 0.5, 9, "valid")

    def predict_scores(self, texts: list[str], watch: object = None, *, most: int = 100) -> Scores:
        assert most >= len(self.names)
        return scores_of_labels(np.array([self.beliefs[text] for text in texts]))


ROW = st.tuples(
    st.lists(st.floats(0, 1), min_size=3, max_size=3), st.lists(st.booleans(), min_size=3, max_size=3)
)


@given(st.lists(ROW, min_size=1, max_size=30))
def test_measures_are_those_of_scikit_learn(rows):
    belief = np.array([b for b, _ in rows])
    true, given = np.array([t for _, t in rows]), belief >= 0.5
    oracle = Oracle({str(row): list(b) for row, b in enumerate(belief)})
    labels = [[name for name, has in zip("abc", t, strict=True) if has] for t in true]
    found = evaluate_labels(oracle, list(oracle.beliefs), labels)
    assert found.micro_f1 == pytest.approx(metrics.f1_score(true, given, average="micro", zero_division=0.0))
    seen = np.flatnonzero(true.any(axis=0) | given.any(axis=0))
    macro = (
        metrics.f1_score(true, given, labels=seen, average="macro", zero_division=0.0) if len(seen) else 0.0
    )
    assert found.macro_f1 == pytest.approx(macro)
    assert found.subset_accuracy == pytest.approx(metrics.accuracy_score(true, given))
    assert found.hamming_loss == pytest.approx(metrics.hamming_loss(true, given))
    has = true.any(axis=1)
    if has.any():
        lrap = metrics.label_ranking_average_precision_score(true[has], belief[has])
        assert found.lrap == pytest.approx(lrap)
    else:
        assert found.lrap is None
    each = metrics.precision_recall_fscore_support(true, given, zero_division=0.0)
    expected = [(name, *(column[at] for column in each)) for at, name in enumerate("abc") if at in seen]
    assert [(one.name, one.precision, one.recall, one.f1, one.support) for one in found.labels] == [
        (name, *map(pytest.approx, numbers)) for name, *numbers in expected
    ]
    json.dumps(found.to_dict(), allow_nan=False)


ORACLE = Oracle({"x": [0.9, 0.8, 0.0], "y": [0.1, 0.2, 0.3], "z": [0.0, 0.9, 0.1], "far": [0.6, 0, 0]})


def test_every_kind_of_row_is_counted():
    texts = ["x", "y", "z", "far", "y", " ", "y"]
    labels = [["a", "b"], [], ["c", "b"], ["oos"], ["oos"], ["a"], None]
    found = evaluate_labels(ORACLE, texts, labels)
    assert (found.rows, found.in_scope, found.out_of_scope, found.unlabelled, found.skipped) == (
        7,
        3,
        2,
        1,
        1,
    )
    assert found.micro_precision == 1.0
    assert found.micro_recall == 3 / 4
    assert found.subset_accuracy == pytest.approx(2 / 3)
    assert (found.without_label, found.predicted_without_label) == (
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )
    assert (found.labels_a_text, found.predicted_a_text) == (pytest.approx(4 / 3), 1.0)
    assert found.out_of_scope_without_label == 0.5
    table = found.table()
    assert "1 row without a list of labels: not evaluated." in table
    assert "33.3 %  true; 33.3 % given" in table


def test_a_label_that_was_never_learned_is_missed():
    found = evaluate_labels(ORACLE, ["x", "y"], [["a", "b", "new"], ["new"]])
    assert (found.unseen_labels, found.unseen_rows) == (1, 2)
    assert found.micro_recall == 2 / 4
    new = next(one for one in found.labels if one.name == "new")
    assert (new.recall, new.support, new.predicted, new.threshold) == (0.0, 2, 0, None)
    assert "never learned" in found.table()


def test_only_the_worst_of_many_labels_are_shown():
    found = evaluate_labels(ORACLE, ["x", "y", "z"], [["a", "b"], [], ["c"]])
    table = found.table(max_labels=1)
    assert table.startswith("The 1 labels with the lowest F1 of 3, worst first:")
    assert "\nc " in table
    assert "\na " not in table


def test_a_single_label_has_no_rank():
    found = evaluate_labels(Oracle({"x": [0.9], "y": [0.1]}, "a"), ["x", "y"], [["a"], []])
    assert found.lrap is None
    assert found.subset_accuracy == 1.0


def test_rows_and_classifiers_of_the_other_kind_are_refused():
    with pytest.raises(DataError, match="found none in 1 rows"):
        evaluate_labels(ORACLE, ["x"], [None])
    with pytest.raises(DataError, match="row 0, as in other rows"):
        evaluate_labels(ORACLE, ["x"], ["a"])
    single = tg.TfidfClassifier().fit(["a b", "c d"], ["x", "y"])
    with pytest.raises(DataError, match="learned one label a text"):
        evaluate_labels(single, ["a b"], [["x"]])
    assert isinstance(tg.evaluate(single, ["a b"], ["x"]), tg.Evaluation)


def test_belief_is_measured_before_and_after_its_correction():
    class Corrected(Oracle):
        def predict_scores(self, texts, watch=None, *, most=100):
            own = np.array([self.beliefs[text] for text in texts])
            return scores_of_labels(own / 2, own=own)

    texts, labels = ["x", "y", "z"], [["a", "b"], ["c"], ["b"]]
    found = evaluate_labels(Corrected(ORACLE.beliefs), texts, labels)
    # at 0.1 or more: of corrected belief a .45 true, b .4 true, b .1 not, c .15 true, b .45 true
    assert [one.rows for one in found.reliability] == [1, 1, 3]
    assert found.calibration_error == pytest.approx((0.1 + 0.85 + 3 - 1.3) / 5)
    plain = evaluate_labels(ORACLE, texts, labels)
    assert (plain.uncorrected_calibration_error, plain.uncorrected_reliability) == (None, ())
    assert found.uncorrected_calibration_error == plain.calibration_error
    assert found.uncorrected_reliability == plain.reliability
    said = {one.key: one.value for one in found.measures()}
    assert said["calibration_error"] == "0.530"
    assert {one.key: one.value for one in plain.measures()}["uncorrected_calibration_error"] == "–"


def test_labels_that_nobody_believes_have_no_calibration():
    found = evaluate_labels(Oracle({"x": [0.05, 0.0, 0.0]}), ["x"], [["a"]])
    assert (found.calibration_error, found.reliability) == (None, ())
    assert "calibration error" in found.table()
