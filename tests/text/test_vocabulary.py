"""A vocabulary: the same words for the same counts, and every word its number."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import ParameterError
from textgraft.text.vocabulary import PAD, UNK, Vocabulary

COUNTS = st.dictionaries(st.text(max_size=4), st.integers(1, 5), max_size=30)


def test_most_frequent_first_and_equals_in_alphabetical_order() -> None:
    vocabulary = Vocabulary.of({"b": 2, "c": 3, "a": 2, "d": 1})
    assert vocabulary.words == (PAD, UNK, "c", "a", "b", "d")
    assert vocabulary.ids(["a", "nowhere", "c", PAD]).tolist() == [3, 1, 2, 0]
    assert "a" in vocabulary
    assert "nowhere" not in vocabulary


def test_caps() -> None:
    counts = {"a": 3, "b": 2, "c": 1}
    assert Vocabulary.of(counts, max_words=1).words == (PAD, UNK, "a")
    assert Vocabulary.of(counts, min_count=2).words == (PAD, UNK, "a", "b")
    assert len(Vocabulary.of({})) == 2


def test_words_of_a_text_that_look_like_ours_are_not_counted() -> None:
    assert Vocabulary.of({PAD: 9, UNK: 9, "a": 1}).words == (PAD, UNK, "a")


@given(COUNTS, st.randoms())
def test_the_order_of_counting_does_not_matter(counts: dict[str, int], random: object) -> None:
    shuffled = list(counts.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Vocabulary.of(counts) == Vocabulary.of(dict(shuffled))


@given(COUNTS, st.integers(0, 40), st.integers(1, 4))
def test_ids_are_places_of_words(counts: dict[str, int], max_words: int, min_count: int) -> None:
    vocabulary = Vocabulary.of(counts, max_words, min_count)
    assert len(vocabulary) <= 2 + max_words
    assert vocabulary.ids(vocabulary.words).tolist() == list(range(len(vocabulary)))
    ids = vocabulary.ids(counts)
    assert ids.dtype == np.int64
    for word, number in zip(counts, ids, strict=True):
        assert number == 1 or vocabulary.words[number] == word


@given(COUNTS)
def test_it_comes_back_from_a_list(counts: dict[str, int]) -> None:
    vocabulary = Vocabulary.of(counts)
    assert Vocabulary(tuple(json.loads(json.dumps(list(vocabulary.words))))) == vocabulary


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "begin with"),
        (("a", "b"), "begin with"),
        ((PAD, UNK, "a", "a"), "'a' 2 times"),
        ((PAD, UNK, PAD), "2 times"),
    ],
)
def test_other_lists_are_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        Vocabulary(words)


def test_no_words_have_no_ids() -> None:
    assert Vocabulary.of({}).ids([]).shape == (0,)
