"""Results on stdout: whole lines or nothing, in UTF-8."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def print_json(value: Any) -> None:
    """One JSON document, indented for people who look anyway."""
    write_whole(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def print_text(text: str) -> None:
    """Lines for a person."""
    write_whole(text.rstrip("\n") + "\n")


def json_line(record: dict[str, Any]) -> str:
    """One record on one line."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def write_whole(lines: str) -> None:
    """Write and flush; Ctrl-C meanwhile takes effect after the last line is out."""
    rest = memoryview(lines.encode("utf-8", "replace"))
    sys.stdout.flush()
    # past Python's buffer: interrupted between two writes of a long block, it was seen to lose the rest
    with _interrupt_later():
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]


@contextmanager
def _interrupt_later() -> Iterator[None]:
    # signals are handled in the main thread only, and only there may handlers be set
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught and callable(before):
        before(*caught[0])
