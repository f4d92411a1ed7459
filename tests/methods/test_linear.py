"""What only the linear probe promises: the beliefs of logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import textgraft as tg
from textgraft.encoders import HashingEncoder
from textgraft.errors import DataError
from textgraft.methods.limits import MOST_CLASSES


@pytest.mark.parametrize("n_classes", [2, 3, 9])
def test_beliefs_are_those_of_sklearn(tickets: Any, n_classes: int) -> None:
    names = sorted(set(tickets.in_scope[1]))[:n_classes]
    texts, labels = zip(*[(t, y) for t, y in zip(*tickets.in_scope, strict=True) if y in names], strict=True)
    ours = tg.LinearClassifier("hashing", C=3.0).fit(texts, labels)
    vectors = HashingEncoder().encode(list(texts))
    theirs = LogisticRegression(C=3.0 * np.sqrt(n_classes / 2), tol=1e-5, max_iter=1_000).fit(vectors, labels)
    assert list(theirs.classes_) == list(ours.classes_)
    assert np.allclose(ours.predict_proba(texts), theirs.predict_proba(vectors), atol=1e-5)


def test_confidence_is_the_largest_logit_times_the_nearest_similarity_of_that_class(tickets: Any) -> None:
    texts, labels = tickets.in_scope
    clf = tg.LinearClassifier("hashing").fit(texts[20:], labels[20:])
    vectors = HashingEncoder().encode(texts)
    logits = np.log(clf.predict_proba(texts))
    best = logits.argmax(axis=1)
    own = np.array(labels[20:])[None, :] == clf.classes_[best][:, None]
    nearest = np.where(own, vectors @ vectors[20:].T, -1).max(axis=1)
    product = (logits.max(axis=1) - logits.mean(axis=1)) * np.clip(nearest, 0, None)
    assert np.allclose(clf.predict_scores(texts).confidence, product / (1 + product), atol=2e-3)


def test_confidence_compares_with_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgraft.methods.confidence.class_evidence.MOST_ROWS_COMPARED", 5)
    texts = [f"{word} {number}" for word in ("apple", "robin") for number in range(20)]
    clf = tg.LinearClassifier("hashing").fit(texts, ["fruit"] * 20 + ["bird"] * 20)
    assert [len(rows) for rows in clf.learned_.of_classes.rows_of_class] == [5, 5]
    assert clf.predict(["apple 21", "robin 21"]).tolist() == ["fruit", "bird"]


def test_a_larger_C_fits_the_training_rows_closer(tickets: Any) -> None:
    texts, labels = tickets.in_scope
    loose, close = (tg.LinearClassifier("hashing", C=C).fit(texts, labels) for C in (0.1, 100.0))
    assert close.predict_proba(texts).max(axis=1).mean() > loose.predict_proba(texts).max(axis=1).mean() + 0.2


def test_too_many_classes_are_refused_and_knn_is_named() -> None:
    n = MOST_CLASSES + 1
    with pytest.raises(DataError, match=r"up to 5,000 classes, found 5,001.*knn"):
        tg.LinearClassifier("hashing:4").fit([f"t{i}" for i in range(n)], [f"c{i}" for i in range(n)])
