"""Progress on stderr: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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


def with_speed(watch: Watch, what: str, unit: str, units: int) -> Watch:
    """A watcher that also says how many units a second one kind of work does.

    Args:
        watch: told of progress.
        what: the kind of work.
        unit: in the plural.
        units: that all of it has.
    """
    first: list[tuple[float, int]] = []

    def told(progress: Progress) -> None:
        if progress.what == what and progress.total:
            now = time.monotonic()
            # a resumed run begins somewhere within
            first[:] = first or [(now, progress.done)]
            seconds, done = now - first[0][0], progress.done - first[0][1]
            if seconds > 0 and done > 0:
                speed = units * done / progress.total / seconds
                progress = replace(progress, pace=f"{speed:,.0f} {unit}/s")
        watch(progress)

    return told


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
        self._bars.update(
            self._tasks[progress.what],
            description=" ".join(filter(None, (progress.what, progress.pace, progress.found))),
            completed=progress.done,
            total=progress.total,
        )


class _Lines:
    """A line when work takes long and there is no terminal to draw in."""

    def __init__(self) -> None:
        self._next = time.monotonic() + FIRST_WORD_AFTER
        self._began = "", 0.0, 0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.what != self._began[0]:
            self._began = progress.what, now, progress.done
        if now >= self._next and progress.total:
            print(_line(progress, self._seconds_left(progress, now)), file=sys.stderr, flush=True)
            self._next = now + SECONDS_BETWEEN_LINES

    def _seconds_left(self, progress: Progress, now: float) -> float | None:
        if progress.seconds_left is not None:
            return progress.seconds_left
        _, began, at = self._began
        done = progress.done - at
        return (now - began) / done * (progress.total - progress.done) if done > 0 else None


def _line(progress: Progress, seconds_left: float | None) -> str:
    if progress.total == 1:
        return f"{progress.what} …"
    share = 100 * progress.done / progress.total
    said = [f"{progress.what}: {progress.done:,} of {progress.total:,} ({share:.0f} %)"]
    if progress.pace:
        said.append(progress.pace)
    if seconds_left is not None and progress.done < progress.total:
        said.append(f"{_time(seconds_left)} left")
    if progress.found:
        said.append(progress.found)
    return ", ".join(said)


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return (
        f"{seconds:.0f} s"
        if minutes < 2
        else f"{minutes:.0f} min"
        if minutes < 120
        else f"{minutes / 60:.1f} h"
    )
