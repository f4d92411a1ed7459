"""Freed memory goes back to the system once a run has grown."""

from __future__ import annotations

import sys

import pytest

from textgraft.core import memory
from textgraft.core.memory import GROWTH, FreedMemory, resident_bytes


@pytest.fixture
def trims(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    done: list[int] = []
    monkeypatch.setattr(memory, "_trim", lambda: done.append)
    return done


def sizes(monkeypatch: pytest.MonkeyPatch, *found: int) -> None:
    left = iter(found)
    monkeypatch.setattr(memory, "resident_bytes", lambda: next(left))


def test_it_gives_back_when_a_run_has_grown_and_then_starts_anew(
    trims: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, more = 2 * GROWTH, 3 * GROWTH + 1
    sizes(monkeypatch, usual, usual + GROWTH, more, more, more + GROWTH, more + GROWTH + 1)
    freed, given_back = FreedMemory(), []
    for _ in range(6):
        freed.after_a_batch()
        given_back.append(len(trims))
    assert given_back == [0, 0, 1, 1, 1, 2]


def test_where_there_is_nothing_to_call_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", lambda: None)
    monkeypatch.delattr(memory, "resident_bytes")
    FreedMemory().after_a_batch()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it here")
def test_a_process_has_some_memory_and_more_with_more() -> None:
    before = resident_bytes()
    held = b"x" * (256 * 2**20)
    assert resident_bytes() - before > len(held) / 2
    assert before > 2**20
