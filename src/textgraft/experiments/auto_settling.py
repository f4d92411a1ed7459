"""What is left of the budget goes to folds that the contenders were not yet judged on.

Dear rungs are judged on one fold while others wait, and on few rows one standard error is wide: a cheap rung
that is a point worse may lie within it. Once all rungs were tried, nothing waits any more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from textgraft.experiments.auto_choice import Tried
from textgraft.experiments.auto_climb import Climb
from textgraft.experiments.auto_rung import judged_fold
from textgraft.experiments.auto_standing import standing
from textgraft.experiments.ladder import Candidate


def settle(climb: Climb, ladder: Sequence[Candidate], tried: Sequence[Tried]) -> list[Tried]:
    """Judge the best and the cheapest within one standard error on more folds, as long as they are two.

    Time to learn either from all rows is left.
    """
    found = {one.name: one for one in tried}
    spent: set[str] = set()
    while climb.right and (candidate := _less_judged(climb, ladder, spent)) is not None:
        began, name = time.monotonic(), candidate.name
        right = climb.right[name]
        fold = int(climb.folds[np.isnan(right)].min())
        out = climb.folds == fold
        try:
            right[out] = judged_fold(climb, candidate, fold, out, climb.left - _reserve(climb, ladder))
        except Exception:
            # it stands as it was judged before
            spent.add(name)
            continue
        judged = ~np.isnan(right)
        found[name] = replace(
            found[name],
            accuracy=float(right[judged].mean()),
            folds=found[name].folds + 1,
            rows=int(judged.sum()),
            seconds=found[name].seconds + time.monotonic() - began,
        )
    return list(found.values())


def _less_judged(climb: Climb, ladder: Sequence[Candidate], spent: set[str]) -> Candidate | None:
    """Of the two contenders the one judged on fewer rows, if another fold of it fits into what is left."""
    now = standing(climb, ladder)
    if now.cheapest is now.best:
        return None
    # of as many rows the cheaper one
    candidate = min((now.cheapest, now.best), key=lambda one: int((~np.isnan(climb.right[one.name])).sum()))
    done = candidate.name in climb.kept or not np.isnan(climb.right[candidate.name]).any()
    if done or candidate.name in spent:
        return None
    seconds = climb.refit_seconds[candidate.name] / climb.refits
    return candidate if climb.left - _reserve(climb, ladder) > seconds else None


def _reserve(climb: Climb, ladder: Sequence[Candidate]) -> float:
    """Seconds that learning either contender from all rows will take."""
    now = standing(climb, ladder)
    return max(climb.refit_seconds[one.name] for one in (now.cheapest, now.best))
