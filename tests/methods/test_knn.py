"""What only nearest neighbours promise: evidence, approximate search, many classes."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

import textgraft as tg
from textgraft.bundle import MANIFEST, Bundle, read_bundle
from textgraft.core.neighbours import Neighbours, vote
from textgraft.core.progress import Watch, unwatched
from textgraft.encoders import HashingEncoder
from textgraft.errors import DataError, ParameterError
from textgraft.methods import load
from textgraft.methods.confidence.neighbour_signs import SeenByVoters, voted_signs
from textgraft.search.exact import ExactIndex
from textgraft.search.hnsw import HNSWIndex


@dataclass(frozen=True)
class PointEncoder:
    """A real encoder of texts that spell their own vector, such as ``"1 0.5"``."""

    dim: int = 2

    max_tokens = None
    name = "points"
    weights_fingerprint = fingerprint = "points"

    @property
    def settings(self) -> dict[str, int]:
        return {}

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        return np.array([text.split() for text in texts], dtype=np.float32).reshape(-1, self.dim)

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        return np.full(len(texts), self.dim)


def _points(vectors: np.ndarray) -> list[str]:
    return [" ".join(f"{value:.6f}" for value in vector) for vector in vectors]


def _cloud(n: int, seed: int, n_classes: int = 4, dim: int = 8) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    codes = random.integers(0, n_classes, n)
    centres = np.random.default_rng(99).normal(size=(n_classes, dim))
    return _points(centres[codes] + 0.7 * random.normal(size=(n, dim))), [f"c{code}" for code in codes]


def test_equal_votes_agree_with_sklearn() -> None:
    texts, labels = _cloud(200, 0)
    queries, _ = _cloud(100, 1)
    ours = tg.KNNClassifier(PointEncoder(8), k=7, temperature=None).fit(texts, labels)
    vectors = PointEncoder(8).encode(texts)
    theirs = KNeighborsClassifier(7, metric="cosine").fit(vectors, labels)
    assert np.allclose(ours.predict_proba(queries), theirs.predict_proba(PointEncoder(8).encode(queries)))


def test_confidence_is_the_similarity_of_the_nearest_text_of_the_winner() -> None:
    clf = tg.KNNClassifier(PointEncoder(), k=3, temperature=None).fit(["1 0", "3 4", "0 2"], ["a", "b", "b"])
    scores = clf.predict_scores(["5 0"])
    assert clf.predict(["5 0"])[0] == "b"
    assert scores.confidence[0] == pytest.approx(0.6)
    assert clf.set_rejection(tg.AtSimilarity(0.59)).predict(["5 0"])[0] == "b"
    assert clf.set_rejection(tg.AtSimilarity(0.61)).predict(["5 0"])[0] == tg.REJECTED


def _with_outside(n_outside: int, n: int = 240, n_classes: int = 4) -> tuple[list[str], list[str]]:
    """Rows of a cloud, and out-of-scope ones from far to one side of it."""
    texts, labels = _cloud(n, 0, n_classes)
    return [*texts, *_strange(n_outside, 1)], [*labels, *["oos"] * n_outside]


def _strange(n: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return _points(np.linspace(1.0, 2.0, 8) + 0.8 * random.normal(size=(n, 8)))


def test_signs_are_weighed_where_rows_are_enough() -> None:
    def sign(rows: tuple[list[str], list[str]], **parameters: Any) -> str:
        made = tg.KNNClassifier(PointEncoder(8), oos_labels="oos", **parameters).fit(*rows)
        return made.learned_.confidence.sign

    assert sign(_cloud(240, 0)) == "similarity"
    assert sign(_cloud(240, 0, n_classes=12)) == "fusion"
    assert sign(_with_outside(30)) == "fusion"
    assert sign(_with_outside(29)) == "similarity"
    assert sign(_with_outside(30), confidence="similarity") == "similarity"
    # a rule of similarity is said in cosines
    assert sign(_with_outside(30), reject=tg.AtSimilarity(0.5)) == "similarity"
    with pytest.raises(DataError, match=r"needs 30 out-of-scope rows.*confidence=similarity"):
        sign(_with_outside(29), confidence="fusion")
    with pytest.raises(ParameterError, match=r"confidence must be one of auto, fusion, similarity, found 'p"):
        sign(_with_outside(29), confidence="product")


def test_many_rows_are_not_searched_three_times_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgraft.methods.knn.MOST_WEIGHED", 239)
    rows = _with_outside(60)
    plain = tg.KNNClassifier(PointEncoder(8), oos_labels="oos", reject=tg.AtCoverage(0.9)).fit(*rows)
    assert plain.learned_.confidence.sign == "similarity"
    assert len(plain.learned_.outside) == 0
    assert "also learned from" not in " ".join(plain.rejection_sentences())
    asked = tg.KNNClassifier(PointEncoder(8), oos_labels="oos", confidence="fusion").fit(*rows)
    assert asked.learned_.confidence.sign == "fusion"


def test_weighed_signs_tell_texts_like_out_of_scope_rows_better_and_are_saved(tmp_path: Path) -> None:
    rows, known, new = _with_outside(100), _cloud(200, 7)[0], _strange(200, 8)

    def told(confidence: str) -> tuple[float, tg.KNNClassifier]:
        clf = tg.KNNClassifier(PointEncoder(8), oos_labels="oos", confidence=confidence).fit(*rows)
        found = clf.predict_scores([*known, *new]).confidence
        return float(roc_auc_score(np.arange(400) < 200, found)), clf

    (alone, _), (weighed, clf) = told("similarity"), told("fusion")
    assert weighed > alone + 0.02
    clf.save(tmp_path / "m")
    again = load(tmp_path / "m", encoder=PointEncoder(8))
    assert again.learned_.confidence == clf.learned_.confidence
    found = [one.predict_scores([*known, *new]).confidence for one in (clf, again)]
    assert np.array_equal(*found)
    clf.reject = tg.AtCoverage(0.9)
    assert "which it also learned from" in clf.fit(*rows).rejection_sentences()[-1]


def test_signs_of_voters_are_what_their_names_say() -> None:
    similar = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.1]], dtype=np.float32)
    voters = Neighbours(np.arange(6)[None], similar)
    scores = vote(voters, np.array([0, 1, 1, 1, 0, 0]), 2, np.inf)
    seen = SeenByVoters(voters, scores, np.eye(3)[:1], np.array([[0.6, 0.8, 0.0], [0.0, 1.0, 0.0]]))
    # of equal votes the class of the nearest wins
    expected = [0.9, 0.5, 0.7, 0.6, -0.6]
    names = ("similarity", "belief", "neighbours", "around", "outside")
    assert np.allclose(voted_signs(names, seen), [expected], atol=1e-3)


def test_a_model_of_before_signs_were_weighed_is_as_sure_as_it_was() -> None:
    clf = tg.KNNClassifier("hashing").fit(["apple", "pear", "saw"], ["f", "f", "t"])
    packed = clf._pack(clf.learned_)
    before = Bundle({}, {name: rows for name, rows in packed.arrays.items() if name != "outside"}, {})
    assert clf._unpack(before).confidence == clf.learned_.confidence


def test_a_low_temperature_trusts_the_nearest_alone() -> None:
    texts, labels = _cloud(100, 2)
    queries, _ = _cloud(50, 3)
    soft = tg.KNNClassifier(PointEncoder(8), k=20, temperature=1e-4).fit(texts, labels)
    nearest = tg.KNNClassifier(PointEncoder(8), k=1).fit(texts, labels)
    assert np.array_equal(soft.predict(queries), nearest.predict(queries))


def test_more_neighbours_than_rows_are_all_rows() -> None:
    clf = tg.KNNClassifier("hashing", k=50).fit(["apple", "pear", "saw"], ["f", "f", "t"])
    assert list(clf.predict(["apple", "saw"])) == ["f", "t"]
    assert clf.predict_proba(["apple"]).sum() == pytest.approx(1)


def test_an_approximate_index_is_saved_and_answers_identically(tmp_path: Path) -> None:
    texts, labels = _cloud(1_500, 4, n_classes=30, dim=16)
    queries, _ = _cloud(200, 5, n_classes=30, dim=16)
    clf = tg.KNNClassifier(PointEncoder(16), k=10, index="approximate").fit(texts, labels)
    assert isinstance(clf.learned_.index, HNSWIndex)
    clf.save(tmp_path / "a.model")
    assert "learned.graph" in read_bundle(tmp_path / "a.model").arrays
    loaded = load(tmp_path / "a.model", encoder=PointEncoder(16))
    assert isinstance(loaded.learned_.index, HNSWIndex)
    assert np.array_equal(loaded.predict_proba(queries), clf.predict_proba(queries))
    assert np.array_equal(loaded.predict(queries), clf.predict(queries))
    assert loaded.explain(queries[0]) == clf.explain(queries[0])
    exact = tg.KNNClassifier(PointEncoder(16), k=10, index="exact").fit(texts, labels)
    assert (exact.predict(queries) == clf.predict(queries)).mean() >= 0.98


def test_an_exact_index_saves_no_graph(tmp_path: Path) -> None:
    clf = tg.KNNClassifier("hashing").fit(["apple", "saw"], ["f", "t"])
    assert isinstance(clf.learned_.index, ExactIndex)
    clf.save(tmp_path / "a.model")
    assert "learned.graph" not in read_bundle(tmp_path / "a.model").arrays


def test_the_manifest_says_what_it_is_in_plain_words(tmp_path: Path) -> None:
    clf = tg.KNNClassifier("hashing:64", k=4, reject=tg.AtCoverage(0.9), oos_labels="oos")
    clf.fit(["apple", "pear", "saw", "axe"], ["f", "f", "t", "t"]).save(tmp_path / "a.model")
    about = json.loads((tmp_path / "a.model" / MANIFEST).read_text(encoding="utf-8"))["about"]
    assert about["method"] == "knn"
    assert about["parameters"]["k"] == 4
    assert about["parameters"]["reject"] == "coverage:0.9"
    assert about["parameters"]["oos_labels"] == ["oos"]
    assert about["encoder"]["name"] == "hashing:64"
    assert about["encoder"]["fingerprint"] == HashingEncoder(64).weights_fingerprint


def test_many_classes_cost_memory_by_neighbours_and_not_by_classes() -> None:
    n_classes, n_queries = 20_000, 3_000
    random = np.random.default_rng(0)
    texts = _points(random.normal(size=(n_classes, 4)))
    clf = tg.KNNClassifier(PointEncoder(4), k=5).fit(texts, [f"c{code}" for code in range(n_classes)])
    queries = texts[:n_queries]
    tracemalloc.start()
    try:
        labels = clf.predict(queries)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (labels == [f"c{code}" for code in range(n_queries)]).mean() > 0.99
    # a dense belief alone would be 480 MB; a block of similarities is 64 MB, its sorting twice that
    assert peak < n_queries * n_classes * 8 * 0.6


def test_many_neighbours_cost_memory_by_their_number_and_not_by_its_square() -> None:
    n, k = 400, 300
    found = Neighbours(np.tile(np.arange(k), (n, 1)), np.tile(np.linspace(1, 0, k, dtype=np.float32), (n, 1)))
    tracemalloc.start()
    try:
        scores = vote(found, np.arange(k) % 50, 50, 0.1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert scores.by_class.shape == (n, 50)
    # an (n, k) array of numbers is 1 MB; (n, k, k) is 288 MB
    assert peak < 30 * n * k * 8


def test_a_text_without_content_is_rejected_by_a_rule_that_rejects_below_zero() -> None:
    # cosine similarities can all be negative, and then so is a fitted threshold
    clf = tg.KNNClassifier(PointEncoder(), k=1).fit(["1 0", "0 1"], ["a", "b"])
    clf.set_rejection(tg.AtSimilarity(-0.5))
    assert list(clf.predict(["-1 -1", "2 1"])) == [tg.REJECTED, "a"]
    assert list(clf.predict([""])) == [tg.REJECTED]


def test_zero_vectors_are_similar_to_nothing() -> None:
    clf = tg.KNNClassifier(PointEncoder(), k=2).fit(["1 0", "0 1", "0 0"], ["a", "b", "c"])
    assert clf.predict_scores(["0 0"]).confidence[0] == 0.0
    assert np.isfinite(clf.predict_proba(["0 0", "1 0"])).all()
    assert clf.predict(["1 0"])[0] == "a"
