"""Start-up: how long until help is on screen, and until the library is there.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import store

COMMANDS = {
    "python -c 'import textgraft'": ([sys.executable, "-c", "import textgraft"], 0.3),
    "textgraft --help": ([str(Path(sys.executable).with_name("textgraft")), "--help"], 0.5),
}
RUNS = 11


def main() -> None:
    table = []
    for words, (command, limit) in COMMANDS.items():
        seconds = []
        for _ in range(RUNS):
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - began)
        # the first run reads files from disk; people meet it once
        table.append(
            {
                "command": words,
                "median_seconds": round(statistics.median(seconds), 3),
                "max_seconds": round(max(seconds), 3),
                "limit_seconds": limit,
            }
        )
        print(table[-1])
    store("startup", {"runs": RUNS, "table": table})


if __name__ == "__main__":
    main()
