"""The door for data: CSV, TSV, JSON lines, Parquet and plain lines into texts and labels.

Values pass as they are, and ``core.examples`` cleans them: a missing one is None. Every fault of a
file is a ``DataError`` of one line.
"""

from __future__ import annotations

import math
import numbers
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from textgraft.cli.columns import choose_columns, choose_text
from textgraft.cli.encodings import check_encoding, file_line_blocks, line_blocks
from textgraft.cli.readers import BLOCK_ROWS, READERS, File, long_fields
from textgraft.errors import DataError

STDIN = "-"
STDIN_NAME = "Standard input"
PLAIN = ".txt"
_PACKED = {".gz", ".bz2", ".xz", ".zst", ".zip"}


@dataclass(frozen=True)
class Rows:
    """Raw rows of one file; ``labels`` are aligned with ``texts``, or None where the file has none."""

    texts: list[object]
    labels: list[object] | None
    text_column: str
    label_column: str | None
    source: str


def read_rows(
    path: str | os.PathLike[str],
    *,
    text: str | None,
    label: str | None,
    need_labels: bool,
    encoding: str = "utf-8",
) -> Rows:
    """All rows of a file, for training, evaluating and inspecting.

    Args:
        path: a file by its extension (.csv, .tsv, .jsonl, .ndjson, .parquet, .txt), or ``-``: plain
            lines from standard input.
        text: the column of texts; None finds it by its name.
        label: the column of labels; None finds it by its name.
        need_labels: whether a file without a column of labels is an error.
        encoding: of the file; Parquet needs none.

    Raises:
        DataError: when the file cannot be read, has no rows, or lacks a column that is needed.
    """
    check_encoding(encoding)
    if os.fspath(path) == STDIN:
        return _plain_rows(path, STDIN_NAME, text, label, need_labels, encoding)
    file = _find(path, encoding, whole=True)
    if file.suffix == PLAIN:
        return _plain_rows(path, file.name, text, label, need_labels, encoding)
    chosen: list[str] = []

    def pick(columns: Sequence[str]) -> Sequence[str]:
        chosen.extend(
            choose_columns(columns, text=text, label=label, need_labels=need_labels, name=file.name)
        )
        return chosen

    with long_fields():
        rows = [values for _, values in READERS[file.suffix](file, pick)]
    if not rows:
        raise DataError(f"{file.name} has no rows. Expected at least one text.")
    has_labels = len(chosen) == 2
    return Rows(
        texts=[values[0] for values in rows],
        labels=[values[1] for values in rows] if has_labels else None,
        text_column=chosen[0],
        label_column=chosen[1] if has_labels else None,
        source=file.name,
    )


def stream_texts(
    path: str | os.PathLike[str] | None,
    *,
    text: str | None,
    encoding: str = "utf-8",
    block_rows: int = BLOCK_ROWS,
) -> Iterator[list[str | None]]:
    """Texts in blocks and in order, for prediction, in memory that does not grow with the file.

    Plain lines are given as soon as they have arrived: a slow producer gets its answer at once, a
    file full blocks. An empty line is the text ``""``. In JSON lines a bare string is a text too, and
    an empty line is nothing. No rows mean no blocks.

    Args:
        path: as for :func:`read_rows`; None also means standard input.
        text: the column of texts; None finds it by its name.
        encoding: of the bytes; Parquet needs none.
        block_rows: the largest block.

    Raises:
        DataError: at once when the file is not there or of no known format, and while streaming
            when its content cannot be read.
    """
    check_encoding(encoding)
    if path is None or os.fspath(path) == STDIN:
        _refuse_column("text", text, STDIN_NAME)
        return line_blocks(standard_input(), STDIN_NAME, encoding, block_rows)
    file = _find(path, encoding, whole=False)
    if file.suffix == PLAIN:
        _refuse_column("text", text, file.name)
        return file_line_blocks(file.path, encoding, block_rows)
    return _table_blocks(file, text, block_rows)


def _find(path: str | os.PathLike[str], encoding: str, *, whole: bool) -> File:
    """Check what can be checked without opening: to open and close a named pipe would end its producer."""
    file = File(Path(path), encoding, whole)
    known = ", ".join([*READERS, PLAIN])
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        raise DataError(
            f"There is no file {file.name}. Give one that exists, or - for standard input."
        ) from None
    except OSError as error:
        raise DataError(f"{file.name} cannot be read: {error.strerror}. Check the path.") from error
    if is_folder:
        raise DataError(f"{file.name} is a folder. Give one file ({known}).")
    if not os.access(path, os.R_OK):
        raise DataError(f"{file.name} cannot be read: no permission. Change its permissions.")
    if file.suffix in _PACKED:
        raise DataError(f"{file.name} is compressed. Unpack it first; textgraft reads {known}.")
    if file.suffix not in READERS and file.suffix != PLAIN:
        found = f"the extension {file.suffix!r}" if file.suffix else "no extension"
        raise DataError(f"{file.name} has {found}; textgraft reads {known}. Convert or rename it.")
    return file


def _table_blocks(file: File, text: str | None, block_rows: int) -> Iterator[list[str | None]]:
    def pick(columns: Sequence[str]) -> Sequence[str]:
        return [choose_text(columns, text=text, name=file.name)]

    rows = READERS[file.suffix](file, pick)
    unit = "row" if file.suffix == ".parquet" else "line"
    while True:
        with long_fields():  # held for a block, never while the caller works on it
            block = [_as_text(value, f"{file.name} {unit} {at}") for at, (value,) in islice(rows, block_rows)]
        if not block:
            return
        yield block


def _as_text(value: object, where: str) -> str | None:
    """As ``core.examples`` would clean it, but naming the line when that is impossible."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, numbers.Number):
        return str(value)
    raise DataError(
        f"{where}: expected a text, found {type(value).__name__}. Pass --text with another column."
    )


# ------------------------------------------------------------------ plain lines


def _plain_rows(
    path: str | os.PathLike[str],
    name: str,
    text: str | None,
    label: str | None,
    need_labels: bool,
    encoding: str,
) -> Rows:
    _refuse_column("label", label, name)
    if need_labels:
        raise DataError(f"{name} has plain lines without labels. Give a file with a column of labels.")
    texts: list[object] = []
    for block in stream_texts(path, text=text, encoding=encoding):
        texts += block
    if not texts:
        raise DataError(f"{name} is empty. Expected one text a line.")
    return Rows(texts, None, text_column="text", label_column=None, source=name)


def _refuse_column(option: str, given: str | None, name: str) -> None:
    if given is not None:
        raise DataError(f"{name} has plain lines and no columns. Leave out --{option}.")


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises:
        DataError: it is closed.
    """
    stream = getattr(sys.stdin, "buffer", None)  # stdin is None when the parent process closed it
    if stream is None:
        raise DataError("Standard input is closed. Pipe one text a line into it, or give a file.")
    return cast(BinaryIO, stream)
