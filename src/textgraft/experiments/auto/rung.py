"""Climbing the ladder: each rung is reckoned first, judged on the same folds, and stopped in time."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from textgraft.core.durations import duration_words
from textgraft.core.examples import clean_label_set
from textgraft.core.progress import Progress
from textgraft.experiments.auto.choice import FOLDS, Tried
from textgraft.experiments.auto.climb import Climb, TooLong, made
from textgraft.experiments.auto.steps import (
    ROWS_LEARNED,
    TRIAL_SHARE,
    Deadline,
    OutOfTime,
    pace_of_trial,
    trial_rows,
    work,
)
from textgraft.experiments.comparing.cell_server import reason
from textgraft.experiments.ladder import Candidate

LEARNED_OF_FOLDS = (FOLDS - 1) / FOLDS
"""Of the rows, that judging one fold learns from."""

JUDGING_SHARE = 0.1
"""Of the budget, that judging one rung may take beyond its first fold while there are dearer ones above."""


def tried_rung(climb: Climb, candidate: Candidate, *, last: bool = True) -> Tried:
    """Climb one rung, if it fits into what is left.

    Where it is not the ``last``, it leaves time for dearer ones.
    """
    began = time.monotonic()
    first = not climb.right
    right = np.full(len(climb.codes), np.nan)
    done, skipped, once = 0, None, False
    try:
        if not first:
            if climb.left <= climb.reserve:
                raise TooLong("the budget is spent")
            climb.check_opening(candidate)
        estimate = _fold_seconds(climb, candidate)
        # learning it again at the end, or a contender if that takes longer
        spare = climb.left - max(climb.refits * estimate, climb.reserve)
        if not last:
            spare = min(spare, max(JUDGING_SHARE * climb.budget, estimate))
        n_folds = min(FOLDS, int(climb.folds.max()) + 1, math.floor(spare / max(estimate, 1e-9)))
        if n_folds < 1 and not first:
            once = candidate.trains and candidate.make(0).reads == "texts"
            folds = float((~climb.spared).mean()) / LEARNED_OF_FOLDS if once else 1 + climb.refits
            needed = folds * estimate
            if not once or climb.left < climb.reserve + needed:
                raise TooLong(f"would take about {duration_words(needed)}, {climb.left_words}")
        judging = time.monotonic()
        if once:
            right[climb.spared] = _once(climb, candidate)
            done = 1
        else:
            for fold in range(max(n_folds, 1)):
                out = climb.folds == fold
                seconds = math.inf if first else _most_seconds(climb, time.monotonic() - judging, done)
                right[out] = judged_fold(climb, candidate, fold, out, seconds)
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
    again = 0.0 if once else (time.monotonic() - judging) / done * climb.refits
    climb.refit_seconds[candidate.name] = again
    return Tried(candidate.name, float(right[judged].mean()), done, int(judged.sum()), seconds, kept=once)


def _fold_seconds(climb: Climb, candidate: Candidate) -> float:
    """What judging one fold will take, reckoned from a trial on a few rows."""
    climb.watch(Progress(f"trying {candidate.name}", 0, 1))
    rows = trial_rows(climb.codes, climb.seed, ROWS_LEARNED)
    learns = climb.folds != 0
    # as many epochs and as large batches as all rows will have
    classifier = made(climb, candidate).for_rows(int(learns.sum()))
    most_seconds = max(TRIAL_SHARE * climb.budget, 1.0)
    pace = pace_of_trial(classifier, list(climb.texts[rows]), list(climb.labels[rows]), most_seconds)
    return pace.seconds(sum(work(classifier, list(climb.texts[learns]), climb.n_classes)))


def _most_seconds(climb: Climb, spent: float, folds: int) -> float:
    """What the next fold may take, so that learning this rung or a contender from all rows still fits."""
    if not folds:
        return min(climb.left - climb.reserve, climb.left / (1 + climb.refits))
    return climb.left - max(climb.reserve, spent / folds * climb.refits)


def judged_fold(climb: Climb, candidate: Candidate, fold: int, out: np.ndarray, seconds: float) -> np.ndarray:
    """Whether each row of a fold is answered rightly by a classifier that learned the others.

    Raises:
        OutOfTime: that took longer than so many seconds.
    """
    climb.watch(Progress(f"judging {candidate.name}", fold, FOLDS))
    deadline = Deadline(time.monotonic() + seconds, climb.watch)
    unlabelled = climb.examples.unlabelled
    texts = [*climb.texts[~out], *unlabelled]
    labels = [*climb.labels[~out], *[None] * len(unlabelled)]
    classifier = made(climb, candidate).fit(texts, labels, watch=deadline)
    return np.asarray(classifier.predict(list(climb.texts[out]), deadline) == climb.labels[out], dtype=float)


def _once(climb: Climb, candidate: Candidate) -> np.ndarray:
    """Whether each row that was spared is answered rightly by a classifier that is kept as it is.

    For a rung too dear to be judged first and then learned again from all rows. What judged it also fits its
    rejection rule, unless the caller gave rows for that. The rule is then an estimate: given that the rung
    was the best on so few rows, it is luckier on them than on others. Half of the rows would promise, but
    choose and reject worse.
    """
    climb.watch(Progress(f"learning {candidate.name} once", 0, 1))
    deadline = Deadline(time.monotonic() + climb.left - climb.reserve, climb.watch)
    out, examples = climb.spared, climb.examples
    apart = [*examples.out_of_scope, *examples.unlabelled]
    outside = clean_label_set(climb.oos_labels)[:1] * len(examples.out_of_scope)
    classifier = candidate.make(climb.seed, reject=climb.reject, oos_labels=climb.oos_labels).fit(
        [*climb.texts[~out], *apart],
        [*climb.labels[~out], *outside, *[None] * len(examples.unlabelled)],
        valid=climb.valid or (list(climb.texts[out]), list(climb.labels[out])),
        watch=deadline,
    )
    classifier.report_ = examples.report
    if climb.valid is None:
        # nobody gave them; and since this rung is kept only if it does well on them, they promise nothing
        classifier.held_out_ = replace(classifier.held_out_, source="chose")
        classifier.belief_ = replace(classifier.belief_, source="chose")
        classifier.set_rejection(climb.reject)
    best = classifier.predict_scores(list(climb.texts[out]), deadline, most=1).best
    climb.kept[candidate.name] = classifier
    return np.asarray(classifier.classes_[best] == climb.labels[out], dtype=float)
