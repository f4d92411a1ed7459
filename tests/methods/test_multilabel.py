"""One suite for the methods that learn several labels a text: what is promised holds for each."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import MultiLabelBinarizer

import textgraft as tg
from textgraft.bundle import read_bundle, write_bundle
from textgraft.core.label_thresholds import fit_label_thresholds
from textgraft.errors import DataError, ParameterError, TrainingError
from textgraft.methods import METHODS, load, method_class
from textgraft.methods.base import TextClassifier
from textgraft.methods.multilabel import TAKES_SEVERAL, TakesSeveral

WORDS = {
    "bird": ["robin", "eagle", "crow", "finch", "heron", "stork"],
    "fruit": ["apple", "pear", "plum", "cherry", "grape", "melon"],
    "tool": ["hammer", "saw", "drill", "wrench", "pliers", "chisel"],
}
FILL = ["the", "of", "and", "with"]

NETWORK = {"epochs": 12, "rate": 2e-2, "batch_size": 12, "hidden": 16, "layers": 1, "dropout": 0.0}
# what small data and a tiny encoder need; everything else is as users have it
SMALL: dict[str, dict[str, Any]] = {
    "linear": {"encoder": "hashing"},
    "knn": {"encoder": "hashing", "k": 3},
    "word-gru": dict(NETWORK),
    "transformer-gru": dict(NETWORK),
    "finetune": {"contrast": 1, "epochs": 8, "rate": 2e-3, "batch_size": 12},
    "ulmfit": {
        "adapt": 1, "thaw": 1, "epochs": 8, "rate": 3e-2, "factor": 1.3, "dropout": 0.0, "batch_size": 16,
    },
}  # fmt: skip

TRAINED = ("word-gru", "transformer-gru", "ulmfit", "finetune")


@pytest.fixture(scope="module", autouse=True)
def _tiny_pretrained(
    tiny_bert_knowing: Callable[[list[str]], Path],
    tiny_language_model: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    words = [word for group in WORDS.values() for word in group] + FILL
    vectors = tmp_path_factory.mktemp("vectors") / "tiny.vec"
    rows = np.random.default_rng(0).normal(size=(len(words), 24)).round(4)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True)]
    vectors.write_text(f"{len(words)} 24\n" + "\n".join(lines) + "\n", encoding="utf-8")
    bert = str(tiny_bert_knowing(words))
    SMALL["word-gru"]["vectors"] = str(vectors)
    SMALL["transformer-gru"]["encoder"] = SMALL["finetune"]["encoder"] = bert
    SMALL["ulmfit"]["language_model"] = str(tiny_language_model(words))


def _rows(n: int, seed: int = 0) -> tuple[list[str], list[list[str]]]:
    """Texts whose labels are plain to any method; one in seven has none."""
    draw = random.Random(seed)
    texts, labels = [], []
    for row in range(n):
        names = draw.sample(sorted(WORDS), (1, 2, 0, 1, 2, 3, 1)[row % 7])
        words = [word for name in names for word in draw.choices(WORDS[name], k=3)] + draw.choices(FILL, k=2)
        draw.shuffle(words)
        texts.append(" ".join(words))
        labels.append(names)
    return texts, labels


def _make(name: str, **parameters: Any) -> TextClassifier:
    return method_class(name)(**(SMALL.get(name, {}) | parameters))


@pytest.fixture(params=TAKES_SEVERAL)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_methods_that_say_so_are_those_that_can() -> None:
    assert {name for name in METHODS if isinstance(method_class(name)(), TakesSeveral)} == set(TAKES_SEVERAL)


def test_plain_labels_are_learned_and_kept(name: str, tmp_path: Path) -> None:
    texts, labels = _rows(70)
    clf = _make(name).fit(texts[:56], labels[:56], valid=(texts[56:], labels[56:]))
    assert clf.multilabel_
    assert list(clf.classes_) == ["bird", "fruit", "tool"]
    assert list(clf.class_counts_) == [sum(label in names for names in labels[:56]) for label in clf.classes_]
    asked, truth = _rows(42, seed=1)
    found = tg.evaluate(clf, [*asked, ""], [*truth, ["bird"]])
    assert isinstance(found, tg.MultilabelEvaluation)
    assert found.skipped == 1
    # a guess by frequency has about 0.6
    assert found.micro_f1 >= (0.8 if name in ("knn", "ulmfit") else 0.9)
    assert found.lrap is not None
    assert found.lrap >= 0.9

    answers, belief = clf.predict([*asked, " "]), clf.predict_proba([*asked, " "])
    assert answers.dtype == object
    assert all(isinstance(names, tuple) and list(names) == sorted(names) for names in answers)
    assert answers[-1] == ()
    assert () in list(answers[:-1])
    assert belief.shape == (43, 3)
    assert (belief >= 0).all()
    assert (belief <= 1).all()
    assert (belief.sum(axis=1) > 1.05).any()
    thresholds = clf.label_thresholds_
    expected = [tuple(clf.classes_[row >= thresholds.values]) for row in belief]
    assert list(answers[:-1]) == expected[:-1]
    assert clf.score(asked, truth) == pytest.approx(found.subset_accuracy)

    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    # as a whole model and its parts are kept, answers are the same to the last bit
    assert np.array_equal(loaded.predict_proba(asked), clf.predict_proba(asked))
    assert list(loaded.predict(asked)) == list(clf.predict(asked))
    assert loaded.explain(asked[0]) == clf.explain(asked[0])
    assert loaded.rejection_sentences() == clf.rejection_sentences()
    assert "14 rows of the validation file" in clf.rejection_sentences()[0]


def test_thresholds_come_from_rows_that_were_not_learned(name: str) -> None:
    texts, labels = _rows(21)
    clf = _make(name, **({"epochs": 1} if name in TRAINED else {})).fit(texts, labels)
    assert clf.label_thresholds_.source == "cross-fit"
    assert clf.label_thresholds_.rows == 21
    held = clone(clf).set_params(holdout=0.3).fit(texts, labels)
    assert held.label_thresholds_.source == "held-out"
    assert len(held.train_texts_) == 21 - held.label_thresholds_.rows
    assert 4 <= held.label_thresholds_.rows <= 9


def test_labels_on_no_row_but_one_can_be_learned(name: str) -> None:
    texts, labels = _rows(14)
    labels = [["always", *names] for names in labels]
    labels[3] = [*labels[3], "once"]
    clf = _make(name, **({"epochs": 1} if name in TRAINED else {})).fit(texts, labels)
    assert np.isfinite(clf.predict_proba(texts)).all()
    assert all("always" in names for names in clf.predict(texts))
    assert clf.label_thresholds_.positives.tolist()[0] == 14
    assert clf.label_thresholds_.positives.tolist()[-2] == 1


def test_one_label_that_some_rows_have_can_be_learned(name: str) -> None:
    texts, labels = _rows(28)
    clf = _make(name).fit(texts, [["tool"] if "tool" in names else [] for names in labels])
    assert list(clf.classes_) == ["tool"]
    right = [
        (("tool" in names) == bool(given)) for names, given in zip(labels, clf.predict(texts), strict=True)
    ]
    assert np.mean(right) >= 0.85


def test_what_a_text_is_among_changes_nothing(name: str) -> None:
    texts, labels = _rows(28)
    clf = _make(name, **({"epochs": 1} if name in TRAINED else {})).fit(texts, labels, valid=(texts, labels))
    together, noise = clf.predict_proba(texts), 2e-2 if name in TRAINED else 1e-6
    assert np.allclose([clf.predict_proba([text])[0] for text in texts[:5]], together[:5], atol=noise)
    assert clf.predict([]).shape == (0,)
    assert clf.predict_proba([]).shape == (0, 3)


CHEAP = ("tfidf", "linear", "knn")


@pytest.mark.parametrize("cheap", CHEAP)
def test_labels_come_in_any_container_of_lists(cheap: str) -> None:
    texts, labels = _rows(28)
    expected = _make(cheap).fit(texts, labels).predict_proba(texts)
    binarizer = MultiLabelBinarizer()
    table = binarizer.fit_transform(labels)
    objects = np.empty(len(labels), dtype=object)
    objects[:] = [tuple(names) for names in labels]
    for kind in (
        iter(labels), [set(names) for names in labels], pd.Series(labels), objects,
        pd.DataFrame(table, columns=binarizer.classes_),
    ):  # fmt: skip
        assert np.array_equal(_make(cheap).fit(texts, kind).predict_proba(texts), expected)
    numbered = _make(cheap).fit(texts, table)
    assert list(numbered.classes_) == ["0", "1", "2"]
    assert np.array_equal(numbered.predict_proba(texts), expected)


@pytest.mark.parametrize("cheap", CHEAP)
def test_grid_search_takes_a_table_of_labels(cheap: str) -> None:
    texts, labels = _rows(35)
    table = MultiLabelBinarizer().fit_transform(labels)
    parameter = {"knn": {"k": [1, 3]}}.get(cheap, {"C": [1.0, 30.0]})
    search = GridSearchCV(_make(cheap), parameter, cv=2).fit(texts, table)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # by chance one text in eight is given exactly its labels
    assert search.best_score_ >= 0.4


def test_out_of_scope_unlabelled_and_empty_rows_are_kept_apart(name: str) -> None:
    texts, labels = _rows(21)
    more = ["the weather", "nobody said", "not this either", " "]
    given = [*labels, ["oos"], None, "", ["bird"]]
    clf = _make(name, oos_labels=["oos"], **({"epochs": 1} if name in TRAINED else {}))
    clf.fit([*texts, *more], given)
    report = clf.report_
    assert (report.in_scope, report.out_of_scope, report.unlabelled, report.empty) == (21, 1, 2, 1)
    assert list(clf.classes_) == ["bird", "fruit", "tool"]
    assert "Of the 1 out-of-scope rows given" in clf.rejection_sentences()[1]


@pytest.mark.parametrize("cheap", CHEAP)
def test_thresholds_are_fitted_anew_and_rejection_is_refused(cheap: str) -> None:
    texts, labels = _rows(42)
    clf = _make(cheap).fit(texts, labels)
    before = clf.label_thresholds_
    with pytest.raises(ParameterError, match="empty set"):
        clf.set_rejection(tg.AtCoverage(0.9))
    assert clf.label_thresholds_ is before
    clf.set_rejection(None, valid=_rows(35, seed=5))
    assert clf.label_thresholds_.source == "valid"
    assert clf.label_thresholds_.rows == 35
    with pytest.raises(DataError, match="training rows lack"):
        clf.set_rejection(None, valid=(["a b"], [["new"]]))
    with pytest.raises(ParameterError, match="reject None"):
        _make(cheap, reject=tg.AtRisk(0.1)).fit(texts, labels)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([["x"], "y"], "in row 1, as in other rows"),
        ([[], []], "No row of 2 has a label"),
        ([["x"], ["x"]], "one label 'x'"),
        ([["x", ""], ["y"]], "row 0 has an empty label"),
        ([["x", tg.REJECTED], ["y"]], "reserved"),
        ([["x"]], "2 texts and 1 labels"),
        ([["x", "oos"], ["y"]], "out-of-scope label 'oos' beside others"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), "0 and 1"),
    ],
)
def test_lists_that_cannot_be_learned_from_are_one_clear_error(labels: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        tg.TfidfClassifier(oos_labels=["oos"]).fit(["a b", "c d"], labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", sorted(set(METHODS) - set(TAKES_SEVERAL)))
def test_methods_of_one_label_say_which_ones_can(other: str) -> None:
    with pytest.raises(DataError, match=r"one label a row.*tfidf, linear, knn"):
        method_class(other)(encoder="hashing").fit(*_rows(7))


def test_what_needs_one_label_says_so() -> None:
    texts, labels = _rows(14)
    with pytest.raises(DataError, match="one label each"):
        tg.TfidfClassifier().out_of_fold(texts, labels)
    single = tg.TfidfClassifier().fit(texts, ["a", "b"] * 7)
    assert not single.multilabel_
    assert not single.fit(texts, labels).fit(texts, ["a", "b"] * 7).multilabel_


def test_explaining_shows_the_labels_of_neighbours() -> None:
    texts, labels = _rows(28)
    clf = _make("knn").fit(texts, labels)
    row = next(row for row, names in enumerate(labels) if len(names) == 3)
    found = clf.explain(texts[row], k=1)
    assert found.neighbours[0].labels == ("bird", "fruit", "tool")
    assert found.neighbours[0].label == "bird, fruit, tool"
    assert set(found.belief) == {"bird", "fruit", "tool"}
    assert found.label == (", ".join(found.labels) or "(no label)")


def test_both_directions_of_ulmfit_average_what_they_believe_of_each_label(
    tiny_language_model: Callable[..., Path], tmp_path: Path
) -> None:
    from scipy.special import expit

    texts, labels = _rows(28)
    words = [word for group in WORDS.values() for word in group] + FILL
    backward = str(tiny_language_model(words, backward=True))
    clf = _make("ulmfit", backward=backward, epochs=2).fit(texts, labels, valid=(texts, labels))
    each = [expit(graft.vectors_and_logits(texts)[1].astype(np.float64)) for graft in clf.learned_.grafts]
    assert np.allclose(clf.predict_proba(texts), np.mean(each, axis=0), atol=1e-6)


def test_patience_watches_rows_with_every_label() -> None:
    texts, labels = _rows(70)
    clf = _make("word-gru", patience=2).fit(texts, labels, valid=_rows(14, seed=2))
    assert clf.learned_.training.reports[0].valid_loss is not None


@pytest.mark.parametrize("cheap", CHEAP)
def test_belief_is_calibrated_by_rows_that_were_not_learned(cheap: str, tmp_path: Path) -> None:
    def mislabelled(n: int, seed: int) -> tuple[list[str], list[list[str]]]:
        texts, labels = _rows(n, seed=seed)
        draw = np.random.default_rng(seed)
        others = draw.permutation(len(labels))
        return texts, [
            labels[other] if draw.random() < 0.4 else names
            for other, names in zip(others, labels, strict=True)
        ]

    clf = _make(cheap).fit(*_rows(42))
    assert clf.label_belief_.rows == 0
    others = mislabelled(210, 7)
    before = tg.evaluate(clf, *others)
    assert before.uncorrected_calibration_error is None
    clf.set_rejection(None, valid=mislabelled(210, 5))
    belief = clf.label_belief_
    assert (belief.rows, belief.source) == (210, "valid")
    assert belief.sentence() == clf.calibration_.sentence()
    after = tg.evaluate(clf, *others)
    assert after.uncorrected_calibration_error == pytest.approx(before.calibration_error)
    assert after.uncorrected_reliability == before.reliability
    assert after.calibration_error < before.calibration_error / 2
    clf.save(tmp_path / "a.model")
    again = tg.load(tmp_path / "a.model")
    assert np.array_equal(again.label_belief_.usual, belief.usual)
    assert np.array_equal(again.predict_proba(others[0]), clf.predict_proba(others[0]))
    assert list(again.predict(others[0])) == list(clf.predict(others[0]))


def test_a_model_of_before_belief_was_calibrated_has_its_own(tmp_path: Path) -> None:
    texts, labels = _rows(70)
    clf = _make("tfidf").fit(texts, labels)
    assert clf.label_belief_.rows == 70
    clf.save(tmp_path / "a.model")
    bundle = read_bundle(tmp_path / "a.model")
    del bundle.about["label_belief"]
    write_bundle(tmp_path / "a.model", bundle)
    old = tg.load(tmp_path / "a.model")
    assert old.label_belief_.rows == 0
    own = clf.predict_scores(texts, most=3)
    assert old.predict_scores(texts, most=3).by_class == pytest.approx(replace(own, values=own.own).by_class)


def test_few_positives_count_as_much_where_labels_are_balanced() -> None:
    texts, labels = _rows(56)
    rare = [[*(["rare"] if row % 14 == 0 else []), *names] for row, names in enumerate(labels)]
    plain, balanced = (
        _make("finetune", contrast=0, epochs=2, class_weights=weights).fit(texts, rare, valid=(texts, rare))
        for weights in ("none", "balanced")
    )
    column = list(plain.classes_).index("rare")
    assert (
        balanced.predict_proba(texts)[:, column].mean() > plain.predict_proba(texts)[:, column].mean() + 0.1
    )


def test_thresholds_see_the_belief_in_every_one_of_many_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(belief: np.ndarray, targets: np.ndarray, source: Any) -> Any:
        seen.append(belief)
        return fit_label_thresholds(belief, targets, source)

    monkeypatch.setattr("textgraft.methods.multilabel.fit_label_thresholds", spy)
    names = [f"label {number:03}" for number in range(150)]
    clf = _make("knn").fit(["all of them", "not one"] * 6, [names, []] * 6)
    assert (seen[0].max(axis=0) > 0.5).all()
    assert [len(given) for given in clf.predict(["all of them", "not one"])] == [150, 0]
    assert clf.predict_proba(["all of them"]).min() > 0.5


def test_one_row_is_learned_and_nothing_is_fitted_on_it() -> None:
    for cheap in CHEAP:
        clf = _make(cheap).fit(["apple saw"], [["fruit", "tool"]])
        assert list(clf.label_thresholds_.values) == [0.5, 0.5]
        assert list(clf.predict(["apple saw"])) == [("fruit", "tool")]


def test_methods_that_are_cheap_are_cross_fitted_where_networks_hold_rows_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts, labels = _rows(42)
    monkeypatch.setattr("textgraft.methods.multilabel.FEWEST_ROWS_TO_SPARE", 40)
    monkeypatch.setattr("textgraft.methods.rejection.calibration.FEWEST_HELD_OUT", 10)
    assert _make("linear").fit(texts, labels).label_thresholds_.source == "cross-fit"
    assert _make("word-gru", epochs=1).fit(texts, labels).label_thresholds_.source == "held-out"
    monkeypatch.setattr("textgraft.methods.multilabel.CROSS_FITTED_UP_TO", 40)
    assert _make("linear").fit(texts, labels).label_thresholds_.source == "held-out"


def test_a_rate_is_found_for_several_labels() -> None:
    texts, labels = _rows(28)
    assert 1e-5 < _make("word-gru").find_rate(texts, labels).suggestion < 10


def test_a_killed_fit_goes_on_with_the_same_lists_alone(tmp_path: Path) -> None:
    texts, labels = _rows(28)
    valid = _rows(14, seed=1)
    first = _make("word-gru", epochs=2).fit(texts, labels, valid=valid, run=tmp_path / "run")
    again = _make("word-gru", epochs=2).fit(texts, labels, valid=valid, run=tmp_path / "run")
    assert np.array_equal(first.predict_proba(texts), again.predict_proba(texts))
    with pytest.raises(TrainingError, match="checkpoint of another run"):
        _make("word-gru", epochs=2).fit(texts, labels[::-1], valid=valid, run=tmp_path / "run")


def test_the_head_of_finetune_starts_as_a_regression_a_label() -> None:
    texts, labels = _rows(56)
    clf = _make("finetune", contrast=0, epochs=0).fit(texts, labels, valid=(texts, labels))
    assert tg.evaluate(clf, *_rows(42, seed=1)).lrap >= 0.9


def test_a_set_is_right_in_any_order_and_where_nobody_said_nothing_is() -> None:
    # "10" sorts before "2" beside "x", and after it alone
    texts, labels = ["a b", "c d", "e f"] * 4, [["2", "10"], ["x"], []] * 4
    clf = tg.TfidfClassifier().fit(texts, labels)
    assert list(clf.predict(texts[:3])) == [("10", "2"), ("x",), ()]
    assert clf.score(texts, labels) == 1.0
    assert clf.score(texts[:3], [["10", "2"], ["x"], None]) == pytest.approx(2 / 3)
    assert clf.score(texts[:3], [["2"], ["x"], []], sample_weight=[2, 1, 1]) == 0.5
