"""Asks a :mod:`textgraft.experiments.comparing.cell_server` for cells, or measures them in this process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textgraft.core.progress import Progress, Watch
from textgraft.experiments.comparing.cell_server import FORKS, answer, import_what_it_needs
from textgraft.experiments.comparing.draws import Draw
from textgraft.experiments.ladder import Candidate

OUT_OF_MEMORY = (
    "its process was killed (signal 9), most likely for lack of memory: fewer rows, or a smaller batch"
)


@dataclass(frozen=True)
class Answer:
    """A cell as it came back: what was measured, or why nothing was.

    Attributes:
        measured: fields of :class:`textgraft.experiments.comparing.cells.Measured`; ``None`` where it failed.
        peak_megabytes: of the cell's own process.
        failure: on one line.
    """

    measured: dict[str, Any] | None
    peak_megabytes: float | None
    failure: str | None


@dataclass
class Cells:
    """Where cells are measured: two servers at most, one of them without torch.

    Attributes:
        rows: ``texts`` and ``labels`` of all rows, and ``unlabelled`` texts.
        folder: of this comparison alone, gone after it.
        in_process: whether everything is done here.
    """

    rows: dict[str, Sequence[Any]]
    folder: Path
    in_process: bool
    servers: dict[bool, subprocess.Popen[str]] = field(default_factory=dict)

    def run(self, candidate: Candidate, draw: Draw, watch: Watch) -> Answer:
        """Measure one cell."""
        job = {
            "method": candidate.method,
            "parameters": dict(candidate.parameters),
            "seed": draw.seed,
            "learn": draw.learn.tolist(),
            "score": draw.score.tolist(),
        }
        if self.in_process or not candidate.portable:
            return self._run_here(job, watch)
        heavy = candidate.takes_encoder or candidate.trains
        if heavy not in self.servers:
            self.servers[heavy] = self._start(heavy)
        server = self.servers[heavy]
        try:
            return self._asked(server, job, watch) or self._died(heavy)
        finally:
            if not FORKS:
                self._stop(heavy)

    def close(self) -> None:
        """Stop all servers, and the cell that one of them may be working on."""
        for heavy in list(self.servers):
            self._stop(heavy)

    def _run_here(self, job: dict[str, Any], watch: Watch) -> Answer:
        told: dict[str, Any] = {}

        def tell(line: dict[str, Any]) -> None:
            if "progress" in line:
                watch(Progress(*line["progress"]))
            told.update(line)

        import_what_it_needs(job["method"])
        answer(job, self.rows, tell)
        return Answer(told.get("measured"), None, told.get("failure"))

    def _asked(self, server: subprocess.Popen[str], job: dict[str, Any], watch: Watch) -> Answer | None:
        """The server's answer; ``None`` when it died itself."""
        assert server.stdin is not None
        assert server.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            server.stdin.write(json.dumps(job) + "\n")
            server.stdin.flush()
        told: dict[str, Any] = {}
        for line in server.stdout:
            found = json.loads(line)
            if "progress" in found:
                watch(Progress(*found["progress"]))
            told.update(found)
            if "ended" in found:
                measured, failure = told.get("measured"), told.get("failure")
                if measured is None and failure is None:
                    failure = _of_status(found["ended"])
                return Answer(measured, found["peak_megabytes"], failure)
        return None

    def _died(self, heavy: bool) -> Answer:
        self._stop(heavy)
        said = (self._log(heavy).read_text(encoding="utf-8", errors="replace").strip() or "?").splitlines()
        return Answer(None, None, f"its process ended before it answered: {said[-1]}")

    def _log(self, heavy: bool) -> Path:
        return self.folder / ("heavy.log" if heavy else "light.log")

    def _start(self, heavy: bool) -> subprocess.Popen[str]:
        rows = self.folder / "rows.json"
        if not rows.exists():
            rows.write_text(json.dumps(self.rows), encoding="utf-8")
        with self._log(heavy).open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "textgraft.experiments.comparing.cell_server", str(rows)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                # Ctrl-C is for this process, which then stops the others
                start_new_session=True,
            )

    def _stop(self, heavy: bool) -> None:
        server = self.servers.pop(heavy, None)
        if server is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(server.pid, signal.SIGKILL)
            else:
                server.kill()
        for pipe in (server.stdin, server.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        server.wait()


@contextmanager
def cells(rows: dict[str, Sequence[Any]], in_process: bool) -> Iterator[Cells]:
    """Somewhere to measure cells; servers end with the block."""
    with tempfile.TemporaryDirectory(prefix="textgraft-cells-") as folder:
        opened = Cells(rows, Path(folder), in_process)
        try:
            yield opened
        finally:
            opened.close()


def _of_status(status: int) -> str:
    """What became of a process that said nothing."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # there is no SIGKILL on every system, but only where there is one does a status say so
        return OUT_OF_MEMORY if number == 9 else f"its process crashed (signal {number})"
    return f"its process ended without an answer (status {status})"
