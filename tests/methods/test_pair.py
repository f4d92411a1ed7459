"""What only pairs promise: candidates read again, negatives out of scope, both scorers, honesty."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from stopping import check_stopped_early
from textgraft.core.progress import unwatched
from textgraft.encoders import load_encoder
from textgraft.errors import ParameterError
from textgraft.methods.early_stopping import TOO_FEW_TO_WATCH
from textgraft.methods.lesson import Lesson
from textgraft.methods.pair import PairClassifier

WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "grape", "melon"],
    "tool": ["hammer", "saw", "drill", "wrench", "pliers", "chisel"],
    "bird": ["robin", "eagle", "crow", "finch", "heron", "stork"],
}


def _corpus(per_class: int, seed: int = 0) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    rows = [(" ".join(draw.choices(WORDS[name], k=4)), name) for name in WORDS for _ in range(per_class)]
    draw.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


def _coded(n_classes: int, seed: int) -> tuple[list[str], list[str]]:
    """Two texts a class that share one word of their own, among noise that all classes share."""
    draw = random.Random(seed)
    noise = [f"noise{number}" for number in range(40)]
    rows = [
        (f"{' '.join(draw.choices(noise, k=5))} key{number:04}", f"class {number:04}")
        for number in range(n_classes)
        for _ in range(2)
    ]
    return [text for text, _ in rows], [label for _, label in rows]


def test_classes_of_one_row_each_are_ranked_by_cosine_and_said_to_be() -> None:
    texts = ["apple pie", "steel hammer", "robin song", "pear tart"]
    clf = PairClassifier("hashing").fit(texts, list("abcd"))
    assert "cosine" in clf.learned_.training.notes[0]
    assert clf.learned_.training.reports == ()
    asked = ["apple tart", "hammer song", "robin"]
    nearest = tg.KNNClassifier("hashing", k=4, temperature=1e-3).fit(texts, list("abcd"))
    assert np.array_equal(clf.predict_scores(asked).codes, nearest.predict_scores(asked).codes)


def test_confidence_is_the_probability_of_the_best_candidate_of_the_winner() -> None:
    clf = PairClassifier("hashing", k=5).fit(*_corpus(12))
    asked = _corpus(4, seed=1)[0]
    learned = clf.learned_
    from textgraft.networks.matching import Passages

    vectors = learned.encoder.encode(asked)
    near = learned.index.search(vectors, 5)
    odds = learned.scorer.odds(Passages(asked, vectors), Passages([], learned.index.vectors), near.positions)
    scores = clf.predict_scores(asked)
    winner = learned.codes[near.positions] == scores.best[:, None]
    best = np.where(winner, odds, -np.inf).max(axis=1)
    assert np.allclose(scores.confidence, 1 / (1 + np.exp(-best)), atol=1e-5)


def test_out_of_scope_rows_are_learned_as_negatives() -> None:
    texts, labels = _corpus(12)
    outside = ["apple hammer robin noise", "plum saw crow noise", "pear drill finch noise"] * 4
    rows = texts + outside, labels + ["oos"] * len(outside)
    aware = PairClassifier("hashing", oos_labels=["oos"]).fit(*rows)
    naive = PairClassifier("hashing").fit(texts, labels)
    fresh = ["grape wrench stork noise", "melon pliers eagle noise", "cherry chisel heron noise"]
    assert aware.predict_scores(fresh).confidence.mean() < naive.predict_scores(fresh).confidence.mean()
    assert aware.score(*_corpus(6, seed=1)) >= 0.9
    assert "which it also learned from" in aware.set_rejection(tg.AtSimilarity(0.5)).rejection_sentences()[1]


def test_where_noise_misleads_cosines_pairs_are_better_than_neighbours() -> None:
    texts, labels = _coded(150, 0)
    asked, truth = _coded(150, 1)
    encoder = load_encoder("hashing:512", cache=None)
    nearest = tg.KNNClassifier(encoder, k=1).fit(texts, labels).score(asked, truth)
    pair = PairClassifier(encoder, epochs=12).fit(texts, labels).score(asked, truth)
    assert pair > nearest + 0.03


def test_scorer_and_cosine_are_weighed_on_held_out_rows_when_there_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("textgraft.methods.pair.FEWEST_HELD_OUT", 5)
    rows = _corpus(30)
    weighed = PairClassifier("hashing", epochs=2).fit(*rows)
    assert list(weighed.learned_.mix) != [0.0, 0.0, 1.0]
    assert weighed.score(*_corpus(8, seed=1)) >= 0.95
    monkeypatch.undo()
    assert list(PairClassifier("hashing", epochs=2).fit(*rows).learned_.mix) == [0.0, 0.0, 1.0]


def test_patience_watches_pairs_of_rows_that_are_held_out() -> None:
    clf = PairClassifier("hashing", patience=1, epochs=60, rate=0.3, batch_size=16).fit(*_corpus(30))
    check_stopped_early(clf.learned_.training, most=60, learned=90 - 9)
    # nine rows are too few to weigh scorer and cosine on, and are neighbours all the same
    assert list(clf.learned_.mix) == [0.0, 0.0, 1.0]
    assert len(clf.learned_.evidence) == 90


@pytest.mark.parametrize("parameters", [{"scorer": "cross"}, {"train_encoder": True}], ids=str)
def test_patience_watches_what_reads_texts_too(
    tiny_models: Callable[[str], Path], parameters: dict[str, Any]
) -> None:
    encoder = load_encoder(str(tiny_models("bert")), cache=None)
    clf = PairClassifier(encoder, patience=0, epochs=2, encoder_epochs=2, negatives=2, **parameters)
    reports = clf.fit(*_corpus(10)).learned_.training.reports
    assert len(reports) >= 2
    assert all(report.valid_loss is not None for report in reports)


def test_patience_without_rows_to_watch_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgraft.methods.pair.holdout_rows", lambda codes, *_: np.zeros(len(codes), bool))
    clf = PairClassifier("hashing", patience=1, epochs=2).fit(*_corpus(2))
    assert [report.valid_loss for report in clf.learned_.training.reports] == [None, None]
    assert clf.learned_.training.notes[-1] == TOO_FEW_TO_WATCH


def test_anchors_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgraft.methods.pair.MOST_ANCHORS", 16)
    clf = PairClassifier("hashing", epochs=3, batch_size=16).fit(*_corpus(30))
    assert [report.rows for report in clf.learned_.training.reports] == [16] * 3
    assert clf.score(*_corpus(5, seed=1)) >= 0.9


def _epochs(n_rows: int) -> int:
    return PairClassifier("hashing").plan(n_rows, 5)[0].plan.epochs


def test_the_plan_can_be_seen_before_training(tiny_models: Callable[[str], Path]) -> None:
    assert PairClassifier("hashing", epochs=3).plan(100, 5)[0].plan.epochs == 3
    assert _epochs(100) > _epochs(10**6)
    clf = PairClassifier(str(tiny_models("bert")), train_encoder=True, encoder_epochs=2, epochs=3)
    encoder, scorer = clf.plan(9, 3)
    assert [(stage.name, stage.plan.epochs) for stage in (encoder, scorer)] == [("encoder", 2), ("scorer", 3)]
    assert encoder.plan.groups[0] == "embeddings"
    assert encoder.plan.phases[0].peak_rates[0] == 0, "word embeddings stay as they are"
    clf = PairClassifier("hashing", epochs=3).fit(*_corpus(4))
    assert clf.learned_.training.plan == clf.plan(12, 3)[0].plan


@pytest.mark.parametrize(
    "parameters",
    [{"scorer": "cross"}, {"train_encoder": True}, {"scorer": "cross", "train_encoder": True}],
    ids=str,
)
def test_transformers_are_trained_saved_and_loaded(
    tiny_models: Callable[[str], Path], tmp_path: Path, parameters: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setitem(tg.methods.METHODS, "pair", "textgraft.methods.pair:PairClassifier")
    encoder = load_encoder(str(tiny_models("bert")), cache=None)
    rows = _corpus(5)
    clf = PairClassifier(encoder, k=4, epochs=2, encoder_epochs=2, negatives=2, **parameters).fit(*rows)
    learned = clf.learned_
    assert any(name.startswith("scorer.") for name in learned.changed)
    assert any(name.startswith("encoder.") for name in learned.changed) == ("train_encoder" in parameters)
    assert not any("word_embeddings" in name for name in learned.changed)
    assert len(learned.training.reports) == (4 if "train_encoder" in parameters else 2)
    clf.save(tmp_path / "a.model")
    loaded = tg.load(tmp_path / "a.model")
    asked = _corpus(3, seed=1)[0]
    assert np.array_equal(loaded.predict_proba(asked), clf.predict_proba(asked))
    assert np.array_equal(loaded.predict_scores(asked).confidence, clf.predict_scores(asked).confidence)
    assert loaded.explain(asked[0]) == clf.explain(asked[0])
    assert loaded.learned_.training == learned.training


@pytest.mark.parametrize("parameters", [{"scorer": "cross"}, {"train_encoder": True}], ids=str)
def test_an_encoder_without_weights_to_train_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="trains the encoder's weights"):
        PairClassifier("hashing", **parameters).fit(*_corpus(2))


def test_learning_leaves_the_encoder_as_it_was(tiny_models: Callable[[str], Path]) -> None:
    encoder = load_encoder(str(tiny_models("bert")), cache=None)
    before = encoder.encode(["my card is lost"])
    PairClassifier(encoder, train_encoder=True, epochs=1).fit(*_corpus(4))
    assert np.array_equal(encoder.encode(["my card is lost"]), before)


def test_a_killed_fit_leaves_a_log_of_each_stage(tiny_models: Callable[[str], Path], tmp_path: Path) -> None:
    encoder = load_encoder(str(tiny_models("bert")), cache=None)
    clf = PairClassifier(encoder, train_encoder=True, epochs=1)
    clf.fit(*_corpus(4), run=tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["encoder", "scorer"]


def test_learning_changes_nothing_of_the_classifier() -> None:
    clf = PairClassifier("hashing", epochs=1)
    before = dict(vars(clf))
    encoder = load_encoder("hashing")
    features = np.array(["apple", "pear", "saw"], dtype=object)
    clf._learn(Lesson(features, np.array([0, 0, 1]), 2, features[:0], encoder), unwatched)
    assert vars(clf) == before
