"""Cells in processes of their own: ``python -m textgraft.experiments.comparing.cell_server ROWS.json``.

Reads a job a line from standard input, answers in JSON lines. Imports, which take seconds, are paid
once, before the first job; then every job runs in a fork of this process, so that its peak of memory
is its own and a crash ends one cell. Where forking is not safe, the caller starts a server a job.
When the input ends, the caller is gone, and the job that runs is stopped.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from textgraft.core.progress import Progress
from textgraft.errors import TextgraftError
from textgraft.experiments.comparing.cells import measure
from textgraft.experiments.ladder import Candidate
from textgraft.methods import method_class

FORKS = sys.platform == "linux"
"""Elsewhere system libraries have threads of their own by now, which a fork loses."""

HEAVY = (
    "sklearn.linear_model",
    "textgraft.networks.transformer",
    "textgraft.training.loop",
    "transformers.modeling_utils",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
)
"""What most methods with an encoder or a network import; nothing of it computes or starts a thread."""

LIGHT = ("sklearn.linear_model", "sklearn.feature_extraction.text")

POLL = 0.05
"""Seconds between two looks at whether the job is done, or the caller gone."""


def main() -> None:
    """Serve jobs until the input ends."""
    # whatever a library prints must not stand among the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    rows = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for line in iter(sys.stdin.buffer.readline, b""):
        job = json.loads(line)
        import_what_it_needs(job["method"])
        if FORKS:
            _run_forked(job, rows, answers)
        else:
            answer(job, rows, lambda told: _write(answers, told))
            _write(answers, {"ended": 0, "peak_megabytes": _own_peak()})


def answer(job: dict[str, Any], rows: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Do one job; tells of progress, and of what was measured or why nothing was."""

    def watch(progress: Progress) -> None:
        tell({"progress": [progress.what, progress.done, progress.total]})

    texts, labels = rows["texts"], rows["labels"]
    learn = [texts[row] for row in job["learn"]], [labels[row] for row in job["learn"]]
    learn = learn[0] + rows["unlabelled"], learn[1] + [None] * len(rows["unlabelled"])
    candidate = Candidate(job["method"], job["method"], job["parameters"])
    try:
        measured = measure(candidate, job["seed"], learn, [texts[row] for row in job["score"]], watch)
    except Exception as error:
        tell({"failure": reason(error)})
    else:
        tell({"measured": vars(measured)})


def reason(error: BaseException) -> str:
    """Why something failed, on one line."""
    words = " ".join(str(error).split())
    return words if isinstance(error, TextgraftError) else f"{type(error).__name__}: {words}"


def import_what_it_needs(method: str) -> None:
    """Pay for the imports of a method, so that the first cell is not charged for them."""
    found = method_class(method)
    heavy = "encoder" in found._get_param_names() or hasattr(found, "plan")
    for name in HEAVY if heavy else LIGHT:
        importlib.import_module(name)


def _run_forked(job: dict[str, Any], rows: dict[str, Any], answers: TextIO) -> None:
    child = os.fork()
    if not child:
        try:
            answer(job, rows, lambda told: _write(answers, told))
        finally:
            sys.stderr.flush()
            os._exit(0)
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            # in kilobytes on Linux
            return _write(answers, {"ended": status, "peak_megabytes": usage.ru_maxrss * 1024 / 1e6})
        if select.select([0], [], [], POLL)[0]:
            # one job is asked for at a time, so this is the end of the input
            os.kill(child, signal.SIGKILL)
            os._exit(1)


def _own_peak() -> float | None:
    """Megabytes of this process, where the system tells; for a server of one job."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # in bytes on macOS, in kilobytes elsewhere
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _write(answers: TextIO, told: dict[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
