"""Word and character n-grams with a linear classifier: the rung every other must beat.

Term weighting: Spärck Jones, 1972. One-versus-rest logistic regression solved in the dual
(Yu, Huang and Lin, "Dual Coordinate Descent Methods for Logistic Regression", 2011), which
is fast on sparse rows. With few classes, terms that tell one from the others weigh more
(:mod:`textgraft.methods.term_ratios`). Needs no pretrained weights.
Confidence is the winning class's own probability, before normalising over classes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

from textgraft.bundle import Bundle
from textgraft.core.progress import Progress, Watch
from textgraft.core.rules import Rule
from textgraft.core.scores import Scores, scores_from_dense
from textgraft.encoders import Encoder
from textgraft.methods.base import TextClassifier
from textgraft.methods.faults import is_count
from textgraft.methods.lesson import Features, Lesson
from textgraft.methods.limits import check_class_count
from textgraft.methods.probe import constant_logit
from textgraft.methods.term_ratios import presence, term_ratios, weighed

WORD = re.compile(r"\b\w+\b")

MOST_CLASSES_TOLD_APART = 12
"""Up to so many classes, terms are weighed by how they tell a class from the others. With more, where each
class has a small share of the texts, that hurt."""

TERM_WEIGHTS = ("auto", "idf", "naive-bayes")


@dataclass(frozen=True)
class Ngrams:
    """Vectorisers with their weights, and the training rows as evidence.

    Attributes:
        words: fitted ``TfidfVectorizer``.
        characters: the same, or ``None`` where no characters are read.
        weight: (c, f) float16-rounded float32; stored in half the space, used as it is stored.
        bias: (c,) float32.
        evidence: (n, f) sparse rows of length 1.
    """

    words: Any
    characters: Any
    weight: np.ndarray
    bias: np.ndarray
    evidence: sp.csr_array


@final
class TfidfClassifier(TextClassifier):
    """Logistic regression on tf-idf of word and character n-grams.

    Args:
        C: inverse strength of the L2 penalty; larger fits the training rows closer.
        word_ngrams: longest run of words that is a feature.
        char_ngrams: longest run of characters within a word that is a feature; 0 reads words alone.
        max_features: keep at most so many word and so many character features, the most frequent.
        term_weights: ``idf``, by how few texts have a term; ``naive-bayes``, by how it tells a class from the
            others besides; ``auto``: the second up to 12 classes.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-out and the solver.
    """

    method = "tfidf"
    reads = "texts"

    def __init__(
        self,
        *,
        C: float = 30.0,
        word_ngrams: int = 2,
        char_ngrams: int = 5,
        max_features: int = 100_000,
        term_weights: str = "auto",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.C = C
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.max_features = max_features
        self.term_weights = term_weights
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults = []
        if not isinstance(self.C, int | float) or not 0 < self.C < np.inf:
            faults.append(f"C must be a number above 0, found {self.C!r}")
        for name in ("word_ngrams", "max_features"):
            if not is_count(value := getattr(self, name), 1):
                faults.append(f"{name} must be a whole number from 1, found {value!r}")
        if not is_count(self.char_ngrams, 0) or self.char_ngrams == 1:
            faults.append(f"char_ngrams must be 0 or a whole number from 2, found {self.char_ngrams!r}")
        if self.term_weights not in TERM_WEIGHTS:
            known = ", ".join(TERM_WEIGHTS)
            faults.append(f"term_weights must be one of {known}, found {self.term_weights!r}")
        return faults

    def _open_encoder(self) -> Encoder | None:
        return None

    def _learn(self, lesson: Lesson, watch: Watch) -> Ngrams:
        check_class_count(self.method, lesson.n_classes)
        texts = list(lesson.features)
        # texts of emoji or punctuation alone have no word; a vocabulary must have one
        nothing = None if any(word_features(text, 1) for text in texts) else ["\0"]
        words, characters = self._vectorizers(nothing, None)
        rows = _joined([of.fit_transform(texts) for of in (words, characters) if of is not None])
        weight, bias = self._one_versus_rest(rows, lesson, watch)
        return Ngrams(words, characters, weight.astype(np.float16).astype(np.float32), bias, rows)

    def _one_versus_rest(
        self, rows: sp.csr_array, lesson: Lesson, watch: Watch
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights (c, f) and biases (c,), float32, of rows (n, f)."""
        from sklearn.linear_model import LogisticRegression

        n_classes, codes = lesson.n_classes, lesson.codes
        weight = np.empty((n_classes, rows.shape[1]), dtype=np.float32)
        bias = np.empty(n_classes, dtype=np.float32)
        present = presence(rows) if self._tells_apart(n_classes) else None
        # one after the other: the solver's random numbers come from a generator that threads would share
        for code in range(n_classes):
            # a finer tolerance takes twice the time and moves no decision
            model = LogisticRegression(
                C=self.C, solver="liblinear", dual=True, tol=1e-2, max_iter=1_000, random_state=self.seed
            )
            has = codes[:, code] > 0 if codes.ndim == 2 else codes == code
            if not has.any() or has.all():
                weight[code], bias[code] = 0.0, constant_logit(int(has.sum()), len(has))
            elif present is None:
                model.fit(rows, has)
                weight[code], bias[code] = model.coef_[0], model.intercept_[0]
            else:
                ratios = term_ratios(present, has)
                model.fit(weighed(rows, ratios), has)
                # so that rows of tf-idf are answered as rows weighed by ratios would be
                weight[code], bias[code] = ratios * model.coef_[0], model.intercept_[0]
            watch(Progress("learning classes", code + 1, n_classes))
        return weight, bias

    def _tells_apart(self, n_classes: int) -> bool:
        if self.term_weights == "auto":
            return n_classes <= MOST_CLASSES_TOLD_APART
        return self.term_weights == "naive-bayes"

    def _score(self, learned: Ngrams, features: Features, n_classes: int) -> Scores:
        own = self._believe(learned, features)
        return scores_from_dense(own / own.sum(axis=1, keepdims=True), own.max(axis=1))

    def _believe(self, learned: Ngrams, features: Features) -> np.ndarray:
        logits = self._embed(learned, features) @ learned.weight.T + learned.bias
        return np.asarray(expit(logits.astype(np.float64)))

    def _embed(self, learned: Ngrams, features: Features) -> sp.csr_array:
        texts = list(features)
        vectorizers = (learned.words, learned.characters)
        return _joined([of.transform(texts) for of in vectorizers if of is not None])

    def _pack(self, learned: Ngrams) -> Bundle:
        rows = learned.evidence
        arrays = {
            "weight": learned.weight.astype(np.float16),
            "bias": learned.bias,
            "word_idf": learned.words.idf_,
            "evidence_data": rows.data,
            "evidence_indices": rows.indices,
            "evidence_indptr": rows.indptr,
        }
        texts = {"words": list(learned.words.get_feature_names_out())}
        if learned.characters is not None:
            arrays["char_idf"] = learned.characters.idf_
            texts["characters"] = list(learned.characters.get_feature_names_out())
        return Bundle({}, arrays, texts)

    def _unpack(self, packed: Bundle) -> Ngrams:
        arrays = packed.arrays
        words, characters = self._vectorizers(packed.texts["words"], packed.texts.get("characters"))
        words.idf_ = arrays["word_idf"]
        if characters is not None:
            characters.idf_ = arrays["char_idf"]
        parts = (arrays["evidence_data"], arrays["evidence_indices"], arrays["evidence_indptr"])
        shape = (len(parts[2]) - 1, arrays["weight"].shape[1])
        return Ngrams(
            words,
            characters,
            arrays["weight"].astype(np.float32),
            arrays["bias"],
            sp.csr_array(parts, shape=shape),
        )

    def _vectorizers(self, words: list[str] | None, characters: list[str] | None) -> tuple[Any, Any]:
        """Of words and of characters; ``None`` in place of the second where none are read."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        ours = TfidfVectorizer(
            analyzer=partial(word_features, longest=self.word_ngrams),
            sublinear_tf=True,
            max_features=self.max_features,
            vocabulary=words,
            dtype=np.float32,
        )
        if not self.char_ngrams:
            return ours, None
        return ours, TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(2, self.char_ngrams),
            sublinear_tf=True,
            max_features=self.max_features,
            vocabulary=characters,
            dtype=np.float32,
        )


def word_features(text: str, longest: int) -> list[str]:
    """Runs of up to ``longest`` words; a single letter counts in a run, but not alone.

    "i want" says something, "i" does not: in cross-validation single letters alone hurt few-shot
    sets, and runs without them hurt questions.
    """
    words = WORD.findall(text.lower())
    features = [word for word in words if len(word) > 1]
    for length in range(2, longest + 1):
        features += [" ".join(run) for run in zip(*(words[start:] for start in range(length)), strict=False)]
    return features


def _joined(blocks: list[Any]) -> sp.csr_array:
    """Blocks side by side, rows of length 1.

    Each block's rows have length 1 (or 0), so the whole has the root of how many are not empty.
    """
    both = sp.csr_array(sp.hstack(blocks, format="csr"))
    lengths = np.sqrt(both.multiply(both).sum(axis=1))
    scale = sp.dia_array((1.0 / np.where(lengths > 0, lengths, 1.0)[None, :], [0]), shape=(len(lengths),) * 2)
    return sp.csr_array((scale @ both).astype(np.float32))
