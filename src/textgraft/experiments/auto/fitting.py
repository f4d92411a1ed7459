"""``fit -m auto``: climb from cheap methods to dear ones within a budget, and keep what is worth it.

Every method is judged by cross-validation on the training rows alone, on the same folds. Of those
within one standard error of the best, the cheapest is kept (Breiman, Friedman, Olshen and Stone,
"Classification and Regression Trees", 1984, section 3.4.3), or a blend where it is affordable.
What is left of the budget narrows that error. The chosen one is learned again from all rows, unless there was
only time to learn it once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from textgraft.core.durations import parse_duration
from textgraft.core.examples import check_examples
from textgraft.core.progress import Watch, unwatched
from textgraft.core.rules import Rule
from textgraft.core.splits import fold_numbers
from textgraft.core.thresholds import check_enough_rows
from textgraft.encoders import Encoder
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.auto.choice import FOLDS, AutoChoice, Tried
from textgraft.experiments.auto.climb import Climb
from textgraft.experiments.auto.rung import tried_rung
from textgraft.experiments.auto.settling import settle
from textgraft.experiments.auto.standing import standing
from textgraft.experiments.ladder import LADDER, Candidate
from textgraft.methods.base import TextClassifier
from textgraft.methods.rejection.calibration import CROSS_FIT_FOLDS, plan_calibration


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
    choice, kept = choose(
        texts,
        labels,
        budget=seconds,
        reject=reject,
        oos_labels=oos_labels,
        valid=valid,
        seed=seed,
        ladder=rungs,
        watch=watch,
    )
    if kept is not None:
        return kept, choice
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
    valid: tuple[Sequence[object], Sequence[object]] | None = None,
    seed: int = 0,
    ladder: Sequence[Candidate] = LADDER,
    watch: Watch = unwatched,
) -> tuple[AutoChoice, TextClassifier | None]:
    """Climb a ladder within a budget, as :func:`fit_auto`.

    Returns:
        What was chosen, and the classifier where it need not be learned again.
    """
    began = time.monotonic()
    if not budget > 0:
        raise ParameterError(f"Expected a budget above 0 seconds, found {budget!r}.")
    examples = check_examples(texts, labels, oos_labels)
    classes, codes = examples.coded()
    calibration = plan_calibration(reject, codes, "auto", seed, valid is not None)
    if valid is None:
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
        climb = Climb(
            examples=examples,
            texts=np.array(examples.texts, dtype=object),
            labels=np.array(examples.labels, dtype=object),
            codes=codes,
            folds=folds,
            n_classes=len(classes),
            began=began,
            budget=budget,
            refits=(1 + again) * FOLDS / (FOLDS - 1),
            seed=seed,
            vectors=Path(folder),
            watch=watch,
            reject=reject,
            oos_labels=tuple(oos_labels),
            valid=valid,
        )
        climbed = [tried_rung(climb, candidate, last=candidate is ladder[-1]) for candidate in ladder]
        tried = settle(climb, ladder, climbed)
    choice = _choice(climb, ladder, tried)
    return choice, climb.kept.get(choice.chosen)


def _choice(climb: Climb, ladder: Sequence[Candidate], tried: Sequence[Tried]) -> AutoChoice:
    """The cheapest within one standard error of the best."""
    if not climb.right:
        raise DataError(f"No method could be judged: {tried[0].name}: {tried[0].skipped}.")
    now = standing(climb, ladder)
    return AutoChoice(
        chosen=now.chosen.name,
        cheapest=now.cheapest.name,
        method=now.chosen.method,
        parameters={name: str(value) for name, value in now.chosen.parameters.items()},
        best=now.best.name,
        standard_error=now.standard_error,
        budget=climb.budget,
        seconds=time.monotonic() - climb.began,
        tried=tuple(
            replace(one, beside_best=now.compared[one.name]) if one.name in now.compared else one
            for one in tried
        ),
    )


def _with_encoder(candidate: Candidate, encoder: str | Encoder | None) -> Candidate:
    if encoder is None or not candidate.takes_encoder:
        return candidate
    return Candidate(candidate.name, candidate.method, {**candidate.parameters, "encoder": encoder})
