"""Files of word vectors, read line by line for the words asked for.

    GloVe      text: ``word 0.1 0.2 …`` on each line
    word2vec   text with a first line ``words numbers``; fastText's ``.vec`` is the same
    word2vec   binary: that first line, then each word, a space and its numbers as float32

A file named ``.bin`` is read as binary, and so is any other whose first vector is no text.
Each may be compressed (``.gz``). The file may be larger than memory: only vectors of wanted
words are kept, and only their numbers are looked at; of any other word only the width is checked.
The number of words in a first line is not held against the file, because people cut files to their most
frequent words and leave that line as it was; a file torn within a vector is refused.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from textgraft.errors import WeightsError

LONGEST_LINE = 2**20
"""Bytes; a file of word vectors has far shorter lines, and a file without lines must not fill memory."""

_HEADER = re.compile(rb"(\d+) (\d+)")
_PRINTED = frozenset(b"\t\r\n" + bytes(range(32, 127)))
_FASTTEXT_MODEL = (793_712_314).to_bytes(4, "little")
_BLOCK = 2**22


def read_vector_file(path: Path, wanted: Collection[bytes]) -> tuple[int, dict[bytes, np.ndarray]]:
    """Width of the vectors, and the vector (d,) float32 of each wanted word that the file has.

    Of a word that comes twice, the first vector.

    Raises:
        WeightsError: the file is no file of word vectors, or is broken.
    """
    names = path.name.lower().removesuffix(".gz")
    try:
        with _opened(path) as file:
            if names.endswith(".bin") or _looks_binary(file):
                return _read_binary(path, file, frozenset(wanted))
            return _read_text(path, file, frozenset(wanted))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise WeightsError(f"{path} is no complete gzip file ({error}). Fetch it again.") from error
    except OSError as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error


def _opened(path: Path) -> BinaryIO:
    # the name is not trusted: browsers unpack files and keep their names
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _looks_binary(file: BinaryIO) -> bool:
    """Whether bytes that no text has stand where the first vector should; the file is at its start again."""
    header = _HEADER.fullmatch(file.readline(100).rstrip(b" \r\n"))
    record = file.read(LONGEST_LINE) if header else b""
    file.seek(0)
    vector = record.partition(b" ")[2][: 4 * int(header[2])] if header else b""
    # words may have any bytes in text files too, but numbers end each of their lines
    line = record.partition(b"\n")[0].rstrip(b" \r")
    return not _width(line) and any(byte not in _PRINTED for byte in vector)


def _read_text(path: Path, file: BinaryIO, wanted: frozenset[bytes]) -> tuple[int, dict[bytes, np.ndarray]]:
    found: dict[bytes, np.ndarray] = {}
    dim = 0
    for number, raw in enumerate(iter(partial(file.readline, LONGEST_LINE), b""), start=1):
        line = raw.rstrip(b" \r\n")
        if number == 1:
            # some editors put a byte order mark there
            line = line.removeprefix(b"\xef\xbb\xbf")
            header = _HEADER.fullmatch(line)
            dim = int(header[2]) if header else _width(line)
            if dim < 1:
                raise _no_vectors(path, line)
            if header:
                continue
        word, _, numbers = line.partition(b" ")
        extra = line.count(b" ") - dim
        if extra > 0:
            # words of GloVe 840B contain spaces: ". . ." and "at name@domain.com"
            *rest, numbers = numbers.split(b" ", extra)
            word = b" ".join([word, *rest])
            extra = sum(_is_number(part) for part in rest)
        if extra:
            if not line:
                raise _broken(path, number, f"a word and {dim} numbers", "an empty line")
            raise _broken(
                path, number, f"a word and {dim} numbers", f"{dim + extra} numbers after {_shown(word)}"
            )
        if word in wanted and word not in found:
            found[word] = _numbers(path, number, word, numbers)
    if not dim:
        raise WeightsError(f"{path} is empty: expected word vectors, a word and its numbers on each line.")
    return dim, found


def _numbers(path: Path, number: int, word: bytes, numbers: bytes) -> np.ndarray:
    parts = numbers.split(b" ")
    bad = next((part for part in parts if not _is_number(part)), None)
    if bad is not None:
        raise _broken(path, number, "numbers", f"{_shown(bad)} in the vector of {_shown(word)}")
    return _finite(path, f"line {number}", word, np.array([float(part) for part in parts], dtype=np.float32))


def _read_binary(path: Path, file: BinaryIO, wanted: frozenset[bytes]) -> tuple[int, dict[bytes, np.ndarray]]:
    first = file.readline(100)
    if first.startswith(_FASTTEXT_MODEL):
        raise WeightsError(f"{path} is a fastText model, which textgraft does not run. Use its .vec file.")
    header = _HEADER.fullmatch(first.rstrip(b" \r\n"))
    if not header or not int(header[2]):
        raise WeightsError(
            f"{path} is no word2vec file: expected its first line to be two numbers, words and width, "
            f"found {_shown(first)}."
        )
    dim = int(header[2])
    found: dict[bytes, np.ndarray] = {}
    for number, (word, raw) in enumerate(_records(path, file, 4 * dim), start=1):
        if word in wanted and word not in found:
            found[word] = _finite(path, f"word {number}", word, np.frombuffer(raw, dtype="<f4").copy())
    return dim, found


def _records(path: Path, file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Each word and the ``size`` bytes behind it."""
    block, start, count = file.read(_BLOCK), 0, 0
    while True:
        space = block.find(b" ", start)
        end = space + 1 + size
        if space < 0 or end > len(block):
            more = file.read(max(_BLOCK, size))
            if more and (space >= 0 or len(block) - start <= LONGEST_LINE):
                block, start = block[start:] + more, 0
                continue
            if block[start:].strip(b"\n"):
                what = f"{max(0, len(block) - space - 1)} bytes" if space >= 0 else "no space after a word"
                raise WeightsError(
                    f"{path} is torn: expected {size} bytes ({size // 4} numbers) for word {count + 1}, "
                    f"found {what}. Fetch it again."
                )
            return
        # some writers end each vector with a line break, others do not
        yield block[start:space].lstrip(b"\n"), block[space + 1 : end]
        start, count = end, count + 1


def _width(line: bytes) -> int:
    """Numbers at the end of a line, behind one word at least."""
    count = 0
    for part in reversed(line.split(b" ")[1:]):
        if not _is_number(part):
            break
        count += 1
    return count


def _is_number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _finite(path: Path, where: str, word: bytes, vector: np.ndarray) -> np.ndarray:
    if not np.isfinite(vector).all():
        raise WeightsError(
            f"{path}, {where}: expected finite numbers, found {vector[~np.isfinite(vector)][0]} "
            f"in the vector of {_shown(word)}. Fetch the file again or remove the word."
        )
    return vector


def _broken(path: Path, number: int, expected: str, found: str) -> WeightsError:
    return WeightsError(
        f"{path}, line {number}: expected {expected}, found {found}. Fetch the file again or mend the line."
    )


def _no_vectors(path: Path, line: bytes) -> WeightsError:
    return WeightsError(
        f"{path} is no file of word vectors: expected a word and its numbers with spaces between them, "
        f"found {_shown(line)} on line 1. Use a GloVe, word2vec or fastText (.vec) file."
    )


def _shown(part: bytes) -> str:
    return repr(part[:40].decode("utf-8", "replace") + ("…" if len(part) > 40 else ""))
