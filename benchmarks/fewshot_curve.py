"""The learning curve behind the few-shot goal: accuracy by labels of each class, seeds 0–2.

    python benchmarks/fewshot_curve.py

``fewshot_commits`` has 20 training rows of each of five classes; every method learns from the same 3, 5,
10 and 20 of each, and is scored on the whole test file, which chooses nothing. A stopped run goes on.
"""

from __future__ import annotations

from common import CACHE, rows, store
from textgraft.experiments.comparing.compare import compare

METHODS = ("tfidf", "linear", "blend", "siamese", "finetune")
SIZES = (3, 5, 10, "all")


def main() -> None:
    found = compare(
        *rows("fewshot_commits_train"),
        METHODS,
        sizes=SIZES,
        test=rows("fewshot_commits_test"),
        run=CACHE / "runs" / "fewshot_curve",
    )
    table = [
        {
            "method": one.method,
            "rows": round(one.rows),
            "accuracy": round(one.score.value, 4),
            "low": round(one.score.low, 4),
            "high": round(one.score.high, 4),
            "seeds": one.seeds,
        }
        for one in found.standings
    ]
    gains = [
        {
            "method": one.method,
            "from": one.fewer_rows,
            "to": one.more_rows,
            "per_doubling": [
                round(n, 4) for n in (one.per_doubling.value, one.per_doubling.low, one.per_doubling.high)
            ],
        }
        for one in found.gains
    ]
    store("fewshot_curve", {"table": table, "gains": gains})


if __name__ == "__main__":
    main()
