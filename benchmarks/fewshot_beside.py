"""The method ``finetune`` and SetFit on the same hundred rows, in turn, on the same machine.

    python benchmarks/fewshot_beside.py peers/bin/python

The argument is the Python of an environment with ``benchmarks/requirements-setfit.txt``. Both start from the
same packaged weights and run with their own defaults; each fit is a process of its own, its seconds
without starting Python.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from common import DATA, last_line, place_unsaid, store
from textgraft.pretrained import locate

SEEDS = (0, 1, 2)
TRAIN, TEST = (DATA / f"fewshot_commits_{part}.parquet" for part in ("train", "test"))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    peer_python = sys.argv[1]
    place_unsaid(peer_python)
    here = Path(__file__).parent
    folder = str(locate("minilm").folder)
    runs: dict[str, list[dict[str, Any]]] = {"finetune": [], "setfit": []}
    for seed in SEEDS:
        ours = [sys.executable, str(here / "trained.py"), "--once", "finetune:fewshot_commits", str(seed)]
        peer = [peer_python, str(here / "peer_setfit.py"), folder, str(TRAIN), str(TEST), str(seed)]
        for name, command in (("finetune", ours), ("setfit", peer)):
            runs[name].append(last_line(command))
            print(name, seed, runs[name][-1], flush=True)
        ratios = [
            theirs["fit_seconds"] / mine["fit_seconds"]
            for mine, theirs in zip(runs["finetune"], runs["setfit"], strict=True)
        ]
        store(
            "fewshot_beside",
            {
                "accuracy": {
                    name: round(statistics.mean(run["accuracy"] for run in some), 4)
                    for name, some in runs.items()
                },
                "times_faster": [round(ratio, 1) for ratio in ratios],
                "runs": runs,
            },
        )


if __name__ == "__main__":
    main()
