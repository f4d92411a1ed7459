"""Make the golden model of the current format, and what it answers.

    python tests/golden/make_model.py

Run it once for each format version and commit the result; never again for the same version,
since the point of the file is that it was written by the textgraft of its day.
"""

from __future__ import annotations

import json
from pathlib import Path

import textgraft as tg
from textgraft.bundle import FORMAT_VERSION

HERE = Path(__file__).resolve().parent
TEXTS = [
    "where is my card", "my card has not come", "card still missing", "is my card on its way",
    "top up failed", "my top-up was declined", "cannot add money", "adding money does not work",
    "tell me a joke", "what is the weather",
]  # fmt: skip
LABELS = ["arrival"] * 4 + ["top_up"] * 4 + ["oos"] * 2
QUERIES = ["has my card come", "money cannot be added", "", "qwerty", "Карта не пришла", "card 💳"]


def main() -> None:
    answers = {}
    for method, kind, more in (
        ("knn", tg.KNNClassifier, {"encoder": "hashing:64", "k": 3}),
        ("linear", tg.LinearClassifier, {"encoder": "hashing:64"}),
        ("tfidf", tg.TfidfClassifier, {"max_features": 60}),
    ):
        clf = kind(**more, reject=tg.AtCoverage(0.7), oos_labels=("oos",)).fit(TEXTS, LABELS)
        clf.save(HERE / f"format{FORMAT_VERSION}_{method}.model")
        scores = clf.predict_scores(QUERIES)
        answers[method] = {
            "labels": clf.predict(QUERIES).tolist(),
            "confidence": [round(float(value), 6) for value in scores.confidence],
            "threshold": round(clf.threshold_.value, 6),
            "nearest": clf.explain(QUERIES[0], k=1).neighbours[0].text,
        }
    path = HERE / f"format{FORMAT_VERSION}_answers.json"
    path.write_text(json.dumps({"queries": QUERIES, "answers": answers}, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
