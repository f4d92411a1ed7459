"""Files into the documents of a corpus, as often as they are asked for, in memory that does not grow.

A row of a table (CSV, TSV, JSON lines, Parquet) is a document. Of plain text it is a line, as everywhere
in textgraft; or, if so asked, what stands between blank lines, or a whole file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal, cast, get_args

from textgraft.cli.encodings import check_encoding, line_blocks, read_chunks
from textgraft.cli.files import PLAIN, STDIN, STDIN_NAME, standard_input, stream_texts
from textgraft.core.examples import clean_texts
from textgraft.errors import DataError
from textgraft.pretrained import file_sha256
from textgraft.text.corpus import joined_lines, whole_documents

BLOCK = 64
"""Texts that are held at once; documents may be books."""

Part = Literal["line", "blank-line", "file"]
"""What ends one document of plain text."""


@dataclass(frozen=True)
class Corpus:
    """Files that can be read again and again, by one reader at a time.

    Attributes:
        paths: files, or ``-``.
        text: the column of texts; None finds it by its name.
        encoding: of the files; Parquet needs none.
        part: what ends one document of plain text.
        spool: standard input, put aside on disk, if it is among the paths.
    """

    paths: tuple[str, ...]
    text: str | None
    encoding: str
    part: Part
    spool: BinaryIO | None

    def documents(self) -> Iterator[str]:
        """All documents that are not blank, in order; those of over four million characters in parts.

        Raises:
            DataError: there is none, or a file cannot be read.
        """
        texts = chain.from_iterable(self._texts(path) for path in self.paths)
        return whole_documents(texts, ", ".join(STDIN_NAME if path == STDIN else path for path in self.paths))

    def fingerprint(self) -> str:
        """Changes with what files hold, not with when they were written, and with how they are read.

        Raises:
            DataError: a file cannot be read.
        """
        said = [repr((self.text, self.encoding, self.part))]
        for path in self.paths:
            if path == STDIN and self.spool is not None:
                self.spool.seek(0)
                hashed = hashlib.sha256()
                for chunk in read_chunks(self.spool, STDIN_NAME):
                    hashed.update(chunk)
                said.append(hashed.hexdigest())
                continue
            try:
                found = file_sha256(Path(path))
            except OSError as error:
                raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
            said.append(repr((Path(path).suffix, found)))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    def _texts(self, path: str) -> Iterator[str]:
        texts = (text for block in self._blocks(path) for text in clean_texts(block))
        is_plain = path == STDIN or Path(path).suffix.lower() == PLAIN
        if not is_plain or self.part == "line":
            return texts
        return joined_lines(texts, blank_ends=self.part == "blank-line")

    def _blocks(self, path: str) -> Iterator[list[str | None]]:
        if path == STDIN and self.spool is not None:
            self.spool.seek(0)
            return line_blocks(self.spool, STDIN_NAME, self.encoding, BLOCK)
        return stream_texts(path, text=self.text, encoding=self.encoding, block_rows=BLOCK)


@contextmanager
def open_corpus(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text: str | None = None,
    encoding: str = "utf-8",
    part: Part = "line",
) -> Iterator[Corpus]:
    """A corpus of some files; standard input is put aside on disk, since it can be read once only.

    Raises:
        DataError: no file is named, standard input is named twice or with a column, or ``part`` or
            ``encoding`` is unknown. Faults of files come with their documents.
    """
    named = tuple(os.fspath(path) for path in paths)
    check_encoding(encoding)
    if not named:
        raise DataError("Expected a file of texts, found none. Name one, or - for standard input.")
    if part not in get_args(Part):
        raise DataError(f"Expected {', '.join(get_args(Part))} as what ends a document, found {part!r}.")
    if STDIN not in named:
        yield Corpus(named, text, encoding, part, None)
        return
    if named.count(STDIN) > 1 or text is not None:
        fault = "has plain lines and no columns. Leave out --text" if text else "is named twice. Name it once"
        raise DataError(f"{STDIN_NAME} {fault}.")
    # unbuffered, since lines are read from the descriptor
    with cast(BinaryIO, tempfile.TemporaryFile(buffering=0)) as spool:
        for chunk in read_chunks(standard_input(), STDIN_NAME):
            spool.write(chunk)
        yield Corpus(named, text, encoding, part, spool)
