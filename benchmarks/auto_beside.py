"""``fit -m auto`` and AutoIntent's ``classic-light`` on the same rows, from the same packaged encoder.

    python benchmarks/auto_beside.py autointent/bin/python                       what auto.py has stored
    python benchmarks/auto_beside.py autointent/bin/python fewshot_commits trec   some of it

The first argument is the Python of an environment with ``benchmarks/requirements-autointent.txt``. AutoIntent
gets the same ten minutes and runs for each seed that ``auto.py`` has stored. Both must answer: nothing is
rejected. Stored after each fit; ``--again`` makes rows anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common import DATA, last_line, mean_and_spread, place_unsaid, store, stored_rows
from textgraft.pretrained import locate

SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("python")
    parser.add_argument("data", nargs="*")
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    place_unsaid(asked.python, "autointent/bin/python")
    ours = {row["data"]: row for row in stored_rows("auto")}
    cells = {} if asked.again else {row["data"]: row for row in stored_rows("auto_beside")}
    script, folder = Path(__file__).with_name("peer_autointent.py"), str(locate("minilm").folder)
    for data in asked.data or ours:
        row = cells.setdefault(data, {"data": data, "runs": []})
        files = [str(DATA / f"{data}_{part}.parquet") for part in ("train", "test")]
        seeds = [run["seed"] for run in ours[data]["runs"]]
        for seed in seeds[len(row["runs"]) :]:
            command = [asked.python, str(script), folder, *files, str(SECONDS), str(seed)]
            row["runs"].append({"seed": seed} | last_line(command))
            row |= mean_and_spread([run["accuracy"] for run in row["runs"]])
            print(data, row["runs"][-1], flush=True)
            store("auto_beside", {"seconds": SECONDS, "table": list(cells.values())})


if __name__ == "__main__":
    main()
