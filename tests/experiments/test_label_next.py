"""What to label next: the unsure ones, each kind once, none twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import textgraft as tg
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.label_next import label_next, representatives

TRAIN = {"fruit": "apple pear plum", "tool": "hammer saw drill", "bird": "robin crow eagle"}


@pytest.fixture(scope="module")
def classifier() -> tg.TextClassifier:
    texts = [
        f"{word} {other}" for words in TRAIN.values() for word in words.split() for other in words.split()
    ]
    labels = [name for name in TRAIN for _ in range(9)]
    return tg.LinearClassifier(encoder="hashing").fit(texts, labels)


def test_the_unsure_come_before_the_sure_and_each_kind_once(classifier: tg.TextClassifier) -> None:
    sure = [f"{word} {word} {word}" for words in TRAIN.values() for word in words.split()]
    between = ["apple hammer", "Apple  hammer!", "hammer apple apple hammer", "robin saw", "plum crow"]
    found = label_next(classifier, [*sure * 3, *between], k=3)
    assert {one.text for one in found.wanted} <= set(between)
    kinds = [frozenset(one.text.lower().replace("!", "").split()) for one in found.wanted]
    assert sorted(map(sorted, kinds)) == [["apple", "hammer"], ["crow", "plum"], ["robin", "saw"]]
    assert found.wanted[0].stands_for >= found.wanted[-1].stands_for
    assert all({one.best, one.second} <= set(TRAIN) for one in found.wanted)


def test_places_are_those_of_the_texts_given_and_the_known_are_left_out(
    classifier: tg.TextClassifier,
) -> None:
    texts = ["", "  ", "apple pear", "APPLE pear!", "apple hammer", None, "apple hammer", "robin saw"]
    found = label_next(classifier, texts, k=20)
    assert sorted((one.row, one.text) for one in found.wanted) == [(4, "apple hammer"), (7, "robin saw")]
    assert (found.texts, found.skipped, found.candidates) == (8, 6, 2)
    assert "6 texts left out" in found.sentence()
    assert label_next(classifier, texts, k=20) == found
    assert len(found.table().splitlines()) == 5


def test_a_text_like_no_other_does_not_come_first() -> None:
    crowd, alone = np.full((5, 5), 0.9), 0.0
    similarities = np.full((6, 6), alone)
    similarities[:5, :5] = crowd
    np.fill_diagonal(similarities, 1.0)
    chosen, stands_for = representatives(similarities, np.ones(6), 2)
    assert chosen[0] < 5
    assert (chosen[1], stands_for) == (5, [5, 1])


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 1_000))
def test_representatives_are_distinct_and_stand_for_all(n: int, k: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(n, 3))
    vectors[draw.integers(0, n)] = vectors[0]
    chosen, stands_for = representatives(vectors @ vectors.T, draw.random(n), k)
    assert len(set(chosen)) == len(chosen) == min(n, k)
    assert sum(stands_for) == n
    assert min(stands_for) >= 1


def test_nothing_to_choose_from_is_said(classifier: tg.TextClassifier) -> None:
    with pytest.raises(DataError, match="none in 2 texts that is neither empty nor learned already"):
        label_next(classifier, ["", "apple pear"])
    with pytest.raises(ParameterError, match="k=0"):
        label_next(classifier, ["x"], k=0)
