"""Files into documents: what a document is, that files can be read again, and that each fault is one line."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from textgraft.cli import corpora
from textgraft.cli.corpora import open_corpus
from textgraft.errors import DataError
from textgraft.text.documents import Documents
from textgraft.text.subwords import train_subwords
from textgraft.text.windows import Windows


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def documents(*paths: Path | str, **options: Any) -> list[str]:
    with open_corpus(paths, **options) as corpus:
        return list(corpus.documents())


def fault(*paths: Path | str, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        documents(*paths, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Stdin:
    """Standard input with given bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_plain_lines_blank_lines_and_whole_files(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "one\ntwo\n\n \nthree\r\n")
    other = write(tmp_path / "b.txt", "four")
    assert documents(file, other) == ["one", "two", "three", "four"]
    assert documents(file, other, part="blank-line") == ["one\ntwo", "three", "four"]
    assert documents(file, other, part="file") == ["one\ntwo\n\n \nthree", "four"]


def test_rows_of_tables_are_documents_whatever_plain_text_has(tmp_path: Path) -> None:
    rows = [{"text": "one\n\nstill one", "source": "x"}, {"text": None, "source": "x"}, {"text": "two"}]
    table = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), table)
    lines = write(tmp_path / "b.jsonl", "\n".join(map(json.dumps, rows)))
    cells = write(tmp_path / "c.csv", 'text,source\n"one\n\nstill one",x\ntwo,\n')
    for file in (table, lines, cells):
        assert documents(file, part="blank-line") == ["one\n\nstill one", "two"]
    assert documents(lines, text="source") == ["x", "x"]
    assert documents(table, cells) == ["one\n\nstill one", "two"] * 2


@pytest.mark.parametrize("part", ["line", "blank-line", "file"])
def test_standard_input_can_be_read_again(monkeypatch: pytest.MonkeyPatch, part: Any) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin("one\n\ntwö\n".encode()))
    with open_corpus(["-"], part=part) as corpus:
        first = list(corpus.documents())
        assert corpus.fingerprint() == corpus.fingerprint()
        assert list(corpus.documents()) == first
    assert first == (["one\n\ntwö"] if part == "file" else ["one", "twö"])


def test_standard_input_is_put_aside_no_longer_than_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"one"))
    with open_corpus(["-"]) as corpus:
        spool = corpus.spool
    assert spool is not None
    assert spool.closed


def test_reading_begins_anew_each_time_and_stops_anywhere(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "\n".join(f"line {n}" for n in range(1_000)))
    with open_corpus([file]) as corpus:
        reader = corpus.documents()
        assert next(reader) == "line 0"
        del reader
        assert len(list(corpus.documents())) == 1_000


def test_faults_of_files_come_with_their_documents(tmp_path: Path) -> None:
    good = write(tmp_path / "good.txt", "one\ntwo")
    bad = write(tmp_path / "bad.txt", "fine\ncaf\xe9 is latin\n".encode("latin-1"))
    table = write(tmp_path / "t.jsonl", '{"body_of_it": "x"}')
    with open_corpus([good, bad]) as corpus:
        reader = corpus.documents()
        assert [next(reader), next(reader)] == ["one", "two"]
        with pytest.raises(DataError, match="is not UTF-8: byte 0xe9 at line 2; it looks like cp1252"):
            list(reader)
    assert "Pass --encoding cp1252" in fault(bad)
    assert "has no column 'text' (it has: body_of_it)" in fault(table)
    assert "There is no file" in fault(tmp_path / "none.txt")
    assert "is a folder" in fault(tmp_path)
    assert documents(bad, encoding="cp1252") == ["fine", "café is latin"]


def test_a_corpus_without_text_names_its_files(tmp_path: Path) -> None:
    empty, blank = write(tmp_path / "a.txt", ""), write(tmp_path / "b.txt", "\n \n")
    assert fault(empty, blank) == (
        f"{empty}, {blank} has no text. Expected at least one document that is not blank."
    )
    assert documents(empty, write(tmp_path / "c.txt", "one")) == ["one"]


def test_a_corpus_of_one_line_is_one_document_and_says_so_where_that_is_too_little(tmp_path: Path) -> None:
    [document] = documents(write(tmp_path / "a.txt", "the cat sat on the mat " * 50))
    tokenizer = train_subwords([document], 280)
    few = Documents.of(tokenizer.ids([document[:60]]))
    with pytest.raises(
        DataError, match=r"Expected 65 tokens or more for 64 lanes, found \d\d\. Give more text"
    ):
        Windows(few, 64)
    with pytest.raises(DataError, match="one document a line, or blank lines between them"):
        few.held_out(0.1)


def test_a_corpus_in_one_endless_line_is_cut(tmp_path: Path) -> None:
    cut = documents(write(tmp_path / "a.txt", "word " * 1_000_000))
    assert [len(document) for document in cut] == [4_000_000, 1_000_000]


def test_surrogates_and_nul_do_not_reach_a_tokenizer(tmp_path: Path) -> None:
    [document] = documents(write(tmp_path / "a.jsonl", '{"text": "a\\ud800b\\u0000c"}'))
    assert document == "a\ufffdb c"
    train_subwords([document], 263).ids([document])


def test_options_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"one"))
    file = write(tmp_path / "a.txt", "one")
    assert "Expected a file of texts, found none" in fault()
    assert "found 'page'" in fault(file, part="page")
    assert "--encoding 'klingon'" in fault(file, encoding="klingon")
    assert "is named twice" in fault("-", "-")
    assert "Leave out --text" in fault("-", text="body")
    assert "Leave out --text" in fault(file, text="body")


def test_the_fingerprint_changes_with_the_files_and_how_they_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "one")
    found = []
    for options in ({}, {"part": "file"}, {"encoding": "cp1252"}):
        with open_corpus([file], **options) as corpus:  # type: ignore[arg-type]
            found.append(corpus.fingerprint())
    with open_corpus([file]) as corpus:
        assert corpus.fingerprint() == found[0]
    # a copy, or the same once more, is the same corpus
    os.utime(file, (0, 0))
    with open_corpus([write(tmp_path / "b.txt", "one")]) as copy, open_corpus([file]) as corpus:
        assert copy.fingerprint() == corpus.fingerprint() == found[0]
    before = os.stat(file)
    write(file, "two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with open_corpus([file]) as corpus:
        found.append(corpus.fingerprint())
    assert len(set(found)) == 4
    with open_corpus([tmp_path / "none"]) as corpus, pytest.raises(DataError, match="cannot be read"):
        corpus.fingerprint()


def test_rows_that_are_books_are_read_a_few_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from textgraft.cli import readers

    table = tmp_path / "books.parquet"
    pq.write_table(pa.table({"text": [f"{n} " * 2_000 for n in range(40)]}), table, compression=None)
    sizes: list[int] = []
    kept = readers._parquet_values

    def counted(column: Any) -> list[object]:
        sizes.append(len(column))
        return kept(column)

    monkeypatch.setattr(readers, "_parquet_values", counted)
    monkeypatch.setattr(readers, "BLOCK_BYTES", 20_000)
    assert len(documents(table)) == 40
    assert max(sizes) <= 5
    assert corpora.BLOCK <= 64
