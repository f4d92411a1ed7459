"""Word vectors under a recurrent head: what is said of words, what learns, and what is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft.errors import TrainingError
from textgraft.methods.word_gru import WordGRUClassifier

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
