"""Token states on disk: what is read is what was written, and a disk without room is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from textgraft.errors import TrainingError
from textgraft.training.states import StateStore

LENGTHS = np.array([3, 0, 5, 1])


def written(store: StateStore) -> list[np.ndarray]:
    """Fill a store in another order than that of its texts; the states of each of them."""
    draw = np.random.default_rng(0)
    states = [draw.normal(size=(length, store.dim)).astype(np.float32) for length in store.lengths]

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for numbers in (np.array([2, 0]), np.array([3, 1])):
            padded = np.full((2, 5, store.dim), np.nan, dtype=np.float32)
            for place, number in enumerate(numbers):
                padded[place, : store.lengths[number]] = states[number]
            yield numbers, padded

    store.write(batches())
    return states


@pytest.mark.parametrize("bf16", [False, True])
def test_states_are_read_as_they_were_written(tmp_path: Path, bf16: bool) -> None:
    store = StateStore(tmp_path / "states", LENGTHS, 4, bf16)
    states = written(store)
    assert store.path.stat().st_size == store.bytes == 9 * 4 * (2 if bf16 else 4)
    read, mask = store.read(np.array([0, 1, 2]))
    assert read.dtype == (torch.bfloat16 if bf16 else torch.float32)
    assert mask.sum(1).tolist() == [3, 0, 5]
    expected = torch.from_numpy(np.concatenate([states[0], states[2]])).to(read.dtype)
    assert torch.equal(read[mask], expected)
    assert read[~mask].eq(0).all()


@pytest.mark.parametrize("bf16", [False, True])
def test_a_store_of_empty_texts(tmp_path: Path, bf16: bool) -> None:
    store = StateStore(tmp_path / "states", np.zeros(2, dtype=np.int64), 4, bf16)
    store.write(iter([]))
    read, mask = store.read(np.array([1, 0]))
    assert read.shape == (2, 1, 4)
    assert not mask.any()


@pytest.mark.parametrize("reserves", [True, False])
def test_a_disk_without_room_is_told_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserves: bool
) -> None:
    resource = pytest.importorskip("resource", reason="limits of a process are a matter of Unix")
    if not reserves:
        monkeypatch.delattr("os.posix_fallocate", raising=False)
    store = StateStore(tmp_path / "states", np.full(1_000, 50), 64, False)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        with pytest.raises(TrainingError) as caught:
            store.write(pytest.fail("states were computed") for _ in range(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = str(caught.value)
    assert "Token states of 1,000 texts take 12.8 MB on disk" in said
    assert "TMPDIR" in said
    assert "\n" not in said
