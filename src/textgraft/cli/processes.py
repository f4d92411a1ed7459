"""A command that a launcher started in several processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def main_process() -> Iterator[bool]:
    """Whether this process writes and tells; of several the others end when it has."""
    from textgraft.training.together import launched

    if not launched():
        yield True
        return
    from textgraft.encoders.precision import choose_device
    from textgraft.training.processes import join_processes

    processes = join_processes(choose_device("auto"))
    yield processes.is_main
    # a launcher may end all when one ends
    processes.wait()
