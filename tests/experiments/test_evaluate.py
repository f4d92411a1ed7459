"""Evaluation: golden numbers worked out by hand, and laws that hold for any rows."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.core.held_out import HeldOut
from textgraft.core.progress import Watch, unwatched
from textgraft.core.scores import Scores
from textgraft.core.thresholds import Threshold, fit_threshold
from textgraft.experiments.evaluate import Evaluation, evaluate

TICKETS = Path(__file__).parents[2] / "examples" / "support_tickets.csv"
CLASSES = ("a", "b", "c")


class Oracle:
    """Believes of each text what it is told: ``{text: (class, confidence)}``."""

    def __init__(
        self, beliefs: dict[str, tuple[str, float]], cut: float | None, oos_labels: Sequence[str] = ("oos",)
    ) -> None:
        self.beliefs = beliefs
        self.oos_labels: Iterable[str] = oos_labels
        self.classes_ = np.array(CLASSES, dtype=object)
        rule = None if cut is None else tg.AtSimilarity(cut)
        self.threshold_: Threshold = fit_threshold(rule, HeldOut())
        self.calls = 0

    def predict_scores(self, texts: Sequence[object], watch: Watch = unwatched) -> Scores:
        self.calls += 1
        found = [self.beliefs[str(text)] for text in texts]
        codes = np.array([[CLASSES.index(label)] for label, _ in found])
        confidence = np.array([sure for _, sure in found])
        # a dense (n, c) matrix of so many classes fits no memory, so nobody can ask for one
        return Scores(codes, np.ones((len(found), 1)), confidence, 10**15)


GOLDEN = {
    # text: truth, best class, confidence
    "t1": ("a", "a", 0.9),
    "t2": ("a", "a", 0.8),
    "t3": ("a", "b", 0.7),
    "t4": ("a", "a", 0.3),
    "t5": ("b", "b", 0.6),
    "t6": ("b", "b", 0.4),
    "t7": ("c", "b", 0.55),
    "t8": ("c", "a", 0.2),
    "o1": ("oos", "a", 0.65),
    "o2": ("oos", "b", 0.1),
    "o3": ("oos", "c", 0.35),
    "o4": ("oos", "b", 0.45),
}


def golden(cut: float | None = 0.5) -> Evaluation:
    oracle = Oracle({text: (best, sure) for text, (_, best, sure) in GOLDEN.items()}, cut)
    result = evaluate(oracle, list(GOLDEN), [truth for truth, _, _ in GOLDEN.values()])
    assert oracle.calls == 1
    return result


def test_golden_shares() -> None:
    found = golden()
    assert (found.rows, found.in_scope, found.out_of_scope) == (12, 8, 4)
    assert found.accuracy == 3 / 8
    assert found.accuracy_without_rejection == 5 / 8
    assert found.coverage == 5 / 8
    assert found.accuracy_of_accepted == 3 / 5
    # accepted: t1 t2 t3 t5 t7 and o1; right: t1 t2 t5
    assert found.risk == 1 / 2
    assert found.out_of_scope_recall == 3 / 4


def test_golden_separation() -> None:
    found = golden()
    # in-scope rows surer than o1, o2, o3, o4: 3, 8, 6, 5 of 8
    assert found.auroc == pytest.approx(22 / 32)
    # 95 % of 8 rows are 8 rows, so down to 0.2: o1, o3, o4 are accepted too
    assert found.fpr_at_95_tpr == 3 / 4


def test_golden_f1_counts_a_rejected_row_as_a_miss_and_never_as_a_class() -> None:
    found = golden()
    by_name = {one.name: one for one in found.classes}
    assert list(by_name) == ["a", "b", "c"]
    assert (by_name["a"].precision, by_name["a"].recall) == (1.0, 0.5)
    assert by_name["a"].f1 == pytest.approx(2 / 3)
    assert by_name["b"].precision == pytest.approx(1 / 3)
    assert by_name["b"].recall == 0.5
    assert by_name["b"].f1 == pytest.approx(2 / 5)
    assert by_name["c"].f1 == 0.0
    assert [(one.support, one.rejected) for one in found.classes] == [(4, 1), (2, 1), (2, 1)]
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    # 3 true positives, 8 rows, 5 predictions
    assert found.micro_f1 == pytest.approx(2 * 3 / (8 + 5))


def test_the_95_percent_are_reached_with_one_row_of_twenty_below() -> None:
    inside = {f"t{i}": ("a", 0.81 + i / 100) for i in range(19)} | {"low": ("a", 0.01)}
    oracle = Oracle(inside | {"o1": ("a", 0.5), "o2": ("a", 0.9)}, None)
    found = evaluate(oracle, list(oracle.beliefs), ["a"] * 20 + ["oos"] * 2)
    assert found.fpr_at_95_tpr == 1 / 2


def test_out_of_scope_rows_that_look_like_the_others_cannot_be_told() -> None:
    alike = [("a", level / 20) for level in range(20)]
    oracle = Oracle({f"t{i}": belief for i, belief in enumerate(alike * 2)}, None)
    found = evaluate(oracle, list(oracle.beliefs), ["a"] * 20 + ["oos"] * 20)
    assert found.auroc == pytest.approx(0.5)
    # the ROC curve is a straight line, whose inner points must be kept
    assert found.fpr_at_95_tpr == 19 / 20


def test_nothing_accepted_leaves_no_meaning_to_its_accuracy() -> None:
    found = golden(cut=0.95)
    assert (found.coverage, found.accuracy, found.micro_f1) == (0.0, 0.0, 0.0)
    assert found.accuracy_of_accepted is None
    assert found.risk is None
    assert found.out_of_scope_recall == 1.0
    assert sum(one.rejected for one in found.classes) == 8
    json.dumps(found.to_dict(), allow_nan=False)


def test_without_a_rule_everything_is_accepted_and_the_threshold_is_none() -> None:
    found = golden(cut=None)
    assert found.accuracy == found.accuracy_without_rejection == found.accuracy_of_accepted == 5 / 8
    assert (found.coverage, found.threshold, found.out_of_scope_recall) == (1.0, None, 0.0)
    assert found.risk == pytest.approx(1 - 5 / 12)


def test_without_out_of_scope_rows_their_measures_are_none() -> None:
    found = evaluate(Oracle({"x": ("a", 0.9), "y": ("b", 0.9)}, None), ["x", "y"], ["a", "b"])
    assert (found.out_of_scope_recall, found.auroc, found.fpr_at_95_tpr) == (None, None, None)
    assert found.risk == 0.0
    assert "no out-of-scope rows" in found.table()


def test_unseen_labels_stay_in_scope_count_as_wrong_and_are_said() -> None:
    oracle = Oracle({"x": ("a", 0.9), "y": ("b", 0.9), "z": ("b", 0.9)}, None)
    found = evaluate(oracle, ["x", "y", "z"], ["a", "new", "new"])
    assert (found.unseen_labels, found.unseen_rows, found.in_scope) == (1, 2, 3)
    assert found.accuracy == pytest.approx(1 / 3)
    assert [one.name for one in found.classes] == ["a", "b", "new"]
    assert found.macro_f1 == pytest.approx(1 / 3)
    assert any("never learned" in note and "new" in note for note in found.notes)


def test_empty_and_unlabelled_rows_are_counted_and_not_evaluated() -> None:
    oracle = Oracle({"x": ("a", 0.9), "y": ("b", 0.9)}, None)
    found = evaluate(oracle, ["x", " ", "y", "never asked"], ["a", "b", "b", None])
    assert (found.rows, found.in_scope, found.skipped, found.unlabelled) == (4, 2, 1, 1)
    assert found.accuracy == 1.0
    assert len(found.notes) == 2


def test_oos_labels_given_replace_those_of_the_classifier() -> None:
    oracle = Oracle({"x": ("a", 0.9), "y": ("b", 0.1)}, 0.5, oos_labels=("oos",))
    assert evaluate(oracle, ["x", "y"], ["a", -1]).out_of_scope == 0
    assert evaluate(oracle, ["x", "y"], ["a", -1], oos_labels=[-1]).out_of_scope_recall == 1.0


@pytest.mark.parametrize(("texts", "labels"), [([], []), (["x"], ["oos"]), (["x"], [None]), ([""], ["a"])])
def test_no_labelled_in_scope_row_is_refused(texts: list[str], labels: list[str | None]) -> None:
    with pytest.raises(tg.DataError, match="in-scope"):
        evaluate(Oracle({"x": ("a", 0.9)}, None), texts, labels)


def test_before_fit_the_missing_call_is_named() -> None:
    with pytest.raises(tg.NotFittedError, match="call fit"):
        tg.evaluate(tg.TfidfClassifier(), ["x"], ["a"])


def test_table_shows_the_worst_classes_when_there_are_many() -> None:
    shown = golden().table(max_classes=2).splitlines()
    assert "2 classes" in shown[0]
    assert "of 3" in shown[0]
    assert [line.split()[0] for line in shown[2:4]] == ["c", "b"]
    everything = golden().table().splitlines()
    assert [line.split()[0] for line in everything[1:4]] == ["a", "b", "c"]


def test_table_says_every_measure() -> None:
    table = golden().table()
    for words in (
        "coverage              62.5 %",
        "in-scope accuracy     37.5 %",
        "out-of-scope recall   75.0 %",
        "0.688",
        "FPR at 95 % TPR",
        "AUROC",
        "below 0.5",
    ):
        assert words in table


def test_to_dict_survives_json() -> None:
    found = golden(cut=None).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["classes"][0]["name"] == "a"


rows_of_any_kind = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "oos", "new"]),
        st.sampled_from(CLASSES),
        st.integers(0, 10).map(lambda tenth: tenth / 10),
    ),
    min_size=1,
    max_size=30,
).filter(lambda rows: any(truth != "oos" for truth, _, _ in rows))


@given(rows=rows_of_any_kind, cut=st.sampled_from([None, 0.0, 0.35, 0.5, 1.0]))
@settings(max_examples=60, deadline=None)
def test_every_measure_agrees_with_its_definition(
    rows: list[tuple[str, str, float]], cut: float | None
) -> None:
    oracle = Oracle({f"t{i}": (best, sure) for i, (_, best, sure) in enumerate(rows)}, cut)
    found = evaluate(oracle, list(oracle.beliefs), [truth for truth, _, _ in rows])
    inside = [row for row in rows if row[0] != "oos"]
    outside = [sure for truth, _, sure in rows if truth == "oos"]
    keep = -math.inf if cut is None else cut
    f1 = []
    for name in {truth for truth, _, _ in inside} | {best for _, best, sure in inside if sure >= keep}:
        right = sum(truth == best == name and sure >= keep for truth, best, sure in inside)
        claimed = sum(best == name and sure >= keep for _, best, sure in inside)
        f1.append(2 * right / (claimed + sum(truth == name for truth, _, _ in inside)))
    assert found.macro_f1 == pytest.approx(np.mean(f1))
    assert found.accuracy <= found.accuracy_without_rejection
    assert found.accuracy == pytest.approx(found.coverage * (found.accuracy_of_accepted or 0.0))
    if outside:
        wins = [(sure > out) + (sure == out) / 2 for _, _, sure in inside for out in outside]
        assert found.auroc == pytest.approx(np.mean(wins))
        enough = [
            cut
            for cut in {sure for _, _, sure in inside}
            if sum(sure >= cut for _, _, sure in inside) >= 0.95 * len(inside)
        ]
        assert found.fpr_at_95_tpr == pytest.approx(np.mean([out >= max(enough) for out in outside]))
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.fixture(scope="module")
def tickets() -> tuple[list[str], list[str]]:
    with TICKETS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


@pytest.mark.parametrize(
    "classifier",
    [
        tg.KNNClassifier(encoder="hashing", reject=tg.AtCoverage(0.9), oos_labels=["oos"]),
        tg.TfidfClassifier(reject=tg.AtSimilarity(0.3), oos_labels=["oos"]),
    ],
    ids=["knn", "tfidf"],
)
def test_real_classifiers_agree_with_their_own_predictions(
    classifier: tg.TextClassifier, tickets: tuple[list[str], list[str]]
) -> None:
    texts, labels = tickets
    classifier.fit(texts[::2], labels[::2])
    test = [row for row in zip(texts[1::2], labels[1::2], strict=True) if all(map(str.strip, row))]
    found = tg.evaluate(classifier, [text for text, _ in test], [label for _, label in test])
    inside = [row for row in test if row[1] != "oos"]
    outside = [text for text, label in test if label == "oos"]
    assert (found.in_scope, found.out_of_scope) == (len(inside), len(outside))
    right = classifier.score([text for text, _ in inside], [label for _, label in inside])
    assert found.accuracy == pytest.approx(right)
    assert found.out_of_scope_recall == pytest.approx(np.mean(classifier.predict(outside) == tg.REJECTED))
    assert found.auroc is not None
    assert found.auroc > 0.6
    assert found.threshold_sentence == classifier.threshold_.sentence()
