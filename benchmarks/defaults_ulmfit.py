"""Choose the defaults of ulmfit by the number of rows, on training rows of several data sets.

    python benchmarks/defaults_ulmfit.py               a hundred rows
    python benchmarks/defaults_ulmfit.py --larger      hundreds to thousands
    python benchmarks/defaults_ulmfit.py --larger 4    the candidate of that number alone

Candidates that are stored already are left as they are. Tasks are drawn from training files; what is not
drawn is what they are scored on. No test file is read.
"""

from __future__ import annotations

import sys
from typing import Any

from defaults_finetune import compare, task

TASKS = (("trec", 6, 16), ("imdb", 2, 50), ("banking77", 8, 12))
"""Data, classes, rows a class."""

CANDIDATES: tuple[dict[str, Any], ...] = (
    {},
    {"adapt": 0},
    {"rate": 5e-3},
    {"rate": 2e-2},
    {"dropout": 0.2},
    {"epochs": 30},
    {"thaw": 10},
    {"factor": 1.5},
    {"pool": "mean"},
)

LARGER_TASKS = (("trec", 6, 300), ("imdb", 2, 300), ("banking77", 77, 25))
LARGER_CANDIDATES: tuple[dict[str, Any], ...] = (
    {},
    {"epochs": 6},
    {"rate": 5e-3},
    {"rate": 2e-2},
    {"dropout": 0.3},
    {"factor": 1.5},
    {"adapt": 3},
)


def main() -> None:
    stored, about, candidates = (
        ("defaults_ulmfit_larger", LARGER_TASKS, LARGER_CANDIDATES)
        if "--larger" in sys.argv
        else ("defaults_ulmfit", TASKS, CANDIDATES)
    )
    compare("ulmfit", stored, list(about), [task(*one, seed) for seed, one in enumerate(about)], candidates)


if __name__ == "__main__":
    main()
