"""Token states on disk: what is read is what was written, and a disk without room is told at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from textgraft.errors import TrainingError
from textgraft.training.batches import TokenBatches
from textgraft.training.states import StateBatches, StateStore

LENGTHS = np.array([3, 1, 0, 5, 2], dtype=np.int64)
DIM = 4


def states_of(number: int) -> np.ndarray:
    """(t, 4) states of one text, with numbers that bf16 must round."""
    drawn = np.random.default_rng(number).normal(size=(LENGTHS[number], DIM))
    return drawn.astype(np.float32)


def padded(numbers: np.ndarray) -> np.ndarray:
    """(b, t, 4) states of some texts; what stands at padding is not theirs."""
    rows = np.full((len(numbers), LENGTHS[numbers].max(), DIM), 99.0, dtype=np.float32)
    for row, number in zip(rows, numbers, strict=True):
        row[: LENGTHS[number]] = states_of(number)
    return rows


@pytest.fixture(params=[False, True], ids=["fp32", "bf16"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    """Five texts, written in two batches and in no order of theirs."""
    made = StateStore(tmp_path / "states", LENGTHS, DIM, request.param)
    made.write((rows, padded(rows)) for rows in (np.array([3, 0]), np.array([4, 2, 1])))
    return made


def test_states_are_read_as_they_were_written(store: StateStore) -> None:
    for numbers in ([0, 1, 2, 3, 4], [4, 0], [2], [3, 3]):
        states, mask = store.read(np.array(numbers))
        assert states.dtype == (torch.bfloat16 if store.bf16 else torch.float32)
        assert mask.sum(1).tolist() == LENGTHS[numbers].tolist()
        assert states.shape == (len(numbers), max(1, LENGTHS[numbers].max()), DIM)
        assert not states[~mask].any()
        for row, there, number in zip(states, mask, numbers, strict=True):
            wanted = torch.from_numpy(states_of(number))
            assert torch.equal(row[there], wanted.to(states.dtype))


def test_a_file_is_as_large_as_it_is_said_to_be(store: StateStore) -> None:
    assert store.bytes == 11 * DIM * (2 if store.bf16 else 4) == store.path.stat().st_size


def test_batches_give_the_states_of_their_own_rows(store: StateStore) -> None:
    codes = np.array([0, 1, 0, 1, 1])
    order = TokenBatches([[7] * length for length in LENGTHS], codes, 2, 0)
    whole = StateBatches(store, order)
    kept = np.array([True, False, False, True, True])
    # a part of a part is counted from the store's first text all the same
    for part, numbers in ((whole, [0, 1, 2, 3, 4]), (whole.some(kept), [0, 3, 4])):
        seen = []
        for rows in (rows for step in part.steps(1) for rows in step):
            batch = part.take(rows, 1)
            for row, code, states, mask in zip(rows, batch.codes, batch.states, batch.mask, strict=True):
                number = numbers[row]
                assert code == codes[number]
                assert torch.equal(states[mask], torch.from_numpy(states_of(number)).to(states.dtype))
                seen.append(number)
        assert sorted(seen) == numbers
    last = whole.some(kept).some(np.array([False, True, True]), shuffle=False)
    assert last.take(np.array([0, 1]), 0).mask.sum(1).tolist() == [5, 2]


def test_texts_without_any_token_have_a_file_too(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "states", np.zeros(2, dtype=np.int64), DIM, False)
    store.write(iter([(np.array([1, 0]), np.zeros((2, 1, DIM), dtype=np.float32))]))
    states, mask = store.read(np.array([0, 1]))
    assert states.shape == (2, 1, DIM)
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
