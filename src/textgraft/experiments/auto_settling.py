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
    while climb.right:
        now = standing(climb, ladder)
        contenders = (now.cheapest, now.best)
        # the one judged on fewer rows; of as many the cheaper one
        candidate = min(contenders, key=lambda one: int((~np.isnan(climb.right[one.name])).sum()))
        name, right = candidate.name, climb.right[candidate.name]
        folds = climb.folds[np.flatnonzero(np.isnan(right))]
        # the row of a class of one is in none
        folds = folds[folds >= 0]
        if now.cheapest is now.best or name in climb.kept or not len(folds):
            break
        spare = climb.left - max(climb.wait_seconds[one.name] for one in contenders)
        if spare <= climb.refit_seconds[name] / climb.refits:
            break
        began, fold = time.monotonic(), int(folds.min())
        out = climb.folds == fold
        try:
            right[out] = judged_fold(climb, candidate, fold, out, spare)
        except Exception:
            # it stands as it was judged before
            break
        judged = ~np.isnan(right)
        found[name] = replace(
            found[name],
            accuracy=float(right[judged].mean()),
            folds=found[name].folds + 1,
            rows=int(judged.sum()),
            seconds=found[name].seconds + time.monotonic() - began,
        )
    return list(found.values())
