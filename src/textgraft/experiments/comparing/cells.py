"""One cell of a comparison: a classifier is learned, answers, and what that cost is measured."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textgraft.core.progress import Watch, unwatched
from textgraft.encoders import Encoder, as_encoder
from textgraft.experiments.ladder import Candidate
from textgraft.methods.base import TextClassifier

TIMED_ALONE = 20
"""Texts predicted one at a time; their median is steady enough to compare methods by."""

TIMED_TOGETHER = 100
"""Texts that encoding and predicting in bulk are timed on."""


@dataclass(frozen=True)
class Measured:
    """What one classifier did.

    Attributes:
        predicted: (m,) labels, none rejected.
        seconds: to learn, encoding included.
        ms_alone: milliseconds a text, one at a time; the median.
        ms_in_bulk: milliseconds a text, many at once.
        megabytes: of the saved model; an encoder's own weights are not in it.
    """

    predicted: list[str]
    seconds: float
    ms_alone: float
    ms_in_bulk: float
    megabytes: float


def measure(
    candidate: Candidate,
    seed: int,
    learn: tuple[Sequence[str], Sequence[str | None]],
    score: Sequence[str],
    watch: Watch = unwatched,
) -> Measured:
    """Learn from some rows, and predict others.

    Vectors may come from the cache, since encoding the same texts for every method would take most
    of the time. No time that is reported profits from it: what encoding takes is measured on some of
    the texts without the cache, and added for all.

    Args:
        candidate: what to learn.
        seed: of the method.
        learn: texts and labels; a text without a label is unlabelled.
        score: m texts to predict.
        watch: told of progress.
    """
    texts, labels = learn
    classifier = candidate.make(seed)
    encoding_seconds = 0.0
    if candidate.takes_encoder and classifier.reads == "vectors":
        encoder = as_encoder(candidate.parameters.get("encoder", classifier.get_params()["encoder"]))
        classifier.set_params(encoder=encoder)
        labelled = [text for text, label in zip(texts, labels, strict=True) if label is not None]
        encoder.encode(labelled, watch)
        encoding_seconds = _encoding_seconds(encoder, labelled, seed)
    began = time.perf_counter()
    classifier.fit(texts, labels, watch=watch)
    seconds = time.perf_counter() - began + encoding_seconds
    predicted = [str(label) for label in classifier.predict(score, watch)]
    alone, in_bulk = _predicting_ms(classifier, score, seed)
    return Measured(predicted, seconds, alone, in_bulk, saved_megabytes(classifier))


def saved_megabytes(classifier: TextClassifier) -> float:
    """Millions of bytes that the saved model takes."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cell.model"
        classifier.save(place)
        return sum(path.stat().st_size for path in place.iterdir()) / 1e6


def _uncached(encoder: Encoder) -> Encoder:
    inner: Encoder = getattr(encoder, "inner", encoder)
    return inner


def _encoding_seconds(encoder: Encoder, texts: Sequence[str], seed: int) -> float:
    """What encoding the texts takes without a cache, measured on some and scaled to all."""
    some, bare = _some(texts, TIMED_TOGETHER, seed), _uncached(encoder)
    # opening the weights is no work on texts
    bare.encode(some[:1])
    began = time.perf_counter()
    bare.encode(some)
    return (time.perf_counter() - began) / len(some) * len(texts)


def _predicting_ms(classifier: TextClassifier, texts: Sequence[str], seed: int) -> tuple[float, float]:
    """Milliseconds a text, one at a time and many at once, without a cache of vectors."""
    bare = copy.copy(classifier)
    if bare.encoder_ is not None:
        bare.encoder_ = _uncached(bare.encoder_)
    some = _some(texts, TIMED_TOGETHER, seed)
    bare.predict(some[:1])
    alone = [_seconds(bare, [text]) for text in some[:TIMED_ALONE]]
    return 1e3 * statistics.median(alone), 1e3 * _seconds(bare, some) / len(some)


def _seconds(classifier: TextClassifier, texts: list[str]) -> float:
    began = time.perf_counter()
    classifier.predict(texts)
    return time.perf_counter() - began


def _some(texts: Sequence[str], most: int, seed: int) -> list[str]:
    """At most so many of the texts, in an order drawn with ``seed``."""
    order = np.random.default_rng(seed).permutation(len(texts))[:most]
    return [texts[row] for row in order]
