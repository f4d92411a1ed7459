"""Bytes into lines of text: UTF-8 unless told otherwise, and a failure that names the likely encoding.

Only ``\\n`` ends a line. Everything is read in chunks, so that memory does not grow with the file,
and decoded here rather than by ``open``, because only so can a failure name its line.
"""

from __future__ import annotations

import codecs
import os
import re
import select
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from textgraft.errors import DataError

CHUNK_BYTES = 256 * 1024
SAMPLE_BYTES = 8 * 1024
"""How far around a byte that cannot be decoded the guess looks, on each side."""

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
# Where NUL stands in the first four bytes of a text that begins with ASCII (RFC 4627, section 3).
_UNMARKED = {
    "0x0x": "utf-16-be",
    "x0x0": "utf-16-le",
    "000x": "utf-32-be",
    "x000": "utf-32-le",
}
# cp1252 leads, and wins a tie: by far the most common of these four.
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257")


def check_encoding(encoding: str) -> None:
    """Make sure that Python can decode ``encoding``.

    Raises:
        DataError: when it is no text encoding that Python knows.
    """
    try:
        "a".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError):
        raise DataError(
            f"Expected a text encoding, found --encoding {encoding!r}. "
            "Pass a name that Python knows, such as utf-8, cp1252 or utf-16."
        ) from None


def read_chunks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Bytes as soon as some have arrived, at most ``CHUNK_BYTES`` at a time.

    Raises:
        DataError: when the system cannot read any further.
    """
    descriptor = _descriptor(stream)
    try:
        if descriptor is None:
            yield stream.read()
            return
        # stream.read(n) would wait until n bytes are there, and a slow producer go unanswered.
        while chunk := os.read(descriptor, CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise _unreadable(name, error) from error


def more_waits(stream: BinaryIO) -> bool:
    """Whether a read would return at once, as it always does on a file on disk."""
    descriptor = _descriptor(stream)
    if descriptor is None:
        return False
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    except (OSError, ValueError):
        return False  # Windows selects on sockets only: then every read is answered at once


def decoded(chunks: Iterable[bytes], encoding: str, name: str) -> Iterator[str]:
    """Text for each chunk of bytes, perhaps ``""``; a byte-order mark at the start is left out.

    Raises:
        DataError: naming the line, the byte and the likely encoding, when bytes do not fit ``encoding``.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    is_utf8 = codecs.lookup(encoding).name.startswith("utf-8")
    lines, head, previous = 0, b"", b""
    at_start = True
    for chunk in chain(chunks, [b""]):
        head = (head + chunk)[:4] if len(head) < 4 else head
        if (
            is_utf8
            and lines == 0
            and (wide := _UNMARKED.get("".join("0" if byte == 0 else "x" for byte in head)))
        ):
            # Such bytes are valid UTF-8 full of NULs; they would only fail later, as a column not found.
            raise DataError(f"{name} is not UTF-8: it looks like {wide}. {_remedy(wide)}")
        try:
            piece = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = lines + error.object[: error.start].count(b"\n") + 1
            byte = error.object[error.start]
            # What the decoder held back from the previous chunk stands in the error's bytes once more.
            before = previous[: len(previous) - max(0, len(error.object) - len(chunk))]
            guess = _guess(_sample(before + error.object, len(before) + error.start), head, encoding)
            shown = "UTF-8" if is_utf8 else encoding
            raise DataError(f"{name} is not {shown}: byte 0x{byte:02x} at line {line}; {guess}") from None
        except UnicodeError as error:  # UTF-16 and UTF-32 without the mark that tells their byte order
            raise DataError(
                f"{name} is not {encoding}: {error}. Pass --encoding {encoding}-le or {encoding}-be."
            ) from None
        if at_start and piece:
            piece, at_start = piece.removeprefix("\ufeff"), False
        lines += piece.count("\n")
        previous = chunk
        yield piece


def split_lines(pieces: Iterable[str]) -> Iterator[list[str]]:
    """The lines that each piece completes, perhaps none; a last line needs no ``\\n``.

    One list for each piece, so that the caller can act whenever something has arrived.
    """
    tail: list[str] = []  # parts of one line; joined once, or a line of a gigabyte would take hours
    for piece in pieces:
        lines = piece.split("\n")
        if len(lines) > 1:
            lines[0] = "".join(tail) + lines[0]
            tail = []
        tail.append(lines.pop())
        yield lines
    if last := "".join(tail):
        yield [last]


def numbered_lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """The lines of a file, counted from 1, without their ``\\n``.

    Raises:
        DataError: as :func:`decoded`.
    """
    with _opened(path) as stream:
        pieces = decoded(read_chunks(stream, str(path)), encoding, str(path))
        yield from enumerate(chain.from_iterable(split_lines(pieces)), start=1)


def file_line_blocks(path: Path, encoding: str, block_rows: int) -> Iterator[list[str | None]]:
    """:func:`line_blocks` of a file.

    Raises:
        DataError: as :func:`decoded`.
    """
    with _opened(path) as stream:
        yield from line_blocks(stream, str(path), encoding, block_rows)


def line_blocks(stream: BinaryIO, name: str, encoding: str, block_rows: int) -> Iterator[list[str | None]]:
    """Lines without ``\\n`` or ``\\r\\n``: full blocks while more is waiting, else at once what there is.

    Raises:
        DataError: as :func:`decoded`.
    """
    waiting: list[str | None] = []
    for lines in split_lines(decoded(read_chunks(stream, name), encoding, name)):
        waiting += [line.removesuffix("\r") for line in lines]
        full = len(waiting) - len(waiting) % block_rows
        for start in range(0, full, block_rows):
            yield waiting[start : start + block_rows]
        del waiting[:full]
        if waiting and not more_waits(stream):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _opened(path: Path) -> BinaryIO:
    try:
        # Unbuffered: read_chunks goes to the descriptor, past any buffer.
        return cast(BinaryIO, path.open("rb", buffering=0))
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _unreadable(name: str, error: OSError) -> DataError:
    return DataError(f"{name} cannot be read: {error.strerror or error}. Check the file.")


def _descriptor(stream: BinaryIO) -> int | None:
    """None for a stream in memory, which a test or a notebook may put in the place of stdin."""
    try:
        return stream.fileno()
    except (AttributeError, OSError):  # io.UnsupportedOperation is an OSError
        return None


def _sample(data: bytes, at: int) -> bytes:
    """Whole lines around ``at`` where there are some: a cut character would mislead the guess."""
    start, end = max(0, at - SAMPLE_BYTES), at + SAMPLE_BYTES
    if start:
        start = max(start, data.find(b"\n", start, at) + 1)
    if end < len(data):
        last = data.rfind(b"\n", at, end)
        end = last if last >= 0 else end
    return data[start:end]


def _guess(sample: bytes, head: bytes, encoding: str) -> str:
    """What the bytes look like, and what to do about it."""
    for mark, marked in _MARKS:
        if head.startswith(mark) and marked != encoding:
            return f"it looks like {marked}. {_remedy(marked)}"
    replaced = sample.decode("utf-8", "replace")
    broken = replaced.count("\ufffd")
    if sum(character > "\x7f" for character in replaced) - broken > broken:
        if codecs.lookup(encoding).name.startswith("utf-8"):
            return "the text around it is UTF-8, so the file is damaged there. Repair that line."
        return f"it looks like utf-8. {_remedy('utf-8')}"
    likely = _by_statistics(sample)
    if likely is None or likely == encoding:
        return (
            "its encoding cannot be told, or it is not a text file. "
            "Pass --encoding NAME if you know it, or convert it to UTF-8."
        )
    return f"it looks like {likely}. {_remedy(likely)}"


def _by_statistics(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    runs = re.findall(rb"[\x80-\xff]+", sample)
    if 2 * sum(len(run) == 1 for run in runs) > len(runs):
        # Lone high bytes between ASCII: accents or curly quotes. On short samples the general guess
        # falls for Big5 here.
        matches = list(from_bytes(sample, cp_isolation=list(_LATIN)))
        if matches:
            best = min((match.chaos, -match.coherence) for match in matches)
            ties = {
                name
                for match in matches
                if (match.chaos, -match.coherence) == best
                for name in match.could_be_from_charset
            }
            return next((name for name in _LATIN if name in ties), None)
    general = from_bytes(sample).best()
    return None if general is None else str(general.encoding)


def _remedy(encoding: str) -> str:
    if encoding == "utf-8":
        return "Pass --encoding utf-8."
    return f"Pass --encoding {encoding}, or convert it to UTF-8."
