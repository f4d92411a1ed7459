"""``fit -m auto``: climb from cheap methods to dear ones within a budget, and keep what is worth it.

Every method is judged by cross-validation on the training rows alone, on the same folds. Of those
within one standard error of the best, the cheapest is kept (Breiman, Friedman, Olshen and Stone,
"Classification and Regression Trees", 1984, section 3.4.3), and learned again from all rows.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.core.durations import duration_words, parse_duration
from textgraft.core.examples import check_examples
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.core.rules import Rule
from textgraft.core.splits import fold_numbers
from textgraft.core.thresholds import check_enough_rows
from textgraft.encoders import CachedEncoder, Encoder, as_encoder
from textgraft.errors import DataError, ParameterError, TextgraftError
from textgraft.experiments.auto_steps import (
    TRIAL_SHARE,
    Deadline,
    OutOfTime,
    pace_of_trial,
    trial_rows,
    work,
)
from textgraft.experiments.cell_server import reason
from textgraft.experiments.ladder import LADDER, Candidate
from textgraft.experiments.tables import as_json, percent
from textgraft.methods.base import TextClassifier
from textgraft.methods.calibration import CROSS_FIT_FOLDS, plan_calibration

FOLDS = 5


@dataclass(frozen=True)
class Tried:
    """One rung of the ladder.

    Attributes:
        name: the candidate's.
        accuracy: of the rows judged, none of which it had learned; ``None`` when skipped.
        folds: judged; fewer than all when the budget did not allow more.
        rows: judged.
        seconds: spent on it.
        beside_best: its accuracy less that of the best, on the rows that both were judged on.
        skipped: why it was not judged.
    """

    name: str
    accuracy: float | None
    folds: int
    rows: int
    seconds: float
    beside_best: float | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class AutoChoice:
    """What was chosen, and why.

    Attributes:
        chosen: the candidate's name.
        method, parameters: what it is.
        best: the candidate of the highest accuracy.
        standard_error: of the best's accuracy, on the rows that both were judged on.
        budget, seconds: given, and spent on choosing.
        tried: every rung, in order.
    """

    chosen: str
    method: str
    parameters: dict[str, Any]
    best: str
    standard_error: float
    budget: float
    seconds: float
    tried: tuple[Tried, ...]

    def sentences(self) -> list[str]:
        """Every rung on a line, and why the chosen one was."""
        width = max(len(one.name) for one in self.tried)
        lines = [f"  {one.name:<{width}}  {_rung_words(one)}" for one in self.tried]
        spent = f"{duration_words(self.seconds)} of {duration_words(self.budget)}"
        return [f"Tried on the training rows, in {spent}:", *lines, self.why]

    @property
    def why(self) -> str:
        """The choice in one sentence."""
        if self.chosen == self.best:
            return f"Chosen: {self.chosen}, the best; nothing cheaper is within one standard error of it."
        (one,) = (one for one in self.tried if one.name == self.chosen)
        return (
            f"Chosen: {self.chosen}, the cheapest within one standard error "
            f"({100 * self.standard_error:.1f} points) of the best, {self.best}: "
            f"{100 * (one.beside_best or 0.0):+.1f} points on the same rows.".replace("-", "−")
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return as_json(self)


@dataclass
class _Climb:
    """What is known while climbing.

    Attributes:
        texts, codes, folds, n_classes: the training rows.
        unlabelled: texts that a method may learn from besides.
        ends: of the budget, on the monotonic clock.
        refits: how many times as long as a fold the last learning takes.
        vectors: where vectors are kept when the user has no cache.
    """

    texts: np.ndarray
    labels: np.ndarray
    codes: np.ndarray
    folds: np.ndarray
    n_classes: int
    unlabelled: tuple[str, ...]
    began: float
    budget: float
    refits: float
    seed: int
    vectors: Path
    watch: Watch
    right: dict[str, np.ndarray] = field(default_factory=dict)
    encoders: dict[Any, Encoder] = field(default_factory=dict)
    refit_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def left(self) -> float:
        return self.began + self.budget - time.monotonic()

    @property
    def reserve(self) -> float:
        """Seconds that learning the leader again will take."""
        return self.refit_seconds[self.leader()] if self.right else 0.0

    def leader(self) -> str:
        """The best so far; two are compared on the rows that both were judged on."""
        names = list(self.right)
        best = names[0]
        for name in names[1:]:
            if beside(self.right, name, best)[0] > 0:
                best = name
        return best


def fit_auto(
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    budget: float | str = 600.0,
    encoder: str | Encoder | None = None,
    reject: Rule | None = None,
    oos_labels: Collection[str] = (),
    valid: tuple[Sequence[object], Sequence[object]] | None = None,
    seed: int = 0,
    ladder: Sequence[Candidate] = LADDER,
    watch: Watch = unwatched,
) -> tuple[TextClassifier, AutoChoice]:
    """Choose a method on the training rows within a budget of time, and learn it from all of them.

    Args:
        texts, labels: as of :meth:`textgraft.TextClassifier.fit`.
        budget: seconds, or ``10m``, for choosing and learning together.
        encoder: for every rung that has one; each method's own by default.
        reject, oos_labels, valid, seed: as of the methods.
        ladder: what is tried, cheap ones first.
        watch: told of progress.

    Raises:
        ParameterError: a budget that is none.
        DataError: rows that cannot be learned from or judged.
    """
    seconds = parse_duration(budget) if isinstance(budget, str) else float(budget)
    rungs = [_with_encoder(one, encoder) for one in ladder]
    choice = choose(
        texts,
        labels,
        budget=seconds,
        reject=reject,
        oos_labels=oos_labels,
        has_valid=valid is not None,
        seed=seed,
        ladder=rungs,
        watch=watch,
    )
    (chosen,) = (one for one in rungs if one.name == choice.chosen)
    classifier = chosen.make(seed, reject=reject, oos_labels=tuple(oos_labels))
    return classifier.fit(texts, labels, valid=valid, watch=watch), choice


def choose(
    texts: Sequence[object],
    labels: Sequence[object],
    *,
    budget: float,
    reject: Rule | None = None,
    oos_labels: Collection[str] = (),
    has_valid: bool = False,
    seed: int = 0,
    ladder: Sequence[Candidate] = LADDER,
    watch: Watch = unwatched,
) -> AutoChoice:
    """Climb a ladder within a budget; see :func:`fit_auto`."""
    began = time.monotonic()
    if not budget > 0:
        raise ParameterError(f"Expected a budget above 0 seconds, found {budget!r}.")
    examples = check_examples(texts, labels, oos_labels)
    classes, codes = examples.coded()
    calibration = plan_calibration(reject, codes, "auto", seed, has_valid)
    if not has_valid:
        # what the last fit would refuse is refused before time is spent
        check_enough_rows(reject, calibration.n_rows(None) + len(examples.out_of_scope))
    folds = fold_numbers(codes, FOLDS, seed)
    if not (folds == 0).any():
        raise DataError(
            "Expected rows in classes of two or more, to learn from some and judge by others; found "
            f"{len(codes):,} rows of {len(classes):,} classes. Give more rows, or name a method."
        )
    again = CROSS_FIT_FOLDS - 1 if calibration.source == "cross-fit" else 0
    with tempfile.TemporaryDirectory(prefix="textgraft-auto-") as folder:
        climb = _Climb(
            texts=np.array(examples.texts, dtype=object),
            labels=np.array(examples.labels, dtype=object),
            codes=codes,
            folds=folds,
            n_classes=len(classes),
            unlabelled=examples.unlabelled,
            began=began,
            budget=budget,
            refits=(1 + again) * FOLDS / (FOLDS - 1),
            seed=seed,
            vectors=Path(folder),
            watch=watch,
        )
        tried = [_tried(climb, candidate) for candidate in ladder]
    return _choice(climb, ladder, tried)


def beside(right: Mapping[str, np.ndarray], one: str, other: str) -> tuple[float, float]:
    """One accuracy less another on the rows that both were judged on; and the other's standard error."""
    both = ~np.isnan(right[one]) & ~np.isnan(right[other])
    share = float(right[other][both].mean())
    return float(right[one][both].mean()) - share, math.sqrt(share * (1 - share) / both.sum())


def _tried(climb: _Climb, candidate: Candidate) -> Tried:
    """Climb one rung, if it fits into what is left."""
    began = time.monotonic()
    first = not climb.right
    right = np.full(len(climb.codes), np.nan)
    done, skipped = 0, None
    try:
        if not first and climb.left <= climb.reserve:
            raise _TooLong("the budget is spent")
        estimate = _fold_seconds(climb, candidate)
        # learning it again at the end, or the leader if that takes longer
        spare = climb.left - max(climb.refits * estimate, climb.reserve)
        n_folds = min(FOLDS, int(climb.folds.max()) + 1, math.floor(spare / max(estimate, 1e-9)))
        if n_folds < 1 and not first:
            needed = estimate * (1 + climb.refits)
            raise _TooLong(
                f"would take about {duration_words(needed)}, {duration_words(climb.left)} are left"
            )
        for fold in range(max(n_folds, 1)):
            out = climb.folds == fold
            right[out] = _fold(climb, candidate, fold, out, math.inf if first else climb.left - climb.reserve)
            done = fold + 1
    except OutOfTime:
        skipped = None if done else "did not end in time"
    except Exception as error:
        # a rung that breaks is no reason to leave the ladder
        skipped = None if done else reason(error)
    seconds = time.monotonic() - began
    judged = ~np.isnan(right)
    if skipped is not None or not done:
        return Tried(candidate.name, None, 0, 0, seconds, skipped=skipped or "nothing could be judged")
    climb.right[candidate.name] = right
    climb.refit_seconds[candidate.name] = seconds / done * climb.refits
    return Tried(candidate.name, float(right[judged].mean()), done, int(judged.sum()), seconds)


class _TooLong(TextgraftError):
    """A rung does not fit into what is left of the budget."""


def _fold_seconds(climb: _Climb, candidate: Candidate) -> float:
    """What judging one fold will take, reckoned from a trial on a few rows."""
    climb.watch(Progress(f"trying {candidate.name}", 0, 1))
    rows = trial_rows(climb.codes, climb.seed)
    classifier = _made(climb, candidate)
    most_seconds = max(TRIAL_SHARE * climb.budget, 1.0)
    pace = pace_of_trial(classifier, list(climb.texts[rows]), list(climb.labels[rows]), most_seconds)
    learns = climb.folds != 0
    return pace.seconds(sum(work(classifier, list(climb.texts[learns]), climb.n_classes)))


def _fold(climb: _Climb, candidate: Candidate, fold: int, out: np.ndarray, seconds: float) -> np.ndarray:
    """Whether each row of a fold is answered rightly by a classifier that learned the others."""
    climb.watch(Progress(f"judging {candidate.name}", fold, FOLDS))
    deadline = Deadline(time.monotonic() + seconds, climb.watch)
    texts = [*climb.texts[~out], *climb.unlabelled]
    labels = [*climb.labels[~out], *[None] * len(climb.unlabelled)]
    classifier = _made(climb, candidate).fit(texts, labels, watch=deadline)
    return np.asarray(classifier.predict(list(climb.texts[out]), deadline) == climb.labels[out], dtype=float)


def _made(climb: _Climb, candidate: Candidate) -> TextClassifier:
    """An unfitted classifier whose encoder, if it reads vectors, has encoded all rows."""
    classifier = candidate.make(climb.seed)
    if not candidate.takes_encoder or classifier.reads != "vectors":
        return classifier
    name = classifier.get_params(deep=False)["encoder"]
    if name not in climb.encoders:
        climb.encoders[name] = _encoded(climb, as_encoder(name))
    classifier.set_params(encoder=climb.encoders[name])
    return classifier


def _encoded(climb: _Climb, encoder: Encoder) -> Encoder:
    """The encoder in front of a cache that has the vectors of all rows."""
    kept = encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder, climb.vectors)
    some = list(climb.texts[trial_rows(climb.codes, climb.seed)])
    kept.encode(some[:1])
    began = time.monotonic()
    kept.encode(some)
    pace = (time.monotonic() - began) / sum(map(len, some))
    needed = pace * sum(map(len, climb.texts))
    if needed > climb.left - climb.reserve:
        raise _TooLong(
            f"encoding would take about {duration_words(needed)}, {duration_words(climb.left)} are left"
        )
    deadline = Deadline(time.monotonic() + climb.left - climb.reserve, climb.watch)
    kept.encode(list(climb.texts), deadline)
    return kept


def _choice(climb: _Climb, ladder: Sequence[Candidate], tried: Sequence[Tried]) -> AutoChoice:
    """The cheapest within one standard error of the best."""
    if not climb.right:
        raise DataError(f"No method could be judged: {tried[0].name}: {tried[0].skipped}.")
    best = climb.leader()
    compared = {name: beside(climb.right, name, best) for name in climb.right}
    chosen = next(one for one in ladder if one.name in compared and _alike(*compared[one.name]))
    return AutoChoice(
        chosen=chosen.name,
        method=chosen.method,
        parameters={name: str(value) for name, value in chosen.parameters.items()},
        best=best,
        standard_error=compared[chosen.name][1],
        budget=climb.budget,
        seconds=time.monotonic() - climb.began,
        tried=tuple(
            replace(one, beside_best=compared[one.name][0]) if one.name in compared else one for one in tried
        ),
    )


def _alike(behind: float, standard_error: float) -> bool:
    return behind >= -standard_error


def _with_encoder(candidate: Candidate, encoder: str | Encoder | None) -> Candidate:
    if encoder is None or not candidate.takes_encoder:
        return candidate
    return Candidate(candidate.name, candidate.method, {**candidate.parameters, "encoder": encoder})


def _rung_words(one: Tried) -> str:
    if one.skipped is not None:
        return f"skipped: {one.skipped}"
    folds = "" if one.folds == FOLDS else f", {one.folds} of {FOLDS} folds"
    return f"{percent(one.accuracy)} of {one.rows:,} rows{folds}, {duration_words(one.seconds)}"
