"""What every benchmark needs: data, machine, and one file a result."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results"
CACHE = ROOT / ".bench_cache"


def rows(name: str, label: str = "label") -> tuple[list[str], list[str]]:
    """Texts and labels of a file in ../shared/data; stops with a clear word if it is absent."""
    path = DATA / f"{name}.parquet"
    if not path.is_file():
        sys.exit(f"{path} is not here; the benchmarks need the project's shared data.")
    table = pq.read_table(path)
    return table["text"].to_pylist(), [str(value) for value in table[label].to_pylist()]


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


def store(name: str, result: dict[str, Any]) -> Path:
    """Write benchmarks/results/NAME.json with machine, commit and command."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    about = {
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(about | result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")
