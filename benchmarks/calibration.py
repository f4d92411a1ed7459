"""Whether belief means what it says on test files, before and after it is calibrated by held-out rows.

    python benchmarks/calibration.py

Each classifier is fitted with a coverage rule, so it holds rows out (or cross-fits) as users have it;
expected calibration error is of in-scope test rows, with the method's own belief and the corrected one.
"""

from __future__ import annotations

import textgraft as tg
from common import rows, store
from textgraft.core.belief import Belief
from textgraft.methods import method_class

METHODS = ("tfidf", "linear", "knn")
DATA = ("fewshot_commits", "trec", "banking77", "clinc150", "ru_cedr_emotion")


def main() -> None:
    table = []
    for data in DATA:
        for method in METHODS:
            clf = method_class(method)(reject=tg.AtCoverage(0.95), oos_labels=("oos",))
            clf.fit(*rows(f"{data}_train"))
            fitted = clf.belief_
            after = tg.evaluate(clf, *rows(f"{data}_test"))
            clf.belief_ = Belief()
            before = tg.evaluate(clf, *rows(f"{data}_test"))
            table.append(
                {
                    "data": data,
                    "method": method,
                    "accuracy": round(after.accuracy_without_rejection, 4),
                    "rows": fitted.rows,
                    "source": clf.held_out_.source,
                    "temperature": round(fitted.temperature, 3),
                    "floor": round(fitted.floor, 4),
                    "error_before": round(before.calibration_error, 4),
                    "error_after": round(after.calibration_error, 4),
                }
            )
            print(table[-1], flush=True)
            store("calibration", {"table": table})


if __name__ == "__main__":
    main()
