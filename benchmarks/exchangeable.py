"""Is a short coverage on clinc150 the rule's fault or the data's? Ask a second held-out part.

    python benchmarks/exchangeable.py

A tenth of the training file is put aside, the rule is fitted on a hold-out of the rest, and
coverage is measured on the part put aside (exchangeable by construction) and on the test file.
"""

from __future__ import annotations

import numpy as np

import textgraft as tg
from common import own_encoder, rows, store
from textgraft.core.splits import holdout_rows


def main() -> None:
    encoder = own_encoder("knn")
    texts, labels = (np.array(column, dtype=object) for column in rows("clinc150_train"))
    texts, labels = texts[labels != "oos"], labels[labels != "oos"]
    test, test_labels = (np.array(column, dtype=object) for column in rows("clinc150_test"))
    codes = np.unique(labels, return_inverse=True)[1]
    table = []
    for seed in (0, 1, 2):
        aside = holdout_rows(codes, 0.1, 100 + seed)
        clf = tg.KNNClassifier(encoder, reject=tg.AtCoverage(0.95), seed=seed).fit(
            texts[~aside], labels[~aside]
        )
        kept = {
            name: round(float((clf.predict(list(part)) != tg.REJECTED).mean()), 4)
            for name, part in (("second_held_out_part", texts[aside]), ("test", test[test_labels != "oos"]))
        }
        print(seed, kept, flush=True)
        table.append({"seed": seed, "held_out": clf.threshold_.n_held_out, "coverage": kept})
    store("exchangeable", {"method": "knn", "rule": "coverage:0.95", "table": table})


if __name__ == "__main__":
    main()
