"""What every benchmark needs: data, machine, and one file a result."""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

import textgraft as tg
from textgraft.methods import method_class

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results"
CACHE = ROOT / ".bench_cache"

PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "mkldnn::_linear_pointwise")
"""Operators of torch that are matrix products; linear and matmul end in one of them."""


def rows(name: str, label: str = "label") -> tuple[list[str], list[str]]:
    """Texts and labels of a file in ../shared/data; stops with a clear word if it is absent."""
    table = _table(name)
    return table["text"].to_pylist(), [str(value) for value in table[label].to_pylist()]


def texts_alone(name: str) -> list[str]:
    """Texts of a file that has no labels, likewise."""
    texts: list[str] = _table(name)["text"].to_pylist()
    return texts


def commit() -> str:
    """That the benchmark runs at, and whether the library differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")


def own_encoder(method: str, **parameters: Any) -> tg.Encoder:
    """The one that a method has with these parameters, its vectors cached for the next run."""
    return tg.load_encoder(method_class(method)(**parameters).get_params()["encoder"], cache=CACHE)


def machine() -> dict[str, Any]:
    """The machine in words that say nothing about where it stands."""
    able = torch.cpu.get_capabilities()
    return {
        "processor": able.get("cpu_name") or platform.processor(),
        "cores": torch.get_num_threads(),
        "avx512_bf16": bool(able.get("avx512_bf16")),
        "amx_bf16": bool(able.get("amx_bf16")),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def accuracy(
    make: Callable[[], tg.TextClassifier], data: str, known: Mapping[tuple[str, str], float]
) -> dict[str, Any]:
    """Accuracy on the test file, AUROC where it has out-of-scope rows, and seconds.

    Args:
        make: gives an unfitted classifier; its seconds count as fitting.
        data: name of the data set.
        known: accuracies by method and data, and AUROCs by method and ``DATA AUROC``.
    """
    began = time.perf_counter()
    classifier = make().fit(*rows(f"{data}_train"))
    fitted = time.perf_counter()
    result = tg.evaluate(classifier, *rows(f"{data}_test"))
    found = {
        "method": classifier.method,
        "data": data,
        "accuracy": round(result.accuracy, 4),
        "macro_f1": round(result.macro_f1, 4),
        "known": known.get((classifier.method, data)),
        "fit_seconds": round(fitted - began, 1),
        "test_seconds": round(time.perf_counter() - fitted, 1),
    }
    if result.auroc is not None:
        found["auroc"] = round(result.auroc, 4)
        found["known_auroc"] = known.get((classifier.method, f"{data} AUROC"))
        found["fpr_at_95_tpr"] = round(result.fpr_at_95_tpr or 0.0, 4)
    return found


def store(name: str, result: dict[str, Any]) -> Path:
    """Write benchmarks/results/NAME.json with machine, commit and command."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    about = {
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(about | result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def mean_and_spread(values: Sequence[float], of: str = "accuracy") -> dict[str, float | None]:
    """Of several seeds; no spread of one."""
    spread = round(statistics.stdev(values), 4) if len(values) > 1 else None
    return {of: round(statistics.mean(values), 4), "spread": spread}


def place_unsaid(peer: str, name: str = "peers/bin/python") -> None:
    """Let the command that is kept with a result say nothing about where a peer stands."""
    sys.argv = [name if word == peer else word for word in sys.argv]


def stored_rows(name: str) -> list[dict[str, Any]]:
    """The table of benchmarks/results/NAME.json as it was stored last; none if it was not."""
    path = RESULTS / f"{name}.json"
    table: list[dict[str, Any]] = json.loads(path.read_text())["table"] if path.is_file() else []
    return table


def last_line(command: list[str], threads: int | None = None) -> dict[str, Any]:
    """What a script said in its last line, as JSON; its progress and its errors are shown as they come."""
    env = None if threads is None else os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])} failed")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def product_share(run: Callable[[], object]) -> float:
    """Share of the operators' own time that matrix products take: what no other change can remove."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        run()
    seconds = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    return round(sum(seconds.get(name, 0.0) for name in PRODUCTS) / sum(seconds.values()), 2)


def _table(name: str) -> pq.Table:
    path = DATA / f"{name}.parquet"
    if not path.is_file():
        sys.exit(f"{path} is not here; the benchmarks need the project's shared data.")
    return pq.read_table(path)
