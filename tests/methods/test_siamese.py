"""What only the siamese network promises: classes drawn together, its plan, an encoder that learns."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.bundle import read_bundle, write_bundle
from textgraft.core.progress import Progress
from textgraft.encoders import HashingEncoder
from textgraft.errors import ParameterError
from textgraft.methods.early_stopping import TOO_FEW_TO_WATCH
from textgraft.methods.lesson import Lesson
from textgraft.methods.siamese import SiameseClassifier, _rows

WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "grape", "melon"],
    "tool": ["hammer", "saw", "drill", "wrench", "pliers", "chisel"],
    "bird": ["robin", "eagle", "crow", "finch", "heron", "stork"],
}


def _corpus(per_class: int, seed: int = 0) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    rows = [
        (" ".join(draw.choices(words, k=4)), name) for name, words in WORDS.items() for _ in range(per_class)
    ]
    return [text for text, _ in rows], [name for _, name in rows]


def _make(encoder: Any = "hashing", **parameters: Any) -> SiameseClassifier:
    return SiameseClassifier(encoder, **({"heads": 2, "epochs": 8} | parameters))


def _reloaded(clf: SiameseClassifier, folder: Path) -> SiameseClassifier:
    clf.save(folder)
    return SiameseClassifier.restored(read_bundle(folder), clf.encoder_)


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_unseen_texts_of_a_class_lie_nearer_than_before(loss: str) -> None:
    clf = _make(loss=loss, epochs=20).fit(*_corpus(12))
    texts, labels = _corpus(6, seed=1)
    same = np.equal.outer(labels, labels)

    def gap(similarities: np.ndarray) -> float:
        return float(similarities[same].mean() - similarities[~same].mean())

    frozen = tg.KNNClassifier("hashing").fit(*_corpus(12))
    assert gap(clf.similarities(texts)) > gap(frozen.similarities(texts)) + 0.2
    assert clf.score(texts, labels) >= 0.95


def test_the_plan_is_what_was_done() -> None:
    texts, labels = _corpus(12)
    clf = _make(epochs="auto")
    (stage,) = clf.plan(len(texts), 3)
    plan = stage.plan
    assert plan.groups == ("heads",)
    assert clf.fit(texts, labels).learned_.training.plan == plan
    assert clf.learned_.training.reports[-1].epoch == plan.epochs


@pytest.mark.parametrize(
    ("n_rows", "n_classes"), [(2, 2), (100, 5), (10_000, 77), (74_000, 70_000), (10**7, 2)]
)
def test_many_rows_are_seen_fewer_times(n_rows: int, n_classes: int) -> None:
    epochs = SiameseClassifier().plan(n_rows, n_classes)[0].plan.epochs
    steps = epochs * n_rows / (min(16, n_classes) * 8)
    assert 1 <= epochs <= 30
    assert epochs in (1, 30) or 1_000 <= steps <= 6_000


def test_training_goes_down_and_is_told(tmp_path: Path) -> None:
    seen: list[Progress] = []
    clf = _make().fit(*_corpus(12), watch=seen.append)
    assert any(step.what == "training" for step in seen)
    losses = [report.train_loss for report in clf.learned_.training.reports]
    assert losses[-1] < losses[0]
    assert _reloaded(clf, tmp_path / "a.model").learned_.training == clf.learned_.training


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_patience_watches_rows_and_keeps_the_best_weights(loss: str) -> None:
    clf = _make(loss=loss, patience=1, epochs=40, rate=0.3).fit(*_corpus(20))
    losses = [report.valid_loss for report in clf.learned_.training.reports]
    assert None not in losses
    assert len(losses) < 40
    assert clf.learned_.training.best_epoch == 1 + int(np.argmin(losses)) == len(losses) - 1
    # rows that were watched are neighbours all the same
    assert len(clf.learned_.evidence) == 60


def test_rows_of_too_few_classes_are_not_watched_and_that_is_said() -> None:
    texts, labels = _corpus(1)
    clf = _make(patience=1, epochs=2).fit(texts, labels)
    assert [report.valid_loss for report in clf.learned_.training.reports] == [None, None]
    assert clf.learned_.training.notes[-1] == TOO_FEW_TO_WATCH


def test_a_loaded_model_projects_bit_for_bit(tmp_path: Path) -> None:
    clf = _make().fit(*_corpus(12))
    loaded = _reloaded(clf, tmp_path / "a.model")
    texts = [*_corpus(10, seed=3)[0], "", "unheard of"]
    assert np.array_equal(clf.similarities(texts), loaded.similarities(texts))
    assert np.array_equal(clf.predict_proba(texts), loaded.predict_proba(texts))
    arrays = read_bundle(tmp_path / "a.model").arrays
    averages = [array for name, array in arrays.items() if "running_mean" in name]
    assert len(averages) == 2, "the averages of batch norm are part of the model"
    assert all(np.abs(average).max() > 0 for average in averages)


def test_confidence_is_the_similarity_of_the_nearest_text_of_the_winner() -> None:
    texts, labels = _corpus(8)
    clf = _make().fit(texts, labels)
    why = clf.explain("apple crow hammer plum", k=len(texts))
    nearest = max(n.similarity for n in why.neighbours if n.label == why.best)
    assert why.confidence == pytest.approx(nearest, abs=1e-6)


@pytest.mark.parametrize("n_classes", [1, 2, 300])
def test_classes_of_one_row_and_one_class_alone_can_be_learned(n_classes: int) -> None:
    """Cross-fitting can leave one class; thousands of classes can have one row each."""
    vectors = np.random.default_rng(0).normal(size=(n_classes, 16)).astype(np.float32)
    codes = np.arange(n_classes)
    lesson = Lesson(vectors, codes, n_classes, vectors[:0], HashingEncoder(16))
    clf = _make(epochs=2)
    learned = clf._learn(lesson, lambda _: None)
    assert (clf._score(learned, vectors, n_classes).best == codes).mean() >= 0.99


def test_another_seed_is_another_model() -> None:
    texts = _corpus(4, seed=2)[0]
    a, b = (_make(seed=seed).fit(*_corpus(6)).similarities(texts) for seed in (0, 1))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("widths", ["", "64-", "0-8", "64 8", "-1", 64, "9" * 9])
def test_widths_that_cannot_be_are_refused(widths: Any) -> None:
    with pytest.raises(ParameterError, match="widths must be"):
        _make(widths=widths).fit(*_corpus(2))
    assert _make(widths="8").fit(*_corpus(2)).learned_.evidence.shape == (6, 16)


def test_a_run_that_ended_is_taken_up_at_its_end(tmp_path: Path) -> None:
    texts = _corpus(4, seed=2)[0]
    first = _make().fit(*_corpus(6), run=tmp_path / "run")
    again = _make().fit(*_corpus(6), run=tmp_path / "run")
    assert np.array_equal(first.similarities(texts), again.similarities(texts))


# ── an encoder that learns ──────────────────────────────────────────────────────────


def test_an_encoder_without_weights_cannot_learn() -> None:
    with pytest.raises(ParameterError, match="has none to train"):
        _make(train_encoder=True).fit(*_corpus(3))


def test_an_encoder_that_learns_computes_nothing_for_padding() -> None:
    clf = _make(train_encoder=True)
    reader = clf._reader(tg.load_encoder("minilm", cache=None))
    assert reader is not None
    assert reader.unpads, "attention takes its fast path only without dropout of its own"


@pytest.mark.parametrize(("family", "n_parts"), [("bert", 1), ("modernbert", 2)])
def test_a_step_comes_in_parts_of_like_length_where_padding_would_be_computed(
    tiny_models: Callable[[str], Path], family: str, n_parts: int
) -> None:
    reader = _make(train_encoder=True)._reader(tg.load_encoder(str(tiny_models(family)), cache=None))
    assert reader is not None
    texts = ["apple", "apple pear " * 60] * 8
    rows = _rows(reader, texts, np.arange(16) % 4, 0)
    assert len(rows.take(np.arange(16), 0)) == n_parts


def test_an_encoder_that_learned_is_saved_and_left_alone_elsewhere(
    tiny_models: Callable[[str], Path], tmp_path: Path, tickets: Any
) -> None:
    folder = str(tiny_models("bert"))
    texts, labels = tickets.in_scope[0][:30], tickets.in_scope[1][:30]
    encoder = tg.load_encoder(folder, cache=None)
    before = encoder.encode(texts)
    clf = _make(encoder, train_encoder=True, epochs=2).fit(texts, labels)
    assert np.array_equal(encoder.encode(texts), before)
    plan = clf.learned_.training.plan
    assert plan == clf.plan(len(texts), len(set(labels)))[0].plan
    rates = dict(zip(plan.groups, plan.phases[0].peak_rates, strict=True))
    assert rates["embeddings"] == 0
    assert 0 < max(rate for group, rate in rates.items() if group != "heads") < rates["heads"]
    loaded = _reloaded(clf, tmp_path / "a.model")
    assert np.array_equal(clf.predict_proba(texts), loaded.predict_proba(texts))
    assert loaded.explain(texts[0]) == clf.explain(texts[0])
    names = [name for name in read_bundle(tmp_path / "a.model").arrays if "network.encoder." in name]
    assert names
    assert not any("word_embeddings" in name for name in names)
    # a model saved twice is the same model
    write_bundle(tmp_path / "b.model", read_bundle(tmp_path / "a.model"))
    again = SiameseClassifier.restored(read_bundle(tmp_path / "b.model"), encoder)
    assert np.array_equal(again.predict_proba(texts), clf.predict_proba(texts))
