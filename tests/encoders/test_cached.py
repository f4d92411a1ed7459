"""The vector cache: saves work, and can be torn, foreign or garbage without a wrong answer."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.encoders import CachedEncoder, Encoder, HashingEncoder, cached, load_encoder

TEXTS = [f"text number {number} about {number * 7919 % 1000}" for number in range(60)]


@dataclass(frozen=True)
class CountingEncoder:
    """A real encoder that remembers which texts it was asked for."""

    inner: HashingEncoder = field(default_factory=lambda: HashingEncoder(16))
    asked: list[str] = field(default_factory=list)
    fingerprint: str = "c0ffee"

    max_tokens = None
    name = "counting"

    @property
    def settings(self) -> dict[str, int]:
        return {}

    @property
    def weights_fingerprint(self) -> str:
        return self.fingerprint

    @property
    def dim(self) -> int:
        return self.inner.dim

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        self.asked.extend(texts)
        return self.inner.encode(texts, watch)

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        return self.inner.count_tokens(texts)


def _truth(texts: list[str]) -> np.ndarray:
    return HashingEncoder(16).encode(texts)


def _rows(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT count(*) FROM vectors").fetchone()[0])
    finally:
        database.close()


def test_a_second_time_nothing_is_encoded(tmp_path: Path) -> None:
    first = CachedEncoder(CountingEncoder(), tmp_path)
    assert isinstance(first, Encoder)
    assert np.array_equal(first.encode(TEXTS), _truth(TEXTS))
    again = CountingEncoder()
    assert np.array_equal(CachedEncoder(again, tmp_path).encode(TEXTS), _truth(TEXTS))
    assert again.asked == []


def test_only_what_is_new_is_encoded_and_only_once(tmp_path: Path) -> None:
    counting = CountingEncoder()
    encoder = CachedEncoder(counting, tmp_path, texts_a_commit=4)
    encoder.encode(TEXTS[:10])
    mixed = [TEXTS[12], TEXTS[3], TEXTS[12], "", TEXTS[0], "", TEXTS[11]]
    counting.asked.clear()
    assert np.array_equal(encoder.encode(mixed), _truth(mixed))
    assert sorted(counting.asked) == sorted({TEXTS[12], TEXTS[11], ""})


def test_no_text_is_kept_on_disk(tmp_path: Path) -> None:
    secret = "a very private sentence"
    encoder = CachedEncoder(CountingEncoder(), tmp_path)
    encoder.encode([secret])
    assert secret.encode() not in encoder.path.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["c0ffee.sqlite"]


def test_no_texts_are_no_vectors_and_no_file(tmp_path: Path) -> None:
    assert CachedEncoder(CountingEncoder(), tmp_path).encode([]).shape == (0, 16)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_what_is_missing_over_all_commits(tmp_path: Path) -> None:
    encoder = CachedEncoder(CountingEncoder(), tmp_path, texts_a_commit=8)
    encoder.encode(TEXTS[:10])
    seen: list[Progress] = []
    encoder.encode(TEXTS[:30], seen.append)
    assert [(step.done, step.total) for step in seen] == [(8, 20), (16, 20), (20, 20)]


def test_encoders_of_other_fingerprints_do_not_share(tmp_path: Path) -> None:
    CachedEncoder(CountingEncoder(), tmp_path).encode(TEXTS)
    other = CountingEncoder(HashingEncoder(8), fingerprint="0ther")
    assert np.array_equal(CachedEncoder(other, tmp_path).encode(TEXTS), HashingEncoder(8).encode(TEXTS))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("dim", [8, 16])
def test_a_file_of_another_encoder_under_our_name_is_begun_anew(tmp_path: Path, dim: int) -> None:
    other = CachedEncoder(CountingEncoder(HashingEncoder(dim), fingerprint="0ther"), tmp_path)
    other.encode([text.upper() + "!" for text in TEXTS])
    poisoned = CachedEncoder(CountingEncoder(HashingEncoder(dim), fingerprint="0ther"), tmp_path)
    poisoned.encode(TEXTS)
    ours = CachedEncoder(CountingEncoder(), tmp_path)
    other.path.rename(ours.path)
    assert np.array_equal(ours.encode(TEXTS), _truth(TEXTS))
    assert _rows(ours.path) == len(TEXTS)


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_cached import TEXTS, CountingEncoder
from textgraft.encoders import CachedEncoder

class Dying(CountingEncoder):
    def encode(self, texts, watch=None):
        if len(self.asked) >= 24:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(texts)

CachedEncoder(Dying(), Path(sys.argv[1]), texts_a_commit=8).encode(TEXTS)
"""


def test_after_a_kill_what_was_committed_is_used(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), str(Path(__file__).parent)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    counting = CountingEncoder()
    assert np.array_equal(CachedEncoder(counting, tmp_path).encode(TEXTS), _truth(TEXTS))
    assert counting.asked == TEXTS[24:]


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_cached import TEXTS, CountingEncoder, _truth
from textgraft.encoders import CachedEncoder
import numpy as np

texts = TEXTS[int(sys.argv[3]):] + TEXTS[:int(sys.argv[3])]
for _ in range(3):
    found = CachedEncoder(CountingEncoder(), Path(sys.argv[1]), texts_a_commit=2).encode(texts)
    assert np.array_equal(found, _truth(texts))
"""


def test_two_processes_can_write_at_once(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    both = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _WRITER, str(tmp_path), here, start],
            stderr=subprocess.PIPE,
            text=True,
        )
        for start in ("0", "30")
    ]
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    counting = CountingEncoder()
    assert np.array_equal(CachedEncoder(counting, tmp_path).encode(TEXTS), _truth(TEXTS))
    assert counting.asked == []


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    encoder = CachedEncoder(CountingEncoder(), tmp_path_factory.mktemp("whole"))
    encoder.encode(TEXTS)
    return encoder.path.read_bytes()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, whole_file: bytes) -> Path:
    path = tmp_path_factory.mktemp("sound") / "file"
    path.write_bytes(whole_file)
    return path


def _check_survives(folder: Path, content: bytes) -> None:
    """The answer is right at once; and the cache works again afterwards."""
    counting = CountingEncoder()
    encoder = CachedEncoder(counting, folder)
    encoder.path.write_bytes(content)
    with warnings.catch_warnings():
        # that the file is unusable may be said; that is no wrong answer
        warnings.simplefilter("ignore")
        assert np.array_equal(encoder.encode(TEXTS), _truth(TEXTS))
    counting.asked.clear()
    assert np.array_equal(encoder.encode(TEXTS), _truth(TEXTS))
    assert counting.asked == []


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_torn_file_is_begun_anew(tmp_path: Path, whole_file: bytes, share: float) -> None:
    _check_survives(tmp_path, whole_file[: int(share * len(whole_file))])


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8000])
def test_garbage_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    _check_survives(tmp_path, content)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE bookmarks (url TEXT)",
        "CREATE TABLE meta (other TEXT, columns TEXT)",
        "CREATE TABLE meta (name TEXT, value TEXT)",
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT); CREATE TABLE vectors (id INTEGER)",
    ],
)
def test_a_database_of_someone_else_is_begun_anew(tmp_path: Path, script: str) -> None:
    database = sqlite3.connect(tmp_path / "foreign")
    database.executescript(script)
    database.close()
    _check_survives(tmp_path, (tmp_path / "foreign").read_bytes())


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM meta WHERE name = 'dim'",
        "UPDATE meta SET value = 'many' WHERE name = 'dim'",
        "UPDATE meta SET value = '8' WHERE name = 'dim'",
        "UPDATE meta SET value = x'ff' WHERE name = 'format'",
        "UPDATE vectors SET vector = NULL",
        "UPDATE vectors SET vector = 7",
        "UPDATE vectors SET vector = 'text'",
        "UPDATE vectors SET vector = zeroblob(64)",
        "UPDATE vectors SET vector = substr(vector, 1, 8)",
        "UPDATE vectors SET checksum = checksum + 1",
        "UPDATE vectors SET checksum = NULL",
        "UPDATE vectors SET vector = (SELECT v.vector FROM vectors v WHERE v.id = 1), "
        "checksum = (SELECT v.checksum FROM vectors v WHERE v.id = 1)",
        "DELETE FROM vectors WHERE id % 2",
        "DROP TABLE vectors",
    ],
)
def test_damaged_rows_are_misses(tmp_path: Path, whole_file: bytes, damage: str) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(whole_file)
    database = sqlite3.connect(path)
    database.executescript(damage)
    database.close()
    _check_survives(tmp_path, path.read_bytes())


# the first page holds the header and the schema, where damage is most various
PLACES = st.one_of(st.integers(0, 4_095), st.integers(0, 40_000))


@given(st.lists(st.tuples(PLACES, st.integers(1, 255)), min_size=1, max_size=8))
@example([(3_985, 128)])  # a name in the schema that is no UTF-8 any more
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flipped_byte_gives_a_wrong_vector(
    tmp_path: Path, sound: Path, flips: list[tuple[int, int]]
) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    content = bytearray(sound.read_bytes())
    for place, change in flips:
        content[place % len(content)] ^= change
    encoder = CachedEncoder(CountingEncoder(), tmp_path)
    encoder.path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.array_equal(encoder.encode(TEXTS), _truth(TEXTS))
        assert np.array_equal(encoder.encode(TEXTS), _truth(TEXTS))


def test_a_folder_that_cannot_be_is_said_and_costs_only_time(tmp_path: Path) -> None:
    # a file in the way of the folder, because root may write anywhere
    (tmp_path / "file").write_text("in the way")
    encoder = CachedEncoder(CountingEncoder(), tmp_path / "file" / "vectors")
    with pytest.warns(UserWarning, match="cannot be written"):
        assert np.array_equal(encoder.encode(TEXTS), _truth(TEXTS))


def test_a_folder_in_the_place_of_the_file_costs_only_time(tmp_path: Path) -> None:
    encoder = CachedEncoder(CountingEncoder(), tmp_path)
    encoder.path.mkdir()
    with pytest.warns(UserWarning, match="cannot be written"):
        assert np.array_equal(encoder.encode(TEXTS), _truth(TEXTS))


def test_the_oldest_vectors_make_room_and_the_newest_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "LARGEST_FILE", 400_000)
    counting = CountingEncoder(HashingEncoder(256))
    encoder = CachedEncoder(counting, tmp_path, texts_a_commit=20)
    many = [f"row {number}" for number in range(2_000)]
    assert np.array_equal(encoder.encode(many), HashingEncoder(256).encode(many))
    # a row takes about 1.2 kB; what fits is about 330 rows
    assert encoder.path.stat().st_size < 2 * 400_000
    counting.asked.clear()
    encoder.encode(many[-20:])
    assert counting.asked == []
    encoder.encode(many[:1])
    assert counting.asked == many[:1]


def test_a_full_cache_still_holds_most_of_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "LARGEST_FILE", 400_000)
    encoder = CachedEncoder(CountingEncoder(HashingEncoder(256)), tmp_path, texts_a_commit=20)
    encoder.encode([f"row {number}" for number in range(2_000)])
    # "the oldest quarter makes room", so at least about three quarters of 330 rows should be left
    assert _rows(encoder.path) >= 165


def test_the_variable_says_where_vectors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(tmp_path / "here"))
    encoder = load_encoder("minilm")
    assert isinstance(encoder, CachedEncoder)
    assert encoder.folder == tmp_path / "here"
    monkeypatch.setenv("TEXTGRAFT_CACHE", "off")
    assert not isinstance(load_encoder("minilm"), CachedEncoder)
    assert not isinstance(load_encoder("minilm", cache=None), CachedEncoder)
    assert load_encoder("minilm", cache=tmp_path).folder == tmp_path  # type: ignore[attr-defined]


def test_without_a_word_the_users_own_cache_folder_is_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TEXTGRAFT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert load_encoder("minilm").folder == tmp_path / "textgraft" / "vectors"  # type: ignore[attr-defined]
    assert os.listdir(tmp_path) == []


def test_keys_are_hashes_of_texts(tmp_path: Path) -> None:
    encoder = CachedEncoder(CountingEncoder(), tmp_path)
    encoder.encode(["known"])
    database = sqlite3.connect(encoder.path)
    (key,) = database.execute("SELECT key FROM vectors").fetchone()
    database.close()
    assert key == hashlib.sha256(b"known").digest()
