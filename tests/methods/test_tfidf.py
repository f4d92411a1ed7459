"""What only the n-gram rung promises: no weights, spelling, small models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

import textgraft as tg
from textgraft.errors import DataError
from textgraft.methods import load
from textgraft.methods.limits import MOST_CLASSES
from textgraft.methods.term_ratios import presence, term_ratios
from textgraft.methods.tfidf import MOST_CLASSES_TOLD_APART


def test_rows_have_length_1_or_0(tickets: Any) -> None:
    clf = tg.TfidfClassifier().fit(*tickets.in_scope)
    rows = clf.learned_.evidence
    assert np.allclose(np.sqrt(rows.multiply(rows).sum(axis=1)), 1, atol=1e-5)
    sims = clf.similarities(["refund", "zzzqqqxxx 漢", "refund"])
    assert sims[0, 2] == pytest.approx(1, abs=1e-5)
    assert sims[1, 1] in (pytest.approx(1, abs=1e-5), pytest.approx(0))


def test_beliefs_are_those_of_one_against_the_rest(tickets: Any) -> None:
    texts, labels = tickets.in_scope
    ours = tg.TfidfClassifier(C=2.0, term_weights="idf").fit(texts, labels)
    rows = ours.learned_.evidence
    for code, name in enumerate(ours.classes_[:3]):
        truth = [label == name for label in labels]
        model = LogisticRegression(C=2.0, solver="liblinear", dual=True, max_iter=1_000, random_state=0)
        own = model.fit(rows, truth).predict_proba(rows)[:, 1]
        logits = rows @ ours.learned_.weight[code] + ours.learned_.bias[code]
        assert np.allclose(1 / (1 + np.exp(-logits)), own, atol=2e-3)


def test_naive_bayes_weighs_terms_before_a_class_is_learned(tickets: Any) -> None:
    texts, labels = tickets.in_scope
    ours = tg.TfidfClassifier(C=2.0, term_weights="naive-bayes").fit(texts, labels)
    rows = ours.learned_.evidence
    for code, name in enumerate(ours.classes_[:3]):
        truth = np.array([label == name for label in labels])
        weighed = sp.csr_array(rows.toarray() * term_ratios(presence(rows), truth))
        model = LogisticRegression(
            C=2.0, solver="liblinear", dual=True, tol=1e-2, max_iter=1_000, random_state=0
        )
        own = model.fit(weighed, truth).decision_function(weighed)
        logits = rows @ ours.learned_.weight[code] + ours.learned_.bias[code]
        assert np.allclose(logits, own, atol=1e-2)


@pytest.mark.parametrize(
    ("n_classes", "weights"), [(MOST_CLASSES_TOLD_APART, "naive-bayes"), (MOST_CLASSES_TOLD_APART + 1, "idf")]
)
def test_terms_are_weighed_by_what_they_tell_where_classes_are_few(n_classes: int, weights: str) -> None:
    labels = [f"c{i % n_classes}" for i in range(4 * n_classes)]
    texts = [f"the {label} of {i % 7} and {i % 3}" for i, label in enumerate(labels)]
    usual, same, other = (
        tg.TfidfClassifier(reject=None, term_weights=which).fit(texts, labels).learned_.weight
        for which in ("auto", weights, {"idf": "naive-bayes", "naive-bayes": "idf"}[weights])
    )
    assert np.array_equal(usual, same)
    assert not np.array_equal(usual, other)


def test_words_alone_can_be_read(tickets: Any, tmp_path: Path) -> None:
    clf = tg.TfidfClassifier(char_ngrams=0, word_ngrams=3).fit(*tickets.in_scope)
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    assert loaded.learned_.characters is None
    assert np.array_equal(loaded.predict_proba(tickets.texts), clf.predict_proba(tickets.texts))
    assert clf.learned_.weight.shape[1] == len(clf.learned_.words.get_feature_names_out())


def test_a_class_of_nearly_all_rows_is_weighed_too() -> None:
    """Of a side without a text nothing is known but how many texts it is taken to have."""
    clf = tg.TfidfClassifier(reject=None).fit(["a good day"] * 9 + ["rain"], ["fine"] * 9 + ["wet"])
    assert list(clf.predict(["good", "rain"])) == ["fine", "wet"]


def test_misspelled_words_are_recognised_by_their_characters() -> None:
    texts = ["delivery is late", "delivery delayed", "refund my money", "refund please"] * 3
    clf = tg.TfidfClassifier().fit(texts, ["late", "late", "refund", "refund"] * 3)
    assert list(clf.predict(["delivrey", "refnud"])) == ["late", "refund"]


def test_one_letter_words_and_digits_count() -> None:
    clf = tg.TfidfClassifier(char_ngrams=2).fit(["plan a 1", "plan b 2"] * 4, ["first", "second"] * 4)
    assert list(clf.predict(["a", "b", "2"])) == ["first", "second", "second"]


def test_features_are_bounded() -> None:
    texts = [f"word{i} other{i}" for i in range(200)]
    clf = tg.TfidfClassifier(max_features=50).fit(texts, ["a", "b"] * 100)
    assert clf.learned_.weight.shape == (2, 100)


def test_a_model_predicts_with_the_weights_that_it_saves(tickets: Any, tmp_path: Path) -> None:
    """They are stored in half the space; rounding happens before the first prediction, not on loading."""
    clf = tg.TfidfClassifier().fit(*tickets.in_scope)
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    assert np.array_equal(loaded.learned_.weight, clf.learned_.weight)
    assert np.array_equal(loaded.predict_proba(tickets.texts), clf.predict_proba(tickets.texts))


def test_too_many_classes_are_refused_and_knn_is_named() -> None:
    n = MOST_CLASSES + 1
    with pytest.raises(DataError, match=r"up to 5,000 classes, found 5,001.*knn"):
        tg.TfidfClassifier().fit([f"t{i}" for i in range(n)], [f"c{i}" for i in range(n)])
