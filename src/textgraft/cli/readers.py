"""One reader a format: shown the columns of a file, asked which are wanted, yielding their values.

Reading for training and streaming for prediction share them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol, cast

from textgraft.cli.columns import shown
from textgraft.cli.encodings import numbered_lines
from textgraft.errors import DataError

BLOCK_ROWS = 1024
BLOCK_BYTES = 2**22
"""Bytes of a block of Parquet, about: where rows are whole documents, fewer of them are read at once."""

LONGEST_FIELD = 2**24
"""Characters that one CSV field may have. Larger than any text, small enough to stop at a quote
that is never closed before it has taken the memory of the machine."""

Pick = Callable[[Sequence[str]], Sequence[str]]
"""The columns of the file → those whose values are wanted."""

Row = tuple[int, tuple[object, ...]]
"""The number of its line (of its row, in Parquet) and the wanted values."""


@dataclass(frozen=True)
class File:
    """A file that is there; ``whole``: read to its end before anything is answered."""

    path: Path
    encoding: str
    whole: bool

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()


def _csv_rows(file: File, pick: Pick) -> Iterator[Row]:
    # The csv module wants the line ends: they belong to a quoted field that holds several lines.
    lines = (line + "\n" for _, line in numbered_lines(file.path, file.encoding))
    opening: list[str] = []  # blank lines and the header
    for line in lines:
        opening.append(line)
        if line.strip():
            break
    else:
        raise DataError(f"{file.name} is empty. Its first line must name the columns.")
    delimiter = _delimiter(file, opening[-1])
    records = _csv_records(csv.reader(chain(opening, lines), delimiter=delimiter, strict=True), file.name)
    _, fields = next(records)
    header = [field.strip() for field in fields]
    places = [header.index(column) for column in pick(header)]
    for line_number, row in records:
        if len(row) > len(header):
            raise DataError(
                f"{file.name} line {line_number} has {len(row)} fields, but the header names {len(header)} "
                f"({', '.join(map(shown, header[:12]))}). Quote a text that contains {delimiter!r}."
            )
        yield line_number, tuple(row[place] if place < len(row) else None for place in places)


def _delimiter(file: File, header: str) -> str:
    """Excel writes ``;`` into a .csv wherever the comma is the decimal sign."""
    if file.suffix == ".tsv":
        return "\t"
    # max takes the first of equals, and a header of one column has none of them.
    return "," if "," in header else max(",;\t", key=header.count)


def _csv_records(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, with the line on which each starts."""
    counted = cast("_CountsLines", reader)
    while True:
        start = counted.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = str(error)
            if "end of data" in fault or "field limit" in fault:
                fault = 'a quote " is opened and never closed'
            elif "new-line" in fault:
                fault = "a carriage return stands outside quotes"
            raise DataError(
                f"{name}: the record that starts at line {start} is broken: {fault}. "
                'Quote such a field, and double the quotes inside it: "".'
            ) from None
        if row:
            yield start, row


class _CountsLines(Protocol):
    line_num: int


@contextmanager
def long_fields() -> Iterator[None]:
    """Allow long CSV fields for a while; the limit is one for the whole process, so it is put back."""
    before = csv.field_size_limit()
    csv.field_size_limit(max(before, LONGEST_FIELD))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _json_rows(file: File, pick: Pick) -> Iterator[Row]:
    records = _json_records(file)
    # Keys may differ from line to line: all lines count, or the first block of a stream.
    ahead = list(records if file.whole else islice(records, BLOCK_ROWS))
    columns = list(dict.fromkeys(key for _, record in ahead if isinstance(record, dict) for key in record))
    wanted: Sequence[str] | None = None
    for line_number, record in chain(ahead, records):
        if isinstance(record, str):
            yield line_number, (record,)
        else:
            wanted = wanted or pick(columns or list(record))
            yield line_number, tuple(record.get(column) for column in wanted)


def _json_records(file: File) -> Iterator[tuple[int, dict[str, object] | str]]:
    for line_number, line in numbered_lines(file.path, file.encoding):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{file.name} line {line_number} is not JSON: {error}. Write one JSON object a line."
            ) from None
        if not isinstance(record, dict) and (file.whole or not isinstance(record, str)):
            raise DataError(
                f"{file.name} line {line_number}: expected a JSON object, found {type(record).__name__}. "
                "Write one JSON object a line."
            )
        yield line_number, record


def _parquet_rows(file: File, pick: Pick) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(file.path) as table:
            wanted = pick(table.schema_arrow.names)
            row = 0
            bytes_a_row = sum(
                table.metadata.row_group(group).total_byte_size for group in range(table.num_row_groups)
            ) // max(1, table.metadata.num_rows)
            rows = max(1, min(BLOCK_ROWS, BLOCK_BYTES // max(1, bytes_a_row)))
            for batch in table.iter_batches(batch_size=rows, columns=list(wanted)):
                for values in zip(*(_parquet_values(batch.column(column)) for column in wanted), strict=True):
                    row += 1
                    yield row, values
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        fault = " ".join(str(error).split())[:200]
        raise DataError(f"{file.name} cannot be read as Parquet: {fault}. Write it again.") from error


def _parquet_values(column: Any) -> list[object]:
    import pyarrow

    # Older Spark and Impala write strings as bytes without saying that they are UTF-8.
    if pyarrow.types.is_binary(column.type) or pyarrow.types.is_large_binary(column.type):
        column = column.cast(pyarrow.large_string())
    values: list[object] = column.to_pylist()
    return values


READERS: dict[str, Callable[[File, Pick], Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}
