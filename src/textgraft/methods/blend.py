"""Several cheap methods as one: words and meaning make different mistakes.

Each part learns by itself; belief is pooled, weighed by rows that the parts had not learned from
(:mod:`textgraft.methods.opinion_pool`; Wolpert, "Stacked Generalization", 1992).

Confidence is the weighted mean of the parts' own, each as its place among those of the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, final

import numpy as np
import scipy.sparse as sp

from textgraft.bundle import Bundle, with_prefix, without_prefix
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.core.rules import Rule
from textgraft.core.scores import Scores, join_scores, scores_from_dense
from textgraft.encoders import Encoder, as_encoder
from textgraft.encoders.encoder import encoded
from textgraft.methods import method_class
from textgraft.methods.base import TextClassifier
from textgraft.methods.evidence import Matrix
from textgraft.methods.lesson import Features, Learned, Lesson
from textgraft.methods.multilabel import label_scores
from textgraft.methods.opinion_pool import fit_weights, opinions, placed, pooled
from textgraft.methods.rejection.calibration import FEWEST_ROWS_TO_SPARE, cross_fitted, plan_rows

PARTS = ("tfidf", "linear", "knn")
"""What can be a part: methods that learn in seconds, since each learns two times or more."""

JOINED = "+"

WEIGHINGS: dict[str, float | str] = {"auto": "auto", "hold-out": 0.1, "cross-fit": 0.0}
"""Share of the rows that weigh the parts without being learned from; 0 is cross-fitting."""


@dataclass(frozen=True)
class Read:
    """A text as the parts read it.

    Attributes:
        text: clean.
        vector: (d,) of the encoder; empty where no part reads vectors.
    """

    text: str
    vector: np.ndarray


@dataclass(frozen=True)
class Pool:
    """What the parts learned, and how they are weighed.

    Attributes:
        names: of the parts.
        parts: what each learned.
        weights: (p,) from 0.
        references: a part (h,), its sorted confidences of rows it had not learned from; perhaps none.
        n_rows: that the weights were fitted on.
    """

    names: tuple[str, ...]
    parts: tuple[Learned, ...]
    weights: np.ndarray
    references: tuple[np.ndarray, ...]
    n_rows: int

    @cached_property
    def evidence(self) -> Matrix:
        """The training texts as all parts see them, so that a cosine is the mean of theirs."""
        return side_by_side([part.evidence for part in self.parts])

    @property
    def notes(self) -> tuple[str, ...]:
        """How the parts are weighed, for a person."""
        weighed = ", ".join(
            f"{name} {weight:.2f}" for name, weight in zip(self.names, self.weights, strict=True)
        )
        if not self.n_rows:
            return (f"Weights of the parts: {weighed}; no rows could be spared to fit them.",)
        return (f"Weights of the parts, fitted on {self.n_rows:,} rows not learned from: {weighed}.",)


@final
class BlendClassifier(TextClassifier):
    """Several cheap methods as one, weighed by what each adds.

    Args:
        parts: two or more of ``tfidf``, ``linear``, ``knn``, joined by ``+``; each as it is by default.
        weighing: rows that weigh the parts: ``hold-out``, a tenth of them, for which each part learns twice;
            ``cross-fit``, all of them, for which it learns six times; ``auto``: the first from 1,000 rows on.
        encoder: of the parts that have one: a name (``minilm+lower``), a folder, a hub id, or an
            :class:`Encoder`.
        reject: a rejection rule, or ``None``.
        oos_labels: labels of out-of-scope rows, which are never a class.
        holdout: share of rows that a coverage rule is fitted on; ``auto`` or 0 to 0.5.
        seed: of the hold-outs and of the parts.
    """

    method = "blend"

    def __init__(
        self,
        parts: str = "tfidf+linear",
        *,
        weighing: str = "auto",
        encoder: str | Encoder = "minilm+lower",
        reject: Rule | None = None,
        oos_labels: Collection[str] = (),
        holdout: float | str = "auto",
        seed: int = 0,
    ) -> None:
        self.parts = parts
        self.weighing = weighing
        self.encoder = encoder
        self.reject = reject
        self.oos_labels = oos_labels
        self.holdout = holdout
        self.seed = seed

    def _faults(self) -> list[str]:
        faults, names = [], str(self.parts).split(JOINED)
        if not (len(set(names)) == len(names) > 1 and set(names) <= set(PARTS)):
            faults.append(
                f"parts must be two or more of {', '.join(PARTS)} joined by {JOINED}, found {self.parts!r}"
            )
        if self.weighing not in WEIGHINGS:
            faults.append(f"weighing must be one of {', '.join(WEIGHINGS)}, found {self.weighing!r}")
        return faults

    def _made(self, names: Sequence[str] = ()) -> list[TextClassifier]:
        """The parts, unfitted; those of other names if there are any."""
        known = {"seed": self.seed, "encoder": self.encoder}
        made = []
        for name in names or self.parts.split(JOINED):
            found = method_class(name)
            made.append(found(**{key: known[key] for key in found._get_param_names() if key in known}))
        return made

    def _open_encoder(self) -> Encoder | None:
        return as_encoder(self.encoder) if any(part.reads == "vectors" for part in self._made()) else None

    def _represent(self, encoder: Encoder | None, texts: Any, watch: Watch) -> Features:
        texts = list(texts)
        vectors = np.empty((len(texts), 0), np.float32) if encoder is None else encoded(encoder, texts, watch)
        both = np.empty(len(texts), dtype=object)
        both[:] = [Read(text, vector) for text, vector in zip(texts, vectors, strict=True)]
        return both

    def _learn(self, lesson: Lesson, watch: Watch) -> Pool:
        made = self._made()
        lessons = [_lesson_of(part, lesson) for part in made]
        # the same rows for every part, since all have the seed of this one
        apart = [self._judged_apart(part, own, watch) for part, own in zip(made, lessons, strict=True)]
        rows = apart[0][0]
        said = np.stack([opinions(scores.by_class, lesson.multilabel) for _, scores in apart])
        return Pool(
            names=tuple(part.method for part in made),
            parts=tuple(part._learn(own, watch) for part, own in zip(made, lessons, strict=True)),
            weights=fit_weights(said, lesson.codes[rows]),
            references=tuple(np.sort(scores.confidence) for _, scores in apart),
            n_rows=len(rows),
        )

    def _judged_apart(self, part: TextClassifier, lesson: Lesson, watch: Watch) -> tuple[np.ndarray, Scores]:
        """Rows by number, and what a part that has not learned from them believes."""
        score = partial(label_scores, part) if lesson.multilabel else part._score_any
        what = f"weighing {part.method}"
        plan = plan_rows(lesson.codes, WEIGHINGS[self.weighing], self.seed, False)
        if plan.source == "cross-fit":
            return cross_fitted(lesson, part._learn, score, self.seed, watch, what, lesson.n_classes)
        rows = np.flatnonzero(~plan.learns)
        watch(Progress(what, 0, 1))
        if not len(rows):
            return rows, join_scores([], lesson.n_classes)
        learned = part._learn(lesson.some(plan.learns), unwatched)
        watch(Progress(what, 1, 1))
        return rows, score(learned, lesson.features[rows], lesson.n_classes)

    def _score(self, learned: Pool, features: Features, n_classes: int) -> Scores:
        own = [
            part._score_any(of_part, some, n_classes) for part, of_part, some in self._each(learned, features)
        ]
        said = np.stack([opinions(scores.by_class, multilabel=False) for scores in own])
        places = [
            placed(scores.confidence, reference)
            for scores, reference in zip(own, learned.references, strict=True)
        ]
        confidence = np.average(places, axis=0, weights=learned.weights)
        return scores_from_dense(pooled(said, learned.weights, multilabel=False), confidence)

    def _believe(self, learned: Pool, features: Features) -> np.ndarray:
        said = [
            opinions(_believed(part, of_part, some), multilabel=True)
            for part, of_part, some in self._each(learned, features)
        ]
        return pooled(np.stack(said), learned.weights, multilabel=True)

    def _embed(self, learned: Pool, features: Features) -> Matrix:
        return side_by_side(
            [part._embed(of_part, some) for part, of_part, some in self._each(learned, features)]
        )

    def _each(self, learned: Pool, reads: Features) -> list[tuple[TextClassifier, Learned, Features]]:
        """Every part, what it learned, and the rows as it reads them."""
        return [
            (part, of_part, features_of(part, reads))
            for part, of_part in zip(self._made(learned.names), learned.parts, strict=True)
        ]

    def _numbers_for(self, n_rows: int) -> dict[str, Any]:
        usual = "hold-out" if n_rows >= FEWEST_ROWS_TO_SPARE else "cross-fit"
        return {"weighing": usual if self.weighing == "auto" else self.weighing}

    def _can_learn_outside(self, n: int, n_rows: int) -> bool:
        return any(part._can_learn_outside(n, n_rows) for part in self._made())

    def _pack(self, learned: Pool) -> Bundle:
        about: dict[str, Any] = {"n_rows": learned.n_rows, "parts": {}}
        arrays: dict[str, np.ndarray] = {"weights": learned.weights}
        texts: dict[str, list[str]] = {}
        for name, part, of_part, reference in zip(
            learned.names, self._made(), learned.parts, learned.references, strict=True
        ):
            packed = part._pack(of_part)
            about["parts"][name] = packed.about
            arrays |= with_prefix(f"{name}.", packed.arrays | {"reference": reference})
            texts |= with_prefix(f"{name}.", packed.texts)
        return Bundle(about, arrays, texts)

    def _unpack(self, packed: Bundle) -> Pool:
        parts, references = [], []
        for part in self._made():
            arrays, texts = (
                without_prefix(f"{part.method}.", named) for named in (packed.arrays, packed.texts)
            )
            references.append(arrays.pop("reference"))
            part.encoder_ = self.encoder_
            parts.append(part._unpack(Bundle(packed.about["parts"][part.method], arrays, texts)))
        return Pool(
            tuple(self.parts.split(JOINED)),
            tuple(parts),
            packed.arrays["weights"],
            tuple(references),
            packed.about["n_rows"],
        )


def side_by_side(blocks: list[Matrix]) -> Matrix:
    """Blocks (n, d₁), (n, d₂), … of rows of length 1 as rows of length 1."""
    scale = 1.0 / np.sqrt(len(blocks))
    if all(isinstance(block, np.ndarray) for block in blocks):
        return np.concatenate([scale * np.asarray(block, np.float32) for block in blocks], axis=1)
    # sparse rows know no float16
    kept = [block if sp.issparse(block) else np.asarray(block, np.float32) for block in blocks]
    return sp.csr_array(scale * sp.hstack([sp.csr_array(block) for block in kept], format="csr"))


def _believed(part: Any, learned: Learned, features: Features) -> np.ndarray:
    return np.asarray(part._believe(learned, features))


def features_of(part: TextClassifier, reads: np.ndarray) -> Features:
    """(n,) texts or (n, d) vectors of what was read, whichever a part wants."""
    if part.reads == "texts":
        return np.array([read.text for read in reads], dtype=object)
    return np.array([read.vector for read in reads], dtype=np.float32).reshape(
        len(reads), -1 if len(reads) else 0
    )


def _lesson_of(part: TextClassifier, lesson: Lesson) -> Lesson:
    return replace(
        lesson,
        features=features_of(part, lesson.features),
        outside=features_of(part, lesson.outside),
        encoder=lesson.encoder if part.reads == "vectors" else None,
    )
