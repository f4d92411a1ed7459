"""One suite for every method: what is promised of all of them holds for each."""

from __future__ import annotations

import csv
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

import textgraft as tg
from textgraft.core.belief import tempered
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.core.scores import Scores
from textgraft.encoders import HashingEncoder
from textgraft.errors import DataError, ModelFolderError, NotFittedError, ParameterError, WeightsError
from textgraft.methods import METHODS, base, load, method_class
from textgraft.methods.base import TextClassifier

NAMES = list(METHODS)
TUNED = {
    "tfidf": {"C": [1.0, 10.0]},
    "linear": {"C": [1.0, 10.0]},
    "knn": {"k": [1, 5]},
    "blend": {"parts": ["tfidf+linear", "tfidf+knn"]},
    "word-gru": {"epochs": [6, 8]},
    "transformer-gru": {"epochs": [5, 6]},
    "siamese": {"k": [1, 5]},
    "pair": {"k": [1, 5]},
    "finetune": {"epochs": [5, 6]},
    "ulmfit": {"epochs": [8, 9]},
}

WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "grape", "melon"],
    "tool": ["hammer", "saw", "drill", "wrench", "pliers", "chisel"],
    "bird": ["robin", "eagle", "crow", "finch", "heron", "stork"],
}


def _corpus(
    per_class: int, seed: int = 0, classes: tuple[str, ...] = tuple(WORDS)
) -> tuple[list[str], list[str]]:
    """Texts whose class is plain to any method."""
    draw = random.Random(seed)
    rows = [(" ".join(draw.choices(WORDS[name], k=4)), name) for name in classes for _ in range(per_class)]
    draw.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


# what small data and a tiny encoder need; everything else is as users have it
SMALL: dict[str, dict[str, Any]] = {
    "word-gru": {"epochs": 8, "rate": 1e-2, "hidden": 16, "batch_size": 12, "layers": 1},
    "transformer-gru": {
        "epochs": 10,
        "rate": 2e-2,
        "hidden": 16,
        "batch_size": 12,
        "layers": 1,
        "dropout": 0.0,
    },
    "siamese": {"heads": 2, "epochs": 10},
    "pair": {"epochs": 5},
    "finetune": {"contrast": 1, "epochs": 6, "rate": 2e-3, "batch_size": 12},
    "ulmfit": {
        "adapt": 1,
        "thaw": 1,
        "epochs": 8,
        "rate": 3e-2,
        "factor": 1.3,
        "dropout": 0.0,
        "batch_size": 16,
    },
}

# every parameter of a method as SMALL does not have it, but those that all methods have
CHANGED: dict[str, dict[str, Any]] = {
    "tfidf": {
        "C": 1.0, "word_ngrams": 1, "char_ngrams": 3, "max_features": 10, "term_weights": "naive-bayes",
    },
    "linear": {"C": 1.0, "confidence": "energy"},
    "knn": {"k": 2, "temperature": None, "index": "approximate", "confidence": "similarity"},
    "blend": {"parts": "knn+tfidf", "weighing": "hold-out"},
    "word-gru": {
        "vectors": "none.vec", "epochs": 1, "rate": 0.5, "batch_size": 1, "max_tokens": 3, "truncate": "end",
        "max_words": 5, "min_count": 9, "hidden": 8, "layers": 2, "dropout": 0.5, "thaw": True, "patience": 1,
        "confidence": "energy",
    },
    "transformer-gru": {
        "states": "last", "epochs": 1, "rate": 0.5, "batch_size": 1, "max_tokens": 3, "truncate": "end",
        "hidden": 8, "layers": 2, "dropout": 0.5, "patience": 1, "confidence": "energy",
    },
    "siamese": {
        "loss": "triplet", "margin": 0.1, "widths": "8", "heads": 4, "dropout": 0.0, "epochs": 1, "rate": 0.5,
        "k": 2, "temperature": 3.0, "train_encoder": True, "encoder_rate": 0.5,
        "patience": 1,
    },
    "pair": {
        "scorer": "cross", "train_encoder": True, "k": 2, "negatives": 1, "epochs": 1, "rate": 0.5,
        "batch_size": 1, "dropout": 0.5, "encoder_epochs": 1, "encoder_rate": 0.5, "max_tokens": 8,
        "index": "approximate", "patience": 1,
    },
    "finetune": {
        "epochs": 1, "rate": 0.5, "batch_size": 1, "contrast": 0, "max_tokens": 3, "truncate": "end",
        "pool": "max", "train": "head", "lora": 2, "factor": 2.0, "dropout": 0.5, "smoothing": 0.5,
        "class_weights": "balanced", "patience": 1, "confidence": "energy",
    },
    "ulmfit": {
        "language_model": "none.lm", "backward": "none.lm", "scratch": True, "adapt": 0, "adapt_rate": 0.5,
        "epochs": 1, "thaw": 0, "gradual": False, "rate": 0.5, "factor": 2.0, "schedule": "constant",
        "pool": "max", "dropout": 1.0, "batch_size": 1, "max_tokens": 3, "patience": 1,
        "confidence": "energy",
    },
}  # fmt: skip

READS_TOKENS = ("transformer-gru", "finetune")
"""Methods that need an encoder with weights; a tiny one stands where others have ``hashing``."""

TRUNCATES = ("word-gru", "transformer-gru", "finetune")
"""Methods that can leave out the end or the middle of a long text."""

TRAINED = ("pair", "siamese", "word-gru", "transformer-gru", "finetune", "ulmfit")

tiny_encoder: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _tiny_pretrained(
    tiny_bert_knowing: Callable[[list[str]], Path],
    tiny_language_model: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    words = [word for group in WORDS.values() for word in group] + _made_up(150, 8, 5) + _made_up(12, 9, 2)
    tiny_encoder[:] = [str(tiny_bert_knowing(words))]
    vectors = tmp_path_factory.mktemp("vectors") / "tiny.vec"
    rows = np.random.default_rng(0).normal(size=(len(words), 24)).round(4)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True)]
    vectors.write_text(f"{len(words)} 24\n" + "\n".join(lines) + "\n", encoding="utf-8")
    SMALL["word-gru"]["vectors"] = str(vectors)
    SMALL["ulmfit"]["language_model"] = str(tiny_language_model(words))
    yield
    tiny_encoder.clear()


def _made_up(n: int, letters: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices(string.ascii_lowercase, k=letters)) for _ in range(n)]


def _make(name: str, encoder: Any = "hashing", **parameters: Any) -> TextClassifier:
    kind = method_class(name)
    if name in READS_TOKENS and (isinstance(encoder, HashingEncoder) or str(encoder).startswith("hashing")):
        encoder = tiny_encoder[0]
    with_encoder = {"encoder": encoder} if "encoder" in kind().get_params() else {}
    small = SMALL.get(name, {}) if encoder != "minilm" else {}
    return kind(**(with_encoder | small | parameters))


def _noise(name: str) -> float:
    """What the shape of a batch may change: nothing, but for networks that run in bf16."""
    return 2e-2 if name in {*READS_TOKENS, "word-gru", "ulmfit"} else 1e-6


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[pytest.param(n, marks=pytest.mark.slow) if n in TRAINED else n for n in NAMES])
def costly(request: pytest.FixtureRequest) -> str:
    """A name, for what takes a trained network long; those are left to ``pytest -m slow``."""
    return str(request.param)


def _assert_same_answers(a: TextClassifier, b: TextClassifier, texts: list[str]) -> None:
    assert np.array_equal(a.predict(texts), b.predict(texts))
    assert np.array_equal(a.predict_proba(texts), b.predict_proba(texts))
    assert np.array_equal(a.predict_scores(texts).confidence, b.predict_scores(texts).confidence)


# ── it learns ───────────────────────────────────────────────────────────────────────


def test_plain_classes_are_learned(name: str) -> None:
    clf = _make(name).fit(*_corpus(12))
    texts, labels = _corpus(8, seed=1)
    assert clf.score(texts, labels) >= 0.95
    assert list(clf.classes_) == ["bird", "fruit", "tool"]
    assert list(clf.class_counts_) == [12, 12, 12]


@pytest.mark.parametrize("trained", TRAINED)
def test_a_network_tells_the_losses_of_its_epochs_while_it_learns(trained: str) -> None:
    told: list[Progress] = []
    _make(trained, reject=None).fit(*_corpus(4), watch=told.append)
    found = [one.found for one in told if one.what == "training"]
    assert found[0] == ""
    assert any(losses.startswith("loss ") for losses in found)


def test_real_tickets_are_learned_with_minilm(costly: str, tickets: Any) -> None:
    name = costly
    texts, labels = tickets.in_scope
    clf = _make(name, "minilm").fit(texts[::2], labels[::2])
    # nine topics: a guess has 0.11
    least = {"tfidf": 0.5, "word-gru": 0.35, "transformer-gru": 0.5}.get(name, 0.7)
    assert clf.score(texts[1::2], labels[1::2]) >= least


def test_minilm_models_answer_alike_after_loading(costly: str, tickets: Any, tmp_path: Path) -> None:
    name = costly
    texts, labels = tickets.in_scope
    clf = _make(name, "minilm", reject=tg.AtCoverage(0.9)).fit(texts[:120], labels[:120])
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    _assert_same_answers(clf, loaded, texts[120:140])
    assert loaded.explain(texts[0]) == clf.explain(texts[0])


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "strings of numpy": np.array,
    "objects of numpy": lambda rows: np.array(rows, dtype=object),
    "series of pandas": pd.Series,
    "iterator": iter,
}


@pytest.mark.parametrize("kind", CONTAINERS.values(), ids=CONTAINERS)
def test_rows_come_in_any_container(name: str, kind: Any) -> None:
    texts, labels = _corpus(4)
    clf = _make(name).fit(kind(texts), kind(labels))
    _assert_same_answers(clf, _make(name).fit(texts, labels), texts)
    assert np.array_equal(clf.predict(kind(texts)), clf.predict(texts))


def test_a_pandas_index_is_of_no_importance(name: str) -> None:
    texts, labels = _corpus(4)
    odd = pd.Series(range(len(texts)), dtype=int)[::-1]
    clf = _make(name).fit(pd.Series(texts, index=odd), pd.Series(labels, index=odd + 7))
    _assert_same_answers(clf, _make(name).fit(texts, labels), texts)


def test_two_classes(name: str) -> None:
    clf = _make(name).fit(*_corpus(10, classes=("fruit", "tool")))
    texts, labels = _corpus(5, seed=3, classes=("fruit", "tool"))
    assert clf.score(texts, labels) == 1.0
    belief = clf.predict_proba(texts)
    assert belief.shape == (10, 2)
    assert np.allclose(belief.sum(axis=1), 1)


def test_many_classes_and_classes_of_one_row(name: str) -> None:
    words = _made_up(150, 8, 5)
    texts = [f"{word} {word}" for word in words] + [f"{word} again" for word in words[:100]]
    labels = words + words[:100]
    clf = _make(name, "hashing:1024", reject=tg.AtCoverage(0.9)).fit(texts, labels)
    assert len(clf.classes_) == 150
    assert clf.threshold_.n_uncovered_classes == 50
    assert "50 classes of a single row" in clf.threshold_.sentence()
    clf.set_rejection(None)
    assert clf.score(texts, labels) >= 0.95


def test_every_class_of_one_row_can_be_learned_and_never_calibrated(name: str) -> None:
    texts = ["apple pie", "steel hammer", "robin song"]
    clf = _make(name, reject=tg.AtCoverage(0.5)).fit(texts, ["a", "b", "c"])
    assert clf.threshold_.value == -np.inf
    assert list(clf.predict(texts)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "texts", [["😀", "😡"] * 4, ["?!", "..."] * 4, ["مرحبا", "שלום"] * 4, ["好", "坏"] * 4]
)
def test_texts_without_latin_words_can_be_learned(name: str, texts: list[str]) -> None:
    clf = _make(name, reject=tg.AtCoverage(0.5)).fit(texts, ["a", "b"] * 4)
    assert clf.predict(texts).shape == (8,)
    assert clf.predict(["plain words"]).shape == (1,)


def test_one_text_under_two_labels_is_learned_as_undecided(name: str) -> None:
    # every vector is the same: there is no spread to divide by
    clf = _make(name, reject=tg.AtCoverage(0.5)).fit(["same text"] * 6, ["a", "b"] * 3)
    assert clf.report_.conflicts == 6
    belief = clf.predict_proba(["same text", "another"])
    assert belief[0] == pytest.approx([0.5, 0.5], abs=0.05)
    assert np.isfinite(belief).all()


# ── scikit-learn ────────────────────────────────────────────────────────────────────


def test_it_is_a_classifier_to_sklearn_and_can_be_cloned(name: str) -> None:
    clf = _make(name, reject=tg.AtCoverage(0.9), oos_labels=("oos",), seed=3)
    assert is_classifier(clf)
    assert clone(clf).get_params() == clf.get_params()
    assert not hasattr(clone(clf.fit(*_corpus(4))), "classes_")
    clf.set_params(seed=4, reject=None)
    assert (clf.get_params()["seed"], clf.get_params()["reject"]) == (4, None)
    assert name.replace("-", "") in repr(clf).lower()
    with pytest.raises(ValueError, match="Invalid parameter"):
        clf.set_params(nonsense=1)


def test_constructing_checks_nothing_and_stores_what_it_was_given(name: str) -> None:
    odd = object()
    clf = _make(name, odd, reject=odd, seed=odd)
    assert clf.get_params()["reject"] is odd
    with pytest.raises(ParameterError):
        clf.fit(*_corpus(2))


def test_grid_search_works(name: str) -> None:
    search = GridSearchCV(_make(name), TUNED[name], cv=2).fit(*_corpus(6))
    assert search.best_score_ >= 0.8
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_cross_validation_works_with_strings_and_whole_numbers(name: str) -> None:
    texts, labels = _corpus(6)
    numbers = [sorted(WORDS).index(label) for label in labels]
    assert cross_val_score(_make(name), texts, labels, cv=3).mean() >= 0.8
    by_string = cross_val_predict(_make(name), texts, labels, cv=3)
    by_number = cross_val_predict(_make(name), texts, numbers, cv=3)
    assert [sorted(WORDS)[int(number)] for number in by_number] == list(by_string)
    assert cross_val_score(_make(name), np.array(texts), np.array(numbers), cv=3).mean() >= 0.8


@pytest.mark.parametrize("as_numbers", [False, True])
def test_cross_validated_probabilities_have_the_columns_sklearn_expects(name: str, as_numbers: bool) -> None:
    # twelve classes: "10" sorts before "2" as a string, not as a number
    words = _made_up(12, 9, 2)
    names = [f"class {number:02}" for number in range(12)]
    texts = [f"{word} {word} {word}" for word in words for _ in range(6)]
    labels = [(number if as_numbers else names[number]) for number in range(12) for _ in range(6)]
    belief = cross_val_predict(_make(name), texts, np.array(labels), cv=3, method="predict_proba")
    expected = np.repeat(np.arange(12), 6)
    assert (belief.argmax(axis=1) == expected).mean() >= 0.9


def test_score_compares_labels_as_strings_and_a_rejected_text_is_wrong(name: str) -> None:
    texts, labels = _corpus(6)
    numbers = [float(sorted(WORDS).index(label)) for label in labels]
    clf = _make(name).fit(texts, numbers)
    assert list(clf.classes_) == ["0", "1", "2"]
    assert clf.score(texts, [int(number) for number in numbers]) == 1.0
    texts, numbers = [*texts, "unheard of", "zzz"], [*numbers, 0.0, 1.0]
    confidence = clf.predict_scores(texts).confidence
    clf.set_rejection(tg.AtSimilarity((confidence.min() + min(1.0, confidence.max())) / 2))
    rejected = (clf.predict(texts) == tg.REJECTED).mean()
    assert rejected > 0
    assert clf.score(texts, numbers) == pytest.approx(1 - rejected)
    weights = np.zeros(len(texts))
    weights[0] = 1
    assert clf.set_rejection(None).score(texts, numbers, sample_weight=weights) == 1.0


# ── order of calls and faults ───────────────────────────────────────────────────────


@pytest.mark.parametrize("call", ["predict", "predict_proba", "predict_scores", "explain", "similarities"])
def test_asking_before_fit_names_the_missing_call(name: str, call: str) -> None:
    argument = "text" if call == "explain" else ["text"]
    with pytest.raises(NotFittedError, match="call fit before"):
        getattr(_make(name), call)(argument)


def test_saving_and_rejecting_before_fit_name_the_missing_call(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="fit before calling save"):
        _make(name).save(tmp_path / "a.model")
    with pytest.raises(NotFittedError, match="fit before calling set_rejection"):
        _make(name).set_rejection(None)


def test_all_faults_are_reported_at_once(name: str) -> None:
    own = {"knn": {"k": 0, "temperature": -1.0, "index": "best"}, "linear": {"C": 0.0}}
    own["tfidf"] = {"C": -1, "word_ngrams": 0, "char_ngrams": 1, "max_features": 0, "term_weights": "best"}
    own["finetune"] = {
        "epochs": -1, "rate": "fast", "batch_size": 0, "contrast": 0.5, "max_tokens": 1, "pool": "best",
        "train": "some", "lora": -1, "factor": 0.5, "dropout": 1.0, "smoothing": -0.1,
        "class_weights": "odd", "patience": -1, "truncate": "start",
    }  # fmt: skip
    gru = {"epochs": -1, "rate": "fast", "batch_size": 0, "max_tokens": 1, "hidden": 0, "layers": 0,
           "dropout": 1.0, "patience": -1, "truncate": "start"}  # fmt: skip
    own["word-gru"] = gru | {"vectors": 3, "max_words": 0, "min_count": 0, "thaw": "yes"}
    own["transformer-gru"] = gru
    own["ulmfit"] = {
        "backward": 1, "scratch": "no", "adapt": -1, "adapt_rate": 2.0, "epochs": 1.5, "thaw": -1,
        "gradual": 2, "rate": "fast", "factor": 0.5, "schedule": "fast", "pool": "sum", "dropout": -1,
        "batch_size": 0, "max_tokens": 1, "patience": -1,
    }  # fmt: skip
    own["blend"] = {"parts": "tfidf+tfidf", "weighing": "by hand"}
    own["pair"] = {"k": 0, "scorer": "best", "negatives": 0, "rate": -1.0, "patience": -1}
    own["siamese"] = {"loss": "hinge", "margin": 0, "widths": "a", "heads": 0, "dropout": 1.0, "epochs": -1,
                      "rate": 2.0, "k": 0, "temperature": 0.0, "train_encoder": "yes",
                      "encoder_rate": -1.0, "patience": -1}  # fmt: skip
    clf = _make(name, reject="coverage:0.9", holdout=0.9, seed=-1, **own[name])
    with pytest.raises(ParameterError) as caught:
        clf.fit(*_corpus(2))
    for parameter in ("reject", "holdout", "seed", *own[name]):
        assert f"{parameter} must be" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "labels", "said"),
    [
        (["a", "b"], ["x"], "2 texts and 1 labels"),
        ([], [], "No labelled text"),
        (["a", "b"], ["x", "x"], "one label"),
        (["", " "], ["x", "y"], "No labelled text"),
        ("ab", ["x", "y"], "list of texts"),
        ([["a"], ["b"]], ["x", "y"], "row 0"),
        (["a", "b"], ["x", tg.REJECTED], "reserved"),
        (["a", "b"], ["x", ["y"]], "row 0, as in other rows|one label a row"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_one_clear_error(
    name: str, texts: Any, labels: Any, said: str
) -> None:
    clf = _make(name)
    with pytest.raises(DataError, match=said) as caught:
        clf.fit(texts, labels)
    assert "\n" not in str(caught.value)
    assert not hasattr(clf, "classes_")


def test_a_bare_string_is_no_list_to_predict(name: str) -> None:
    clf = _make(name).fit(*_corpus(3))
    with pytest.raises(DataError, match=r"Pass \[text\]"):
        clf.predict("apple")


# ── predicting ──────────────────────────────────────────────────────────────────────


def test_order_is_kept_and_company_changes_nothing(name: str) -> None:
    clf = _make(name).fit(*_corpus(8))
    texts = ["", *_corpus(5, seed=4)[0], " ", "unheard of"]
    order = np.random.default_rng(0).permutation(len(texts))
    together = clf.predict_proba(texts)
    assert np.allclose(clf.predict_proba([texts[row] for row in order]), together[order], atol=_noise(name))
    fruit, tool = "apple plum pear grape", "saw drill wrench hammer"
    alone = np.concatenate([clf.predict([fruit]), clf.predict([tool])])
    assert list(clf.predict([fruit, tool])) == list(alone) == ["fruit", "tool"]


def test_where_a_block_of_texts_ends_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clf = _make(name).fit(*_corpus(8))
    texts = ["", "", "", *_corpus(5, seed=4)[0], ""]
    whole = clf.predict_scores(texts)
    monkeypatch.setattr("textgraft.methods.base.TEXTS_AT_ONCE", 3)
    seen: list[Progress] = []
    blocked = clf.predict_scores(texts, seen.append)
    assert np.allclose(blocked.by_class, whole.by_class, atol=_noise(name))
    assert np.allclose(blocked.confidence, whole.confidence, atol=_noise(name))
    assert all(step.total == len(texts) for step in seen)


def test_no_texts_are_no_predictions(name: str) -> None:
    clf = _make(name).fit(*_corpus(3))
    assert clf.predict([]).shape == (0,)
    assert clf.predict_proba([]).shape == (0, 3)


class _BreakingEncoder(HashingEncoder):
    """Gives no numbers for texts about fruit once it is told to."""

    breaks = False

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        vectors = super().encode(texts, watch)
        if self.breaks:
            vectors[[any(word in text for word in WORDS["fruit"]) for text in texts]] = np.nan
        return vectors


@pytest.mark.parametrize("name", ["linear", "knn", "blend", "siamese", "pair"])
def test_vectors_that_are_no_numbers_are_refused(name: str) -> None:
    encoder, (texts, labels) = _BreakingEncoder(64), _corpus(12)
    clf = _make(name, encoder, parts="tfidf+linear") if name == "blend" else _make(name, encoder)
    clf.fit(texts, labels)
    encoder.breaks = True
    asked = ["hammer saw", "apple pear", "crow"]
    # what pair encodes is checked where it has been scored
    found = r"found others for 1 of 3 texts, the first .*(number 2|apple pear)"
    for ask in (clf.predict, clf.predict_proba, lambda texts: tg.evaluate(clf, texts, ["tool"] * 3)):
        with pytest.raises(WeightsError, match=found):
            ask(asked)
    for learn in (clf.fit, clf.out_of_fold):
        with pytest.raises(WeightsError, match="the encoder 'hashing:64', found others for"):
            learn(texts, labels)
    assert (clf.predict(["hammer saw"]) == "tool").all()


@pytest.mark.parametrize("several", [False, True])
def test_a_model_with_damaged_weights_answers_nothing(several: bool) -> None:
    texts, labels = _corpus(12)
    clf = _make("tfidf").fit(texts, [[label] for label in labels] if several else labels)
    clf.learned_.weight[:] = np.nan
    with pytest.raises(WeightsError, match="method tfidf, found others for 2 of 2 texts"):
        clf.predict(["hammer saw", " ", "apple pear"])


def test_labels_are_objects_and_confidence_is_finite(name: str) -> None:
    clf = _make(name).fit(*_corpus(3))
    texts = ["apple", "", "zzz", "\0", "\ud800", "😀", None, 3.5]
    labels, scores = clf.predict(texts), clf.predict_scores(texts)
    assert labels.dtype == object
    assert set(labels) <= set(clf.classes_)
    assert np.isfinite(scores.confidence).all()
    assert (np.abs(scores.confidence) <= 1 + 1e-6).all()


@pytest.mark.parametrize("rule", [None, tg.AtCoverage(0.9), tg.AtSimilarity(0.5)], ids=str)
def test_probabilities_sum_to_1(name: str, rule: Any) -> None:
    clf = _make(name, reject=rule).fit(*_corpus(10))
    belief = clf.predict_proba([*_corpus(5, seed=9)[0], "unheard of"])
    assert (belief >= 0).all()
    assert np.allclose(belief.sum(axis=1), 1)


@pytest.mark.parametrize("texts", [[""], ["", "apple plum"]], ids=["alone", "among others"])
def test_probabilities_of_a_text_without_content_sum_to_1_too(name: str, texts: list[str]) -> None:
    clf = _make(name, **({"k": 1} if name == "knn" else {})).fit(*_corpus(10))
    assert np.allclose(clf.predict_proba(texts).sum(axis=1), 1)


def test_the_most_believed_class_is_the_one_predicted(name: str) -> None:
    clf = _make(name).fit(*_corpus(10))
    texts = _corpus(10, seed=8)[0]
    assert np.array_equal(clf.classes_[clf.predict_proba(texts).argmax(axis=1)], clf.predict(texts))


def test_a_text_without_content_is_of_the_most_frequent_class_or_rejected(name: str) -> None:
    texts, labels = _corpus(10)
    texts, labels = [*texts, "eagle stork crow", "heron finch"], [*labels, "bird", "bird"]
    clf = _make(name).fit(texts, labels)
    assert list(clf.predict(["", "  ", None])) == ["bird"] * 3
    assert list(clf.predict_scores([""]).confidence) == [-1.0]
    clf = _make(name, reject=tg.AtCoverage(0.8)).fit(texts, labels)
    assert clf.threshold_.value > 0
    assert list(clf.predict(["", "  ", None])) == [tg.REJECTED] * 3


def test_a_text_of_100_000_characters_is_predicted(name: str) -> None:
    clf = _make(name).fit(*_corpus(6))
    assert clf.predict(["robin heron eagle " * 5_556, "x" * 100_000])[0] == "bird"


def test_a_training_row_of_100_000_characters_is_learned(name: str, tmp_path: Path) -> None:
    texts, labels = _corpus(4)
    clf = _make(name).fit([*texts, "robin heron eagle " * 5_556], [*labels, "bird"])
    assert clf.report_.very_long == 1
    clf.save(tmp_path / "a.model")
    _assert_same_answers(clf, load(tmp_path / "a.model"), texts)


@pytest.mark.parametrize("name", TRUNCATES)
@pytest.mark.parametrize("truncate", ["end", "middle"])
def test_the_end_or_the_middle_of_a_long_text_is_left_out(name: str, truncate: str, tmp_path: Path) -> None:
    texts, labels = _corpus(12)
    other_texts, other_labels = _corpus(12, seed=1)
    clf = _make(name, max_tokens=8, truncate=truncate).fit(texts, labels)
    # four words say the class; before them the middle, and before that an end which says nothing
    long = ["zz " * 4 + "yy " * 50 + text for text in other_texts]
    if truncate == "middle":
        # a third is chance; of the tiny network without any meaning no more can be asked
        assert clf.score(long, other_labels) >= 0.7
    else:
        assert len(set(clf.predict(long))) == 1
    clf.save(tmp_path / "a.model")
    _assert_same_answers(clf, load(tmp_path / "a.model"), long)


def test_an_explanation_shows_the_nearest_training_texts(name: str) -> None:
    texts, labels = _corpus(6)
    clf = _make(name).fit(texts, labels)
    why = clf.explain(texts[4], k=3)
    assert (why.label, why.best, why.threshold) == (labels[4], labels[4], None)
    assert why.neighbours[0].text == texts[4]
    assert why.neighbours[0].similarity == pytest.approx(1, abs=2e-3)
    assert [n.similarity for n in why.neighbours] == sorted(
        (n.similarity for n in why.neighbours), reverse=True
    )
    assert all(labels[texts.index(n.text)] == n.label for n in why.neighbours)
    assert len(clf.explain("apple", k=1_000).neighbours) == len(texts)
    clf.set_rejection(tg.AtSimilarity(1.0))
    rejected = clf.explain("nothing like it")
    assert (rejected.label, rejected.threshold) == (tg.REJECTED, 1.0)
    assert rejected.best in clf.classes_


def test_the_nearest_texts_of_many_are_those_of_each(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = _corpus(6)
    clf = _make(name).fit(texts, labels)
    asked = ["apple pear", "", "saw drill", texts[2], "robin"]
    monkeypatch.setattr(base, "TEXTS_COMPARED_AT_ONCE", 2)
    told: list[Progress] = []
    together = clf.nearest(asked, k=2, watch=told.append)
    assert together[3][0].text == texts[2]
    for text, found in zip(asked, together, strict=True):
        alone = clf.explain(text, k=2).neighbours
        assert [one.similarity for one in found] == pytest.approx([one.similarity for one in alone], abs=1e-4)
    assert [(one.done, one.total) for one in told] == [(2, 5), (4, 5), (5, 5)]
    assert clf.nearest([]) == ()


def test_similarities_are_cosines(name: str) -> None:
    clf = _make(name).fit(*_corpus(6))
    sims = clf.similarities(["apple pear", "apple pear", "saw drill"])
    assert sims.shape == (3, 3)
    assert np.allclose(sims, sims.T, atol=1e-6)
    assert np.allclose(np.diag(sims), 1, atol=1e-5)
    assert sims[0, 1] == pytest.approx(1, abs=1e-5)
    # states of a random network are all alike
    assert sims[0, 2] < (0.95 if name in (*READS_TOKENS, "ulmfit") else 0.5)


# ── rejection ───────────────────────────────────────────────────────────────────────


@pytest.mark.data
def test_the_coverage_asked_for_is_had_on_real_texts(costly: str, shared_data: Path) -> None:
    name = costly
    table = pq.read_table(shared_data / "banking77_train.parquet").to_pandas()
    table = table[table["label"].isin(sorted(set(table["label"]))[:8])].sample(frac=1, random_state=0)
    texts, labels = list(table["text"]), list(table["label"])
    half = len(texts) // 2
    valid = texts[half : half + 200], labels[half : half + 200]
    clf = _make(name, reject=tg.AtCoverage(0.9)).fit(texts[:half], labels[:half], valid=valid)
    fresh = texts[half + 200 :]
    kept = (clf.predict(fresh) != tg.REJECTED).mean()
    # 200 held-out rows and the fresh ones each add their noise; four standard deviations
    noise = 4 * np.sqrt(0.9 * 0.1 * (1 / 200 + 1 / len(fresh)))
    assert 0.9 - noise <= kept <= 0.9 + noise + 1 / 201
    assert clf.threshold_.guaranteed
    assert clf.threshold_.n_held_out == 200


def test_out_of_scope_rows_are_never_a_class_and_are_reported(costly: str, tickets: Any) -> None:
    name = costly
    clf = _make(name, reject=tg.AtCoverage(0.8), oos_labels=["oos"]).fit(tickets.texts, tickets.labels)
    n_oos = tickets.labels.count("oos")
    assert "oos" not in clf.classes_
    assert "oos" not in set(clf.predict(tickets.texts))
    assert clf.report_.out_of_scope == len(clf.oos_confidence_) == n_oos
    said = clf.rejection_sentences()
    assert len(said) == 2
    assert f"Of the {n_oos} out-of-scope rows given" in said[1]
    oos_texts = [t for t, y in zip(tickets.texts, tickets.labels, strict=True) if y == "oos"]
    caught = (clf.predict(oos_texts) == tg.REJECTED).sum()
    assert f", {caught} are rejected" in said[1]


def test_a_hold_out_is_guaranteed_and_its_rows_are_not_learned(name: str) -> None:
    texts, labels = _corpus(40)
    clf = _make(name, reject=tg.AtCoverage(0.9), holdout=0.25).fit(texts, labels)
    assert (clf.threshold_.source, clf.threshold_.n_held_out) == ("held-out", 30)
    assert clf.threshold_.guaranteed
    assert len(clf.train_texts_) == 90
    assert list(clf.held_out_.confidence) == sorted(clf.held_out_.confidence)


def test_few_rows_are_cross_fitted_and_promise_nothing(name: str) -> None:
    clf = _make(name, reject=tg.AtCoverage(0.9)).fit(*_corpus(10))
    assert (clf.threshold_.source, clf.threshold_.n_held_out) == ("cross-fit", 30)
    assert not clf.threshold_.guaranteed
    assert "an estimate, not a guarantee" in clf.rejection_sentences()[0]
    assert len(clf.train_texts_) == 30


def test_a_rule_with_too_few_rows_rejects_nothing_and_says_so(name: str, tmp_path: Path) -> None:
    clf = _make(name, reject=tg.AtCoverage(0.99)).fit(*_corpus(10))
    assert clf.threshold_.value == -np.inf
    assert "at least 99" in clf.rejection_sentences()[0]
    assert tg.REJECTED not in clf.predict(["zzz", ""])
    assert clf.explain("zzz").threshold is None
    clf.save(tmp_path / "a.model")
    assert load(tmp_path / "a.model").threshold_ == clf.threshold_


def test_rows_of_the_callers_own_fit_the_rule(name: str) -> None:
    valid = _corpus(20, seed=5)
    clf = _make(name, reject=tg.AtCoverage(0.9)).fit(*_corpus(10), valid=valid)
    assert (clf.threshold_.source, clf.threshold_.n_held_out) == ("valid", 60)
    assert np.array_equal(clf.held_out_.confidence, np.sort(clf.predict_scores(valid[0]).confidence))
    assert len(clf.train_texts_) == 30
    assert "validation file" in clf.threshold_.sentence()


def test_a_validation_label_never_seen_is_refused_and_named(name: str) -> None:
    texts, labels = _corpus(5)
    with pytest.raises(DataError, match="lack: fish"):
        _make(name, reject=tg.AtCoverage(0.9)).fit(texts, labels, valid=(["trout"], ["fish"]))
    clf = _make(name, reject=tg.AtCoverage(0.5), oos_labels="fish")
    clf.fit(texts, labels, valid=(["trout", *texts], ["fish", *labels]))
    assert clf.threshold_.n_held_out == 15
    with pytest.raises(DataError, match="lack: fowl"):
        clf.set_rejection(tg.AtCoverage(0.5), valid=(["hen"], ["fowl"]))


def test_moving_the_threshold_equals_fitting_again(name: str) -> None:
    rows, texts = _corpus(30), [*_corpus(10, seed=6)[0], "zzz", ""]
    moved = _make(name, reject=tg.AtCoverage(0.95), holdout=0.3).fit(*rows)
    for rule in (tg.AtCoverage(0.7), tg.AtCoverage(0.9)):
        again = _make(name, reject=rule, holdout=0.3).fit(*rows)
        moved.set_rejection(rule)
        assert moved.threshold_ == again.threshold_
        assert moved.get_params() == again.get_params()
        _assert_same_answers(moved, again, texts)


@pytest.mark.parametrize("between", [None, tg.AtSimilarity(0.5)], ids=str)
def test_a_coverage_rule_can_be_taken_up_again_after_another_rule(name: str, between: Any) -> None:
    """The confidences kept from fit stay whatever rule comes between."""
    clf = _make(name, reject=tg.AtCoverage(0.9), holdout=0.3).fit(*_corpus(30))
    before = clf.threshold_
    clf.set_rejection(between)
    assert clf.set_rejection(tg.AtCoverage(0.9)).threshold_ == before


def test_rows_given_later_fit_a_rule_on_a_model_that_kept_none(name: str) -> None:
    clf = _make(name).fit(*_corpus(10))
    with pytest.raises(DataError, match="no held-out rows"):
        clf.set_rejection(tg.AtCoverage(0.9))
    clf.set_rejection(tg.AtCoverage(0.9), valid=_corpus(20, seed=7))
    assert (clf.threshold_.source, clf.threshold_.n_held_out) == ("valid", 60)


def _valid_with_outsiders(seed: int) -> tuple[list[str], list[str]]:
    texts, labels = _corpus(20, seed)
    return [*texts, *(" ".join(_made_up(3, 8, number)) for number in range(12))], [*labels, *["oos"] * 12]


def test_a_risk_is_kept_saved_and_taken_up_again(name: str, tmp_path: Path) -> None:
    valid = _valid_with_outsiders(5)
    clf = _make(name, reject=tg.AtRisk(0.2), oos_labels="oos").fit(*_corpus(12), valid=valid)
    assert (clf.threshold_.source, clf.threshold_.n_held_out) == ("valid", 72)
    assert clf.threshold_.tested is not None
    found = tg.evaluate(clf, *valid)
    assert found.risk is None or found.risk <= 0.2
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    assert loaded.threshold_ == clf.threshold_
    assert loaded.reject == tg.AtRisk(0.2)
    loaded.set_rejection(tg.AtCoverage(0.5))
    assert loaded.threshold_ != clf.threshold_
    assert loaded.set_rejection(tg.AtRisk(0.2)).threshold_ == clf.threshold_
    assert loaded.set_rejection(tg.AtRisk(0.2), valid=valid).threshold_ == clf.threshold_


def test_a_risk_that_rows_cannot_show_is_refused_before_learning(name: str) -> None:
    clf = _make(name, reject=tg.AtRisk(0.05))
    with pytest.raises(DataError, match=r"at least 59 held-out rows, .* and 30 could be had"):
        clf.fit(*_corpus(10))
    assert not hasattr(clf, "learned_")


def test_a_rule_that_cannot_be_changes_nothing(name: str) -> None:
    clf = _make(name, reject=tg.AtCoverage(0.9)).fit(*_corpus(10), valid=_corpus(15, seed=3))
    before = clf.threshold_
    with pytest.raises(DataError, match="45 could be had"):
        clf.set_rejection(tg.AtRisk(0.01))
    with pytest.raises(DataError, match="12 could be had"):
        clf.set_rejection(tg.AtRisk(0.01), valid=_corpus(4))
    assert (clf.threshold_, clf.reject, len(clf.held_out_.confidence)) == (before, tg.AtCoverage(0.9), 45)


@pytest.mark.parametrize("source", ["held-out", "cross-fit"])
def test_a_risk_is_fitted_without_a_file(source: str) -> None:
    texts, labels = _corpus(60)
    outsiders = [" ".join(_made_up(3, 8, number)) for number in range(40)]
    share = 0.4 if source == "held-out" else 0.0
    clf = _make("tfidf", reject=tg.AtRisk(0.1), oos_labels="oos", holdout=share)
    clf.fit([*texts, *outsiders], [*labels, *["oos"] * 40])
    assert clf.threshold_.source == source
    assert clf.threshold_.n_held_out == (72 if source == "held-out" else 180) + 40
    assert clf.threshold_.guaranteed == (source == "held-out")
    assert (clf.predict(outsiders) == tg.REJECTED).mean() > 0.5


def test_belief_is_calibrated_by_rows_that_were_not_learned(name: str, tmp_path: Path) -> None:
    valid = _corpus(20, seed=5)
    plain = _make(name).fit(*_corpus(12))
    assert plain.belief_.rows == 0
    clf = _make(name).fit(*_corpus(12), valid=valid)
    assert clf.belief_.rows == 60
    assert np.array_equal(clf.predict(valid[0]), plain.predict(valid[0]))
    believed = clf.predict_proba(valid[0])
    assert np.allclose(believed.sum(axis=1), 1)
    assert (believed.argmax(axis=1) == plain.predict_proba(valid[0]).argmax(axis=1)).all()
    clf.save(tmp_path / "a.model")
    assert load(tmp_path / "a.model").belief_ == clf.belief_
    _assert_same_answers(clf, load(tmp_path / "a.model"), valid[0])
    # and rows that are given later do the same
    assert plain.set_rejection(None, valid=valid).belief_ == clf.belief_


def test_a_method_that_is_too_sure_is_calibrated_for_other_rows(name: str) -> None:
    def mislabelled(seed: int) -> tuple[list[str], list[str]]:
        texts, labels = _corpus(50, seed)
        draw = random.Random(seed)
        return texts, [draw.choice(list(WORDS)) if draw.random() < 0.3 else label for label in labels]

    clf = _make(name).fit(*_corpus(12))
    plain = type(clf)._score

    class TooSure(type(clf)):  # type: ignore[misc]
        """The same with logits four times as large."""

        def _score(self, learned: Any, features: Any, n_classes: int) -> Scores:
            scores = plain(self, learned, features, n_classes)
            return replace(scores, values=tempered(scores.values, 0.25, 0.0, n_classes))

    clf.__class__ = TooSure
    others = mislabelled(7)
    before, best = tg.evaluate(clf, *others), clf.predict(others[0])
    clf.set_rejection(None, valid=mislabelled(5))
    after = tg.evaluate(clf, *others)
    assert before.calibration_error > 0.12
    assert after.calibration_error < before.calibration_error / 2
    assert np.array_equal(clf.predict(others[0]), best)


def test_numbers_as_labels_are_judged_as_the_classes_they_are() -> None:
    # classes are in the order of numbers, 2 before 10, not in that of strings
    words = _made_up(12, 6, 1)
    texts, labels = (
        [f"{word} {word}" for word in words for _ in range(8)],
        [n for n in range(12) for _ in range(8)],
    )
    clf = _make("tfidf", reject=tg.AtRisk(0.1)).fit(texts, labels, valid=(texts, labels))
    assert clf.held_out_.correct.all()
    assert clf.threshold_.value == -np.inf
    assert clf.belief_.error_before is not None
    clf.set_rejection(tg.AtRisk(0.1), valid=(texts, labels))
    assert clf.held_out_.correct.all()


def test_what_cannot_be_shown_rejects_everything(tmp_path: Path) -> None:
    texts, labels = _corpus(60)
    wrong = list(np.random.default_rng(0).permutation(labels))
    clf = _make("tfidf", reject=tg.AtRisk(0.05)).fit(texts, wrong)
    assert clf.threshold_.value == np.inf
    assert set(clf.predict(texts)) == {tg.REJECTED}
    assert clf.explain(texts[0]).threshold is None
    assert "Every text is rejected" in clf.rejection_sentences()[0]
    found = tg.evaluate(clf, texts, labels)
    assert (found.coverage, found.risk, found.threshold) == (0.0, None, None)
    clf.save(tmp_path / "a.model")
    assert load(tmp_path / "a.model").threshold_ == clf.threshold_


# ── the same again ──────────────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_model(name: str) -> None:
    rows = _corpus(40)
    a, b = (_make(name, reject=tg.AtCoverage(0.9), holdout=0.2, seed=5).fit(*rows) for _ in range(2))
    assert a.threshold_ == b.threshold_
    _assert_same_answers(a, b, _corpus(10, seed=2)[0])


def test_the_same_seed_gives_the_same_model_with_many_classes(costly: str, tickets: Any) -> None:
    name = costly
    texts, labels = tickets.in_scope
    first = _make(name, seed=5).fit(texts, labels)
    for _ in range(3):
        _assert_same_answers(first, _make(name, seed=5).fit(texts, labels), texts[:40])


def test_fitting_and_predicting_leave_the_global_random_state_alone(name: str) -> None:
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before, plain = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    _make(name, reject=tg.AtCoverage(0.9), holdout=0.3).fit(*_corpus(10)).predict(["apple"])
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert random.getstate() == plain


def test_fitting_changes_no_parameter_and_no_argument(name: str) -> None:
    texts, labels = _corpus(5)
    kept = list(texts), list(labels)
    clf = _make(name, reject=tg.AtCoverage(0.9))
    parameters = clf.get_params()
    assert clf.fit(texts, labels) is clf
    assert clf.get_params() == parameters
    assert (texts, labels) == kept


def test_fitting_again_forgets_the_first_time(name: str) -> None:
    clf = _make(name, oos_labels="oos").fit(["apple", "saw", "?", "plum"], ["a", "b", "oos", "a"])
    clf.fit(*_corpus(6))
    _assert_same_answers(clf, _make(name).fit(*_corpus(6)), ["apple", "saw", ""])
    assert len(clf.oos_confidence_) == 0


# ── saving ──────────────────────────────────────────────────────────────────────────

CORPORA = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=()), min_size=1, max_size=12),
        st.sampled_from(["a", "b", " c", 4, "é\u2028", "oos", None]),
    ),
    min_size=4,
    max_size=14,
)
RULES = st.sampled_from([None, tg.AtCoverage(0.6), tg.AtCoverage(0.95), tg.AtSimilarity(0.25)])


@given(CORPORA, RULES, st.text(st.characters(exclude_categories=()), max_size=12))
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_a_loaded_model_is_the_saved_one(
    name: str, tmp_path: Path, rows: list[tuple[str, Any]], rule: Any, query: str
) -> None:
    texts = [f"{text} word" for text, _ in rows] + ["apple", "saw"]
    labels = [label for _, label in rows] + ["a", "b"]
    clf = _make(name, "hashing:32", reject=rule, oos_labels=("oos",)).fit(texts, labels)
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    assert type(loaded) is type(clf)
    # a label that stands for itself comes back as text, and an encoder by its name
    assert loaded.get_params() == clf.get_params()
    assert loaded.threshold_ == clf.threshold_
    assert loaded.report_ == clf.report_
    assert loaded.rejection_sentences() == clf.rejection_sentences()
    assert list(loaded.classes_) == list(clf.classes_)
    asked = [query, *texts, ""]
    _assert_same_answers(clf, loaded, asked)
    assert np.array_equal(clf.similarities(asked), loaded.similarities(asked))
    for text in (query or " ", texts[0]):
        assert loaded.explain(text, k=4) == clf.explain(text, k=4)


def test_a_loaded_model_can_be_changed_saved_and_fitted_again(name: str, tmp_path: Path) -> None:
    texts = _corpus(10, seed=2)[0]
    clf = _make(name, HashingEncoder(64), reject=tg.AtCoverage(0.9), holdout=0.3).fit(*_corpus(30))
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    loaded.set_rejection(tg.AtCoverage(0.6))
    clf.set_rejection(tg.AtCoverage(0.6))
    assert loaded.threshold_ == clf.threshold_
    loaded.save(tmp_path / "a.model")
    _assert_same_answers(load(tmp_path / "a.model"), clf, texts)
    _assert_same_answers(clone(loaded).fit(*_corpus(30)), clone(clf).fit(*_corpus(30)), texts)


def test_parameters_changed_after_fit_do_not_spoil_what_is_saved(name: str, tmp_path: Path) -> None:
    texts = [*_corpus(10, seed=2)[0], " ".join(_corpus(8, seed=3)[0])]
    clf = _make(name).fit(*_corpus(20))
    as_fitted = clf.get_params()
    clf.save(tmp_path / "fitted.model")
    everywhere = {"encoder", "reject", "oos_labels", "holdout", "seed"}
    assert {*CHANGED[name]} == {*as_fitted} - everywhere
    learned_with = {key: value for key, value in CHANGED[name].items() if key not in clf.answers_with}
    clf.set_params(**learned_with, oos_labels=("x",), holdout=0.5, seed=9)
    clf.save(tmp_path / "a.model")
    loaded = load(tmp_path / "a.model")
    _assert_same_answers(load(tmp_path / "fitted.model"), loaded, texts)
    assert loaded.explain(texts[0]) == load(tmp_path / "fitted.model").explain(texts[0])
    told = {key: value for key, value in loaded.get_params().items() if key not in ("encoder", "oos_labels")}
    assert told == {key: as_fitted[key] for key in told}


def test_parameters_that_answering_reads_can_be_changed_and_saved(name: str, tmp_path: Path) -> None:
    clf, asked = _make(name).fit(*_corpus(20)), ["apple hammer crow plum"]
    if not clf.answers_with:
        return
    before = clf.predict_scores(asked)
    clf.set_params(**{key: CHANGED[name][key] for key in clf.answers_with})
    after = clf.predict_scores(asked)
    assert not np.array_equal(before.by_class, after.by_class) or before.confidence != after.confidence
    for _ in range(2):
        clf.save(tmp_path / "a.model")
        loaded = load(tmp_path / "a.model")
        _assert_same_answers(clf, loaded, asked)
        clf = loaded


def test_an_encoder_of_other_weights_is_refused(name: str, tmp_path: Path) -> None:
    clf = _make(name, "hashing:32").fit(*_corpus(3))
    clf.save(tmp_path / "a.model")
    if clf.encoder_ is None:
        return
    with pytest.raises(WeightsError, match="not the one the model was fitted with"):
        load(tmp_path / "a.model", encoder=HashingEncoder(64))
    same = tg.load_encoder(tiny_encoder[0]) if name in READS_TOKENS else HashingEncoder(32)
    _assert_same_answers(load(tmp_path / "a.model", encoder=same), clf, ["apple"])


def test_an_odd_rule_survives_saving(name: str, tmp_path: Path) -> None:
    for rule in (tg.AtCoverage(0.99999999), tg.AtSimilarity(1 / 3)):
        clf = _make(name, reject=rule).fit(*_corpus(3))
        clf.save(tmp_path / "a.model")
        loaded = load(tmp_path / "a.model")
        assert loaded.reject == rule
        assert loaded.threshold_ == clf.threshold_


@pytest.mark.parametrize("parameter", ["C", "temperature"])
def test_a_parameter_that_can_be_fitted_can_be_saved(name: str, tmp_path: Path, parameter: str) -> None:
    if parameter not in _make(name).get_params():
        return
    clf = _make(name, **{parameter: np.inf})
    try:
        clf.fit(*_corpus(4))
    except ParameterError:
        return
    clf.save(tmp_path / "a.model")
    _assert_same_answers(load(tmp_path / "a.model"), clf, ["apple"])


def test_parameters_may_be_numpy_numbers(name: str, tmp_path: Path) -> None:
    own = {"knn": {"k": np.int64(3)}, "linear": {"C": np.float64(2)}, "tfidf": {"word_ngrams": np.int32(1)}}
    own["finetune"] = {"epochs": np.int64(2), "rate": np.float64(1e-3)}
    own["blend"] = {}
    own["pair"] = {"k": np.int64(3), "dropout": np.float64(0.1)}
    own["siamese"] = {"k": np.int64(3), "epochs": np.int64(2), "train_encoder": np.bool_(False)}
    own["ulmfit"] = {"epochs": np.int64(2), "rate": np.float64(1e-2), "gradual": np.bool_(False)}
    own["word-gru"] = own["transformer-gru"] = {"hidden": np.int64(8), "dropout": np.float64(0.1)}
    clf = _make(name, seed=np.int64(3), holdout=np.float64(0.2), **own[name]).fit(*_corpus(4))
    clf.save(tmp_path / "a.model")
    _assert_same_answers(load(tmp_path / "a.model"), clf, ["apple"])


def test_a_model_of_an_unknown_method_is_refused(tmp_path: Path) -> None:
    from textgraft.bundle import Bundle, write_bundle

    write_bundle(tmp_path / "a.model", Bundle({"method": "oracle"}, {}, {}))
    with pytest.raises(ModelFolderError, match="'oracle'"):
        load(tmp_path / "a.model")
    write_bundle(tmp_path / "a.model", Bundle({"method": "knn"}, {}, {}))
    with pytest.raises(ModelFolderError, match="damaged"):
        load(tmp_path / "a.model")
    with pytest.raises(ParameterError, match="'oracle'"):
        method_class("oracle")


def test_the_example_file_has_what_these_tests_take_from_it(tickets: Any) -> None:
    path = Path(__file__).parents[2] / "examples" / "support_tickets.csv"
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(tickets.texts) > 250
    assert len(set(tickets.labels)) == 11, "nine topics, oos, and no label"
