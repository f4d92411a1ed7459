"""Several labels a text: the methods beside scikit-learn's one-versus-rest with a threshold of one half.

    python benchmarks/multilabel.py

No data set here comes with several labels a text, so they are made of real texts: TREC questions with both
their coarse and their fine type, and one to three clinc150 queries put together, whose labels are those of
the queries; a query out of scope has none. The baseline has the strength of penalty that the methods have.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer

import textgraft as tg
from common import own_encoder, rows, store
from textgraft.core.label_thresholds import LabelThresholds
from textgraft.core.scores import scores_of_labels
from textgraft.experiments.evaluate_labels import evaluate_labels

Sets = tuple[list[str], list[list[str]]]


def trec(part: str) -> Sets:
    """Questions with two labels each."""
    texts, coarse = rows(f"trec_{part}")
    return texts, [list(both) for both in zip(coarse, rows(f"trec_{part}", "fine_label")[1], strict=True)]


def clinc150(part: str, outside: bool = True) -> Sets:
    """One to three queries put together; of the training file 4,000 times, of the test file 1,500.

    Of the training file's queries 1 in 150 is out of scope, of the test file's 2 in 11, so what to believe
    of the ones is not what to believe of the others; without ``outside`` there are none in either.
    """
    draw = random.Random(part)
    queries = [one for one in zip(*rows(f"clinc150_{part}"), strict=True) if outside or one[1] != "oos"]
    texts, labels = [], []
    for _ in range(4_000 if part == "train" else 1_500):
        some = draw.sample(queries, draw.choice([1, 1, 2, 2, 3]))
        texts.append(" ".join(text for text, _ in some))
        labels.append(sorted({label for _, label in some} - {"oos"}))
    return texts, labels


class Plain:
    """A pipeline of scikit-learn's that gives a label from a probability of one half."""

    oos_labels = ()

    def __init__(self, first: Any, strength: float) -> None:
        model = OneVsRestClassifier(LogisticRegression(C=strength, max_iter=1_000))
        self.pipeline = make_pipeline(first, model)

    def fit(self, texts: list[str], labels: list[list[str]]) -> Plain:
        binarizer = MultiLabelBinarizer()
        self.pipeline.fit(texts, binarizer.fit_transform(labels))
        self.classes_ = binarizer.classes_.astype(object)
        n = len(self.classes_)
        self.label_thresholds_ = LabelThresholds(np.full(n, 0.5), np.zeros(n, int), 0.5, 0, "none")
        return self

    def predict_scores(self, texts: list[str], watch: object = None, *, most: int = 0) -> Any:
        return scores_of_labels(self.pipeline.predict_proba(texts))


def encoded() -> FunctionTransformer:
    """Vectors of the encoder that `linear` has by default."""
    return FunctionTransformer(lambda texts: own_encoder("linear").encode(list(texts)))


MODELS: dict[str, Callable[[], Any]] = {
    "scikit-learn, words": lambda: Plain(TfidfVectorizer(), 30.0),
    "tfidf": tg.TfidfClassifier,
    "scikit-learn, vectors": lambda: Plain(encoded(), 5.0),
    "linear": tg.LinearClassifier,
    "knn": tg.KNNClassifier,
}


def main() -> None:
    table = []
    made = (("trec", trec), ("clinc150", clinc150), ("clinc150, in scope", partial(clinc150, outside=False)))
    for name, make in made:
        train, test = make("train"), make("test")
        for called, model in MODELS.items():
            began = time.perf_counter()
            clf = model().fit(*train)
            seconds = time.perf_counter() - began
            found = evaluate_labels(clf, *test)
            measures = ("micro_f1", "macro_f1", "subset_accuracy", "hamming_loss", "lrap")
            errors = (found.uncorrected_calibration_error, found.calibration_error)
            if errors[0] is None:
                errors = (found.calibration_error, None)
            table.append(
                {
                    "data": name,
                    "labels": len(clf.classes_),
                    "labels_a_text": round(found.labels_a_text, 2),
                    "method": called,
                    **{measure: round(getattr(found, measure), 4) for measure in measures},
                    "calibration_error": [one if one is None else round(one, 4) for one in errors],
                    "fit_seconds": round(seconds, 1),
                }
            )
            print(table[-1], flush=True)
            store("multilabel", {"table": table})


if __name__ == "__main__":
    main()
