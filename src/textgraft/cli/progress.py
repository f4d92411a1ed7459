"""Progress on stderr: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textgraft.core.progress import Progress, Watch

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

FIRST_WORD_AFTER = 2.0
"""Seconds of silence that need no explanation."""

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def shown_progress(starting: str) -> Iterator[Watch]:
    """A watcher that shows how far work has come, beginning with what ``starting`` says."""
    if sys.stderr.isatty():
        with _bars() as bars:
            yield _Bars(bars, starting)
    else:
        yield _Lines()


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class _Bars:
    """One bar a kind of work; the first pulses until the first is told of."""

    def __init__(self, bars: Bars, starting: str) -> None:
        self._bars = bars
        self._tasks = {starting: bars.add_task(starting, total=None)}

    def __call__(self, progress: Progress) -> None:
        if progress.what not in self._tasks:
            for task in self._tasks.values():
                self._bars.update(task, visible=False)
            self._tasks[progress.what] = self._bars.add_task(progress.what)
        self._bars.update(self._tasks[progress.what], completed=progress.done, total=progress.total)


class _Lines:
    """A line when work takes long and there is no terminal to draw in."""

    def __init__(self) -> None:
        self._next = time.monotonic() + FIRST_WORD_AFTER

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() >= self._next and progress.total:
            print(_line(progress), file=sys.stderr, flush=True)
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES


def _line(progress: Progress) -> str:
    if progress.total == 1:
        return f"{progress.what} …"
    share = 100 * progress.done / progress.total
    return f"{progress.what}: {progress.done:,} of {progress.total:,} ({share:.0f} %)"
