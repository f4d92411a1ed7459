"""The method ``finetune`` and SetFit on the same hundred rows, in turn, on the same machine.

    python benchmarks/fewshot_beside.py peers/bin/python

The argument is the Python of an environment with ``benchmarks/requirements-setfit.txt``. Both start from the
same packaged weights and run with their own defaults; each fit is a process of its own, its seconds
without starting Python. Each seed is stored as soon as both are done, so a stopped run goes on with the
seeds that are missing; ``--again`` makes all anew.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from common import DATA, RESULTS, last_line, place_unsaid, store
from textgraft.pretrained import locate

SEEDS = (0, 1, 2)
TRAIN, TEST = (DATA / f"fewshot_commits_{part}.parquet" for part in ("train", "test"))


def main() -> None:
    again = "--again" in sys.argv
    if len(sys.argv) - again != 2:
        sys.exit(__doc__)
    peer_python = next(one for one in sys.argv[1:] if one != "--again")
    place_unsaid(peer_python)
    here = Path(__file__).parent
    folder = str(locate("minilm").folder)
    before = RESULTS / "fewshot_beside.json"
    runs: dict[str, list[dict[str, Any]]] = {"finetune": [], "setfit": []}
    if before.exists() and not again:
        runs = json.loads(before.read_text(encoding="utf-8"))["runs"]
    for seed in SEEDS[len(runs["setfit"]) :]:
        ours = [sys.executable, str(here / "trained.py"), "--once", "finetune:fewshot_commits", str(seed)]
        peer = [peer_python, str(here / "peer_setfit.py"), folder, str(TRAIN), str(TEST), str(seed)]
        for name, command in (("finetune", ours), ("setfit", peer)):
            runs[name].append(last_line(command))
            print(name, seed, runs[name][-1], flush=True)
        seconds = [[run["fit_seconds"] for run in some] for some in runs.values()]
        store(
            "fewshot_beside",
            {
                "accuracy": {
                    name: round(statistics.mean(run["accuracy"] for run in some), 4)
                    for name, some in runs.items()
                },
                # of a fit beside other work nobody knows the seconds
                "times_faster": [
                    None if theirs is None else round(theirs / mine, 1)
                    for mine, theirs in zip(*seconds, strict=True)
                ],
                "runs": runs,
            },
        )


if __name__ == "__main__":
    main()
