"""Token ids of a corpus on disk, so that a corpus is read and split into tokens once.

    corpus.tokens
    ├── header    4,096 bytes: what it is, its checksum first
    ├── tokens    uint16 or uint32, little-endian
    └── offsets   int64 (n + 1,): document i is tokens[offsets[i]:offsets[i + 1]]

It is written beside its place and moved there in one step, so a file is whole or not there. A copy that
was cut short, or another tokenizer's file, is noticed on opening; a changed token by ``check_tokens``.
"""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from textgraft.errors import DataError
from textgraft.text.documents import Documents
from textgraft.text.tokenizer import Tokenizer, fingerprint

MAGIC = b"textgraft tokens 1\n"
HEADER_BYTES = 4096
BLOCK = 1_000_000
"""Characters that are split into tokens at once."""

_OFFSET = np.dtype("<i8")


def kept_tokens(
    path: Path, documents: Callable[[], Iterable[str]], tokenizer: Tokenizer, corpus: str
) -> Documents:
    """The tokens of a corpus from its file, which is written first where it is missing or out of date.

    Args:
        path: the file.
        documents: gives the corpus, if it has to be read.
        tokenizer: what splits it.
        corpus: fingerprint of the corpus; tokens of another one are written anew.

    Raises:
        DataError: as :func:`write_tokens`.
    """
    with suppress(DataError):
        return open_tokens(path, tokenizer, corpus)
    write_tokens(path, documents(), tokenizer, corpus)
    return open_tokens(path, tokenizer, corpus)


def write_tokens(path: Path, documents: Iterable[str], tokenizer: Tokenizer, corpus: str = "") -> None:
    """Write the tokens of all documents; each begins with ``<bos>``.

    Memory is that of a block of documents and of 8 bytes a document. One writer at a time.

    Args:
        path: the file; an older one is replaced at the end.
        documents: the corpus; blank documents are passed over.
        tokenizer: what splits it.
        corpus: fingerprint of the corpus.

    Raises:
        DataError: there is no document, the disk refuses, or the file that is there is no file of tokens;
            what is there stays.
    """
    _refuse_to_replace(path)
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("wb") as file:
            file.write(bytes(HEADER_BYTES))
            about = _write_all(file, documents, tokenizer, path)
            about["corpus"] = _digest(corpus.encode())
            file.seek(0)
            file.write(_header(about))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException as error:  # Ctrl-C too must leave no half-written file
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DataError(
                f"{path} cannot take the tokens ({error.strerror or error}). Name another place."
            ) from error
        raise


def open_tokens(path: Path, tokenizer: Tokenizer, corpus: str | None = None) -> Documents:
    """The documents of a file, read from disk as they are needed.

    Args:
        path: what :func:`write_tokens` wrote.
        tokenizer: whose tokens they must be.
        corpus: fingerprint of the corpus whose tokens they must be; None takes any.

    Raises:
        DataError: it is not there, torn or no such file, or of another tokenizer or corpus.
    """
    about = _read_header(path)
    if about["tokenizer"] != fingerprint(tokenizer):
        raise DataError(f"{path} holds the tokens of another tokenizer. Remove it to have it written anew.")
    if corpus is not None and about["corpus"] != _digest(corpus.encode()):
        raise DataError(f"{path} holds the tokens of another corpus. Remove it to have it written anew.")
    dtype = np.dtype(about["dtype"])
    tokens = np.memmap(path, dtype, "r", HEADER_BYTES, shape=(about["tokens"],))
    at = _offsets_at(about["tokens"], dtype)
    offsets = np.fromfile(path, _OFFSET, about["documents"] + 1, offset=at).astype(np.int64)
    lengths = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != about["tokens"] or (lengths < 1).any():
        raise _torn(path, "its documents do not follow one another")
    return Documents(tokens, offsets[:-1], lengths)


def check_tokens(path: Path) -> None:
    """Read the whole file and compare its checksum.

    Raises:
        DataError: as :func:`open_tokens`, or it is not what was written.
    """
    about = _read_header(path)
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != about["sha256"]:
        raise _torn(path, f"expected SHA-256 {about['sha256'][:12]}…, found {found[:12]}")


def _write_all(file: BinaryIO, documents: Iterable[str], tokenizer: Tokenizer, path: Path) -> dict[str, Any]:
    """Tokens and offsets behind the header; what the header is to say."""
    dtype = np.dtype("<u2" if len(tokenizer.vocabulary) <= 2**16 else "<u4")
    hashed = hashlib.sha256()
    offsets = array("q", [0])

    def write(data: bytes) -> None:
        file.write(data)
        hashed.update(data)

    for block in _blocks(documents):
        for ids in tokenizer.ids(block):
            write(ids.astype(dtype).tobytes())
            offsets.append(offsets[-1] + len(ids))
    if len(offsets) == 1:
        raise DataError(f"{path} would hold no tokens: every document is blank. Give a corpus with text.")
    n_tokens = offsets[-1]
    write(bytes(_offsets_at(n_tokens, dtype) - HEADER_BYTES - n_tokens * dtype.itemsize))
    write(np.asarray(offsets, dtype=_OFFSET).tobytes())
    return {
        "dtype": dtype.str,
        "tokens": n_tokens,
        "documents": len(offsets) - 1,
        "tokenizer": fingerprint(tokenizer),
        "sha256": hashed.hexdigest(),
    }


def _blocks(documents: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    size = 0
    for document in documents:
        if document.strip():
            block.append(document)
            size += len(document)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _offsets_at(n_tokens: int, dtype: np.dtype[Any]) -> int:
    """Where the offsets begin: behind the tokens, at a multiple of 8 bytes."""
    return HEADER_BYTES + -(-n_tokens * dtype.itemsize // 8) * 8


def _header(about: dict[str, Any]) -> bytes:
    written = json.dumps(about, sort_keys=True).encode()
    return (MAGIC + _digest(written).encode() + b"\n" + written).ljust(HEADER_BYTES)


def _read_header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Write it with write_tokens.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    if not header.startswith(MAGIC):
        raise DataError(f"{path} holds no tokens of textgraft. Name another file.")
    checksum, _, written = header.removeprefix(MAGIC).rstrip(b" ").partition(b"\n")
    if len(header) < HEADER_BYTES or checksum.decode("latin-1") != _digest(written):
        raise _torn(path, "its header fails its checksum")
    about: dict[str, Any] = json.loads(written)
    expected = _offsets_at(about["tokens"], np.dtype(about["dtype"])) + 8 * (about["documents"] + 1)
    if size != expected:
        raise _torn(path, f"expected {expected:,} bytes, found {size:,}")
    return about


def _refuse_to_replace(path: Path) -> None:
    """A name that was mistyped must not cost a file."""
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError(f"{path} is there and holds no tokens of textgraft. Name another file.")


def _torn(path: Path, fault: str) -> DataError:
    return DataError(f"{path} is damaged: {fault}. Remove it to have it written anew.")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
