"""Memory that was freed, given back to the system.

The allocator of Linux keeps what is freed for later. Batches of ever other sizes seldom fit into the gaps
that earlier ones left, so a long run would grow and grow though it holds no more than at its start.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

GROWTH = 512 * 2**20
"""Bytes by which a run may grow beyond what it had after its first batch."""

STATM = Path("/proc/self/statm")
"""Where Linux says how many pages a process has."""


class FreedMemory:
    """Gives freed memory back each time a run has grown by :data:`GROWTH`, on Linux."""

    def __init__(self) -> None:
        self._usual: int | None = None

    def after_a_batch(self) -> None:
        """Look how large the process is, which takes microseconds, and give back what it does not hold."""
        trim = _trim()
        if trim is None:
            return
        now = resident_bytes()
        if self._usual is None:
            self._usual = now
        elif now - self._usual > GROWTH:
            trim(0)
            # the batch after this one takes again what a batch needs
            self._usual = None


def resident_bytes() -> int:
    """Bytes of this process that are in memory.

    Raises:
        OSError: the system is not Linux.
    """
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@cache
def _trim() -> Callable[[int], int] | None:
    """The GNU C library's ``malloc_trim``; ``None`` where there is none."""
    if not STATM.is_file():
        return None
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return found
