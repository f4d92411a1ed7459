"""Tokens on disk: those of the tokenizer, written in a stream, and a torn or foreign file is noticed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textgraft.errors import DataError
from textgraft.text import token_store
from textgraft.text.special import BOS_ID, SPECIAL
from textgraft.text.subwords import train_subwords
from textgraft.text.token_store import HEADER_BYTES, check_tokens, kept_tokens, open_tokens, write_tokens
from textgraft.text.tokenizer import Tokenizer
from textgraft.text.windows import Windows
from textgraft.text.word_tokens import WordTokens

TOKENIZER = train_subwords(["the cat sat on the mat"] * 3, 280)
WORDS = WordTokens((*SPECIAL, "the", "cat"))
MANY = WordTokens((*SPECIAL, *(f"w{n}" for n in range(70_000))))
TEXTS = ["The cat sat.", "On the mat, the cat.", "x"]
on_disk = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.tokens"
    write_tokens(path, TEXTS, TOKENIZER, "corpus 1")
    return path


def fault(path: Path, tokenizer: Tokenizer = TOKENIZER, corpus: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        open_tokens(path, tokenizer, corpus)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@on_disk
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8))
@pytest.mark.parametrize(("tokenizer", "dtype"), [(TOKENIZER, "<u2"), (MANY, "<u4")], ids=["u2", "u4"])
def test_what_is_written_is_read(tmp_path: Path, texts: list[str], tokenizer: Tokenizer, dtype: str) -> None:
    kept = [text for text in texts if text.strip()] or ["one"]
    path = tmp_path / "any.tokens"
    write_tokens(path, [*texts, "one"] if kept == ["one"] else texts, tokenizer)
    documents = open_tokens(path, tokenizer)
    assert documents.tokens.dtype == dtype
    assert isinstance(documents.tokens, np.memmap)
    assert not documents.tokens.flags.writeable
    expected = tokenizer.ids(kept)
    assert len(documents) == len(expected)
    for row, ids in enumerate(expected):
        assert documents.ids(row).tolist() == ids.tolist()
    check_tokens(path)


def test_blank_documents_are_passed_over_and_short_ones_kept(tmp_path: Path) -> None:
    path = tmp_path / "t"
    write_tokens(path, ["", "a", " \n", "<br>", "b"], TOKENIZER)
    documents = open_tokens(path, TOKENIZER)
    # "<br>" holds nothing but its begin
    assert documents.lengths.tolist() == [3, 1, 3]
    assert [documents.ids(row)[0] for row in range(3)] == [BOS_ID] * 3


def test_a_long_document_and_blocks_of_short_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_store, "BLOCK", 50)
    texts = [*(f"the cat {n}" for n in range(40)), "the cat " * 50_000, "the"]
    path = tmp_path / "t"
    write_tokens(path, texts, WORDS)
    documents = open_tokens(path, WORDS)
    assert documents.lengths.tolist() == [len(ids) for ids in WORDS.ids(texts)]
    assert documents.lengths[40] == 100_001
    assert documents.n_tokens == int(documents.lengths.sum())


def test_memory_is_that_of_a_block(tmp_path: Path) -> None:
    """40 MB of text go through; nothing of them stays but 8 bytes a document."""
    path = tmp_path / "t"
    tracemalloc.start()
    try:
        write_tokens(path, ("cat " * 100_000 for _ in range(100)), _EveryFourth())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000
    assert path.stat().st_size > 2_000_000


class _EveryFourth:
    """A tokenizer that costs nothing."""

    vocabulary = SPECIAL

    def ids(self, texts: list[str]) -> list[np.ndarray]:
        return [np.full(len(text) // 4, BOS_ID) for text in texts]

    def decode(self, ids: object) -> str:
        return ""

    def to_json(self) -> str:
        return "every fourth"


@pytest.mark.parametrize("length", [0, 10, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 7, -1])
def test_a_file_cut_short_is_noticed(store: Path, length: int) -> None:
    whole = store.read_bytes()
    store.write_bytes(whole[:length])
    said = fault(store)
    assert "Remove it to have it written anew" in said or "no tokens of textgraft" in said


def test_a_file_with_more_behind_it_is_noticed(store: Path) -> None:
    store.write_bytes(store.read_bytes() + b"x")
    assert "is damaged: expected" in fault(store)


@pytest.mark.parametrize("at", [20, 90, 150])
def test_a_changed_header_is_noticed(store: Path, at: int) -> None:
    data = bytearray(store.read_bytes())
    data[at] ^= 1
    store.write_bytes(data)
    assert "its header fails its checksum" in fault(store)


def test_changed_offsets_are_noticed(store: Path) -> None:
    data = bytearray(store.read_bytes())
    data[-16] ^= 64
    store.write_bytes(data)
    assert "its documents do not follow one another" in fault(store)


def test_a_changed_token_is_noticed_by_reading_all(store: Path) -> None:
    data = bytearray(store.read_bytes())
    data[HEADER_BYTES + 2] ^= 1
    store.write_bytes(data)
    open_tokens(store, TOKENIZER)
    with pytest.raises(DataError, match="is damaged: expected SHA-256"):
        check_tokens(store)


def test_foreign_files_are_refused(store: Path, tmp_path: Path) -> None:
    assert "holds the tokens of another tokenizer" in fault(store, WORDS)
    assert "holds the tokens of another corpus" in fault(store, corpus="corpus 2")
    assert open_tokens(store, TOKENIZER, "corpus 1").n_tokens
    other = tmp_path / "notes.txt"
    other.write_text("my notes")
    assert "holds no tokens of textgraft" in fault(other)
    assert "There is no file" in fault(tmp_path / "nowhere")
    assert "cannot be read" in fault(tmp_path)


def test_another_file_is_never_replaced(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes")
    for write in (
        lambda: write_tokens(other, TEXTS, TOKENIZER),
        lambda: kept_tokens(other, lambda: TEXTS, TOKENIZER, ""),
    ):
        with pytest.raises(DataError, match="is there and holds no tokens of textgraft"):
            write()
    assert other.read_text() == "my notes"


@pytest.mark.parametrize("error", [RuntimeError("broken stream"), KeyboardInterrupt()])
def test_a_write_that_breaks_leaves_the_old_file(store: Path, error: BaseException) -> None:
    def broken() -> Iterator[str]:
        yield "the cat"
        raise error

    before = store.read_bytes()
    with pytest.raises(type(error)):
        write_tokens(store, broken(), TOKENIZER)
    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == [store.name]


def test_no_text_and_no_place_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every document is blank"):
        write_tokens(tmp_path / "t", ["", " "], TOKENIZER)
    with pytest.raises(DataError, match="cannot take the tokens"):
        write_tokens(tmp_path / "no folder" / "t", TEXTS, TOKENIZER)
    assert list(tmp_path.iterdir()) == []


def test_tokens_are_kept_until_corpus_or_tokenizer_change(tmp_path: Path) -> None:
    path = tmp_path / "t"
    read = 0

    def documents() -> list[str]:
        nonlocal read
        read += 1
        return TEXTS

    kept_tokens(path, documents, TOKENIZER, "corpus 1")
    kept_tokens(path, documents, TOKENIZER, "corpus 1")
    assert read == 1
    kept_tokens(path, documents, TOKENIZER, "corpus 2")
    kept_tokens(path, documents, WORDS, "corpus 2")
    assert read == 3
    path.write_bytes(path.read_bytes()[:-1])
    assert len(kept_tokens(path, documents, WORDS, "corpus 2")) == 3
    assert read == 4


def test_the_same_corpus_gives_the_same_file(store: Path, tmp_path: Path) -> None:
    write_tokens(tmp_path / "again", iter(TEXTS), TOKENIZER, "corpus 1")
    assert (tmp_path / "again").read_bytes() == store.read_bytes()


def test_windows_over_a_store(store: Path) -> None:
    epoch = Windows(open_tokens(store, TOKENIZER), 2, 5, shuffle=False).epoch(0)
    assert epoch.window(0).starts[0].tolist()[0]
    first = [int(token) for step in range(len(epoch)) for token in epoch.window(step).ids[0]]
    assert TOKENIZER.decode(first).startswith("The cat sat.")
