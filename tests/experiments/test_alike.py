"""Texts in nearly the same words: all pairs of them, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.experiments.survey import alike
from textgraft.experiments.survey.advice import on_alike
from textgraft.experiments.survey.alike import Alike, Pair, TooMuchAlikeError, alike_pairs, find_alike


def _found(texts: list[str], others: list[str] | None = None) -> set[tuple[int, int]]:
    return {(one, other) for pairs in alike_pairs(texts, others) for one, other in pairs.tolist()}


def _share(one: str, other: str) -> float:
    both, every = set(one.split()) & set(other.split()), set(one.split()) | set(other.split())
    return len(both) / len(every) if every else 0.0


TEXT = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]), max_size=12).map(" ".join)


@given(st.lists(TEXT, max_size=12), st.lists(TEXT, max_size=8))
@settings(max_examples=150, deadline=None)
def test_all_pairs_are_found_and_nothing_else(texts: list[str], others: list[str]) -> None:
    within = {
        (later, earlier)
        for later in range(len(texts))
        for earlier in range(later)
        if _share(texts[later], texts[earlier]) >= 0.8
    }
    assert _found(texts) == within
    across = {
        (row, column)
        for row, text in enumerate(texts)
        for column, other in enumerate(others)
        if _share(text, other) >= 0.8
    }
    assert _found(texts, others) == across


@pytest.mark.parametrize("at_once", [1, 50, 10**9])
def test_long_texts_and_blocks(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(alike, "MEETINGS_AT_ONCE", at_once)
    monkeypatch.setattr(alike, "PAIRS_AT_ONCE", 7)
    draw = np.random.default_rng(0)
    words = [f"w{number}" for number in range(400)]
    texts = [" ".join(draw.choice(words, draw.integers(60, 140))) for _ in range(40)]
    for row in range(0, 40, 2):
        kept = texts[row].split()
        texts[row + 1] = " ".join([*kept[draw.integers(0, 30) :], *draw.choice(words, 3)])
    expected = {
        (later, earlier)
        for later in range(40)
        for earlier in range(later)
        if _share(texts[later], texts[earlier]) >= 0.8
    }
    assert 5 < len(expected) < 20
    assert _found(texts) == expected


def test_scripts_without_spaces_are_compared_sign_by_sign() -> None:
    assert _found(["我的卡在哪里呢", "请问我的卡在哪里呢", "今天天气怎么样"]) == set()
    assert _found(["我的新卡现在到底在哪里呢", "我的卡现在到底在哪里呢", "今天天气怎么样"]) == {(1, 0)}


ROWS = [
    ("where is my new card", "card"),
    ("Where is my card?", "card"),
    ("when will my card be delivered", "delivery"),
    ("When will my new card be delivered", "card"),
    ("how is the weather", "chat"),
    ("How is the weather?", "chat"),
]


def test_near_copies_contradictions_and_leaks() -> None:
    known = [text for text, _ in ROWS] + ["can you tell me a joke"]
    tested = [
        "is my new card where",
        "WHERE IS MY CARD",
        "tell me a joke",
        "can you tell me a good joke",
        "no",
    ]
    found = find_alike(ROWS, known, tested)
    assert found is not None
    # copies but for case are counted elsewhere, so the weather is not among them
    assert (found.same, found.apart, found.seen) == (1, 1, 2)
    assert found.same_examples == (Pair("Where is my card?", ("card",), "where is my new card", ("card",)),)
    assert found.apart_examples == (
        Pair(
            "When will my new card be delivered", ("card",), "when will my card be delivered", ("delivery",)
        ),
    )
    assert found.seen_examples == (
        ("is my new card where", "where is my new card"),
        ("can you tell me a good joke", "can you tell me a joke"),
    )


def test_a_test_text_counts_as_often_as_it_stands_there() -> None:
    known = ["one two three four five"]
    found = find_alike([(known[0], "a")], known, ["one two three four", "One two three four.", "five"])
    assert found is not None
    assert found.seen == 2
    assert len(found.seen_examples) == 1


@pytest.mark.parametrize("texts", [[], [""], ["", "?"], ["alone"]])
def test_nothing_is_alike_where_there_is_nothing(texts: list[str]) -> None:
    assert find_alike([(text, "a") for text in texts], texts, texts) == Alike(0, 0, 0, (), (), ())


def test_texts_that_are_all_alike_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (f"the product with the number {number} is broken again, please help me now", "a")
        for number in range(300)
    ]
    found = find_alike(rows, [], [])
    assert found is not None
    assert found.same == 299
    monkeypatch.setattr(alike, "MOST_MEETINGS", 10_000)
    with pytest.raises(TooMuchAlikeError):
        _found([text for text, _ in rows])
    assert find_alike(rows, [], []) is None
    assert on_alike(None, 300) == ["So many texts are so much alike that near copies were not looked for."]


def test_advice_on_what_is_alike() -> None:
    def said(*counts: int) -> list[str]:
        return on_alike(Alike(*counts, (), (), ()), 100, 50)

    assert said(0, 0, 0) == said(4, 0, 2) == []
    assert said(0, 1, 0) == [
        "1 text is in nearly the words (four fifths shared) of one under another label: are both "
        "labels right?"
    ]
    same, seen = said(5, 0, 3)
    assert same.startswith("5 texts are in nearly the words (four fifths shared) of an earlier one: ")
    assert seen.startswith(
        "3 of 50 test texts (6.0 %) in nearly the words (four fifths shared) of a training "
    )
