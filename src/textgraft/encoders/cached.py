"""An on-disk cache of vectors, so that the same text is encoded once.

One SQLite file an encoder fingerprint: its transactions survive a kill at any moment, and
several processes can share it. It holds hashes of texts, never the texts. A vector comes
back only if the file belongs to this encoder, the text's SHA-256 matches and the row's
checksum matches; anything else is a miss, and a file that is torn or foreign is begun anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.encoders.encoder import Encoder

FORMAT = "textgraft vectors 1"
TEXTS_A_COMMIT = 2_048
"""Texts encoded between two commits: at most so many are lost to a kill."""
LARGEST_FILE = 4 * 2**30
"""Bytes from which the oldest quarter of the vectors makes room."""

_KEYS_A_QUERY = 500


@dataclass(frozen=True)
class CachedEncoder:
    """The same vectors as ``inner`` gives, from disk where it gave them before.

    In bf16 a vector depends by about 1e-5 on the other texts of its batch; a cached one
    keeps what its first batch gave it.
    """

    inner: Encoder
    folder: Path
    texts_a_commit: int = TEXTS_A_COMMIT

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def settings(self) -> dict[str, int]:
        return self.inner.settings

    @property
    def weights_fingerprint(self) -> str:
        return self.inner.weights_fingerprint

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    @property
    def dim(self) -> int:
        return self.inner.dim

    @property
    def max_tokens(self) -> int | None:
        return self.inner.max_tokens

    @property
    def path(self) -> Path:
        """The cache file."""
        return self.folder / f"{self.fingerprint}.sqlite"

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        """As the inner encoder counts them."""
        return self.inner.count_tokens(texts)

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        """Vectors (n, d) float32, each text encoded at most once."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        text_of = dict(zip(keys, texts, strict=True))
        found = self._read(list(text_of))
        missing = [key for key in text_of if key not in found]
        for start in range(0, len(missing), self.texts_a_commit):
            part = missing[start : start + self.texts_a_commit]

            def shifted(progress: Progress, start: int = start) -> None:
                watch(Progress(progress.what, start + progress.done, len(missing)))

            vectors = self.inner.encode([text_of[key] for key in part], shifted)
            fresh = dict(zip(part, vectors, strict=True))
            self._write(fresh)
            found.update(fresh)
        if not keys:
            return np.empty((0, self.dim), dtype=np.float32)
        return np.stack([found[key] for key in keys])

    def _read(self, keys: list[bytes]) -> dict[bytes, np.ndarray]:
        if not self.path.is_file():
            return {}
        try:
            with closing(self._connect()) as database:
                return dict(self._sound_rows(database, keys))
        except sqlite3.Error as error:
            if _is_out_of_reach(error):
                warnings.warn(f"The vector cache {self.path} cannot be read ({error}).", stacklevel=3)
            else:
                self._discard()
        except (KeyError, ValueError, TypeError):
            self._discard()
        return {}

    def _sound_rows(
        self, database: sqlite3.Connection, keys: list[bytes]
    ) -> Iterator[tuple[bytes, np.ndarray]]:
        meta = dict(database.execute("SELECT name, value FROM meta"))
        if meta.get("format") != FORMAT or meta.get("fingerprint") != self.fingerprint:
            raise sqlite3.DatabaseError("a file of another encoder")
        size = 4 * int(meta["dim"])
        for start in range(0, len(keys), _KEYS_A_QUERY):
            part = keys[start : start + _KEYS_A_QUERY]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, vector, checksum FROM vectors WHERE key IN ({marks})"
            for key, vector, checksum in database.execute(query, part):
                if isinstance(vector, bytes) and len(vector) == size and zlib.crc32(key + vector) == checksum:
                    yield key, np.frombuffer(vector, dtype="<f4")

    def _write(self, vectors: dict[bytes, np.ndarray]) -> None:
        try:
            try:
                self._insert(vectors)
            except (sqlite3.Error, ValueError, TypeError) as error:
                if isinstance(error, sqlite3.Error) and _is_out_of_reach(error):
                    raise
                self._discard()
                self._insert(vectors)
        except (sqlite3.Error, OSError) as error:
            # a full disk or a read-only folder slows the next fit down; it must not stop this one
            warnings.warn(f"The vector cache {self.path} cannot be written ({error}).", stacklevel=4)

    def _insert(self, vectors: dict[bytes, np.ndarray]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = [
            (key, blob, zlib.crc32(key + blob))
            for key, blob in ((key, vector.astype("<f4").tobytes()) for key, vector in vectors.items())
        ]
        with closing(self._connect()) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT)")
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors "
                "(id INTEGER PRIMARY KEY, key BLOB UNIQUE, vector BLOB, checksum INTEGER)"
            )
            dim = str(len(next(iter(vectors.values()))))
            expected = {"format": FORMAT, "fingerprint": self.fingerprint, "dim": dim}
            meta = dict(database.execute("SELECT name, value FROM meta"))
            if meta and meta != expected:
                raise sqlite3.DatabaseError("a file of another encoder")
            database.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", expected.items())
            database.executemany(
                "INSERT OR REPLACE INTO vectors (key, vector, checksum) VALUES (?, ?, ?)", rows
            )
            if _bytes_used(database) > LARGEST_FILE:
                database.execute(
                    "DELETE FROM vectors WHERE id < (SELECT min(id) + (max(id) - min(id)) / 4 FROM vectors)"
                )

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=30.0)
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def _discard(self) -> None:
        for path in (self.path, self.path.with_name(self.path.name + "-journal")):
            path.unlink(missing_ok=True)


def _bytes_used(database: sqlite3.Connection) -> int:
    """Bytes that rows take; the file itself never shrinks, deleted rows leave free pages."""
    pages, free, size = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


_OUT_OF_REACH = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


def _is_out_of_reach(error: sqlite3.Error) -> bool:
    """Whether the disk or another process is in the way, rather than the file being bad."""
    # the low byte is the kind, the rest its detail
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OUT_OF_REACH
