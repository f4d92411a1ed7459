"""A corpus is read once, never listed, and sampled evenly."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import DataError
from textgraft.text import corpus
from textgraft.text.corpus import cut, joined_lines, sample_evenly, whole_documents

LINES = st.lists(st.sampled_from(["", " ", "a", "b c", "\t", "def"]), max_size=30)


@given(LINES)
def test_blank_lines_part_documents_and_nothing_else_is_lost(lines: list[str]) -> None:
    documents = list(joined_lines(lines, blank_ends=True))
    assert [line for document in documents for line in document.split("\n")] == [
        line for line in lines if line.strip()
    ]
    assert all(document.strip() for document in documents)


def test_documents_of_several_lines() -> None:
    lines = ["", "a", "b", " ", "", "c", ""]
    assert list(joined_lines(lines, blank_ends=True)) == ["a\nb", "c"]
    assert list(joined_lines(lines, blank_ends=False)) == ["\na\nb\n \n\nc\n"]
    assert list(joined_lines([], blank_ends=False)) == []


def test_lines_without_a_blank_one_are_cut_before_they_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "LONGEST", 1_000)
    documents = list(joined_lines(("word" for _ in range(1_000)), blank_ends=True))
    assert max(map(len, documents)) <= 1_010
    assert "\n".join(documents) == "\n".join(["word"] * 1_000)


@given(st.text(alphabet="ab \n", max_size=200), st.integers(2, 30))
def test_a_cut_text_is_whole_and_no_piece_too_long(text: str, most: int) -> None:
    pieces = list(cut(text, most))
    assert "".join(pieces) == text
    assert all(len(piece) <= most for piece in pieces)


def test_texts_are_cut_after_white_space() -> None:
    assert list(cut("aaa bbb\nccc ddd", 10)) == ["aaa bbb\n", "ccc ddd"]
    assert list(cut("aaaa bbbb cccc", 10)) == ["aaaa bbbb ", "cccc"]
    assert list(cut("a" * 25, 10)) == ["a" * 10, "a" * 10, "a" * 5]


def test_blank_documents_are_passed_over_and_none_at_all_is_an_error() -> None:
    assert list(whole_documents(["a", " ", "", "b"], "x.txt")) == ["a", "b"]
    with pytest.raises(DataError, match=r"x\.txt has no text\. Expected at least one document"):
        list(whole_documents([" ", ""], "x.txt"))


def test_documents_come_before_the_next_is_read() -> None:
    """A stream that fails later has given what it had: nothing is listed."""

    def failing() -> Iterator[str]:
        yield "one"
        yield "two"
        raise RuntimeError("read too far")

    documents = whole_documents(failing(), "x")
    assert [next(documents), next(documents)] == ["one", "two"]
    with pytest.raises(RuntimeError):
        next(documents)


def test_a_sample_takes_memory_for_itself_alone() -> None:
    """30 MB go through, 200 kB stay."""
    tracemalloc.start()
    try:
        sample = sample_evenly((f"{n:06d} " * 500 for n in range(9_000)), 200_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    assert sample.of_characters == 31_500_000
    assert sample.of_documents == 9_000
    assert 190_000 < sample.characters <= 200_000
    assert sample.characters == sum(map(len, sample.texts))
    assert "(1%), drawn evenly from 9,000 documents" in sample.sentence()


def test_a_sample_is_drawn_from_all_places_and_the_same_each_time() -> None:
    documents = [f"{n:05d}" for n in range(10_000)]
    sample = sample_evenly(documents, 5_000)
    numbers = [int(text) for text in sample.texts]
    assert numbers == sorted(numbers)
    for quarter in range(4):
        assert 200 < sum(quarter * 2_500 <= number < (quarter + 1) * 2_500 for number in numbers) < 300
    assert sample_evenly(iter(documents), 5_000) == sample
    assert sample_evenly(documents, 5_000, seed=1) != sample


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(0, 300), st.integers(0, 5))
def test_a_sample_is_the_beginning_of_a_random_order(lengths: list[int], room: int, seed: int) -> None:
    """Were it not, short documents would fill the room that long ones leave."""
    order = np.argsort(np.random.default_rng(seed).random(len(lengths)))
    kept = order[np.cumsum(np.array(lengths, dtype=np.int64)[order]) <= room]
    documents = [f"{number:02d}".ljust(length, "x")[:length] for number, length in enumerate(lengths)]
    sample = sample_evenly(documents, room, seed)
    assert list(sample.texts) == [documents[number] for number in sorted(kept)]


def test_one_long_book_does_not_fill_a_sample() -> None:
    books = ["book " * 200_000, *("short " * 160 for _ in range(1_000))]
    sample = sample_evenly(books, 200_000)
    share = sum(text.count("book") * 5 for text in sample.texts) / sample.characters
    assert share == pytest.approx(0.5, abs=0.15)


@given(st.lists(st.text(max_size=9), max_size=20))
def test_a_corpus_that_fits_is_its_own_sample(documents: list[str]) -> None:
    sample = sample_evenly(documents, 1_000)
    assert list(sample.texts) == documents
    assert sample.characters == sample.of_characters == sum(map(len, documents))
