"""What is left of the budget goes to folds that the contenders were not yet judged on.

Dear rungs are judged on one fold while others wait, and on few rows one standard error is wide: a rung that
is a point worse than the best may lie within it, and one that is a point better may lie behind. Once all
rungs were tried, nothing waits any more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from textgraft.experiments.auto.choice import Tried
from textgraft.experiments.auto.climb import Climb, of_both
from textgraft.experiments.auto.rung import judged_fold
from textgraft.experiments.ladder import Candidate


def settle(climb: Climb, ladder: Sequence[Candidate], tried: Sequence[Tried]) -> list[Tried]:
    """Judge the best, and those within one standard error of it, on more folds.

    Time to learn any of them from all rows is left.
    """
    found = {one.name: one for one in tried}
    candidates = {one.name: one for one in ladder}
    broken: set[str] = set()
    while (step := _next(climb, broken)) is not None:
        name, seconds = step
        began, fold = time.monotonic(), int(_unjudged(climb, name).min())
        right, out = climb.right[name], climb.folds == fold
        try:
            right[out] = judged_fold(climb, candidates[name], fold, out, seconds)
        except Exception:
            # it stands as it was judged before
            broken.add(name)
            continue
        found[name] = replace(
            found[name],
            accuracy=float(np.nanmean(right)),
            folds=found[name].folds + 1,
            rows=_n_judged(climb, name),
            seconds=found[name].seconds + time.monotonic() - began,
        )
    return list(found.values())


def _next(climb: Climb, broken: set[str]) -> tuple[str, float] | None:
    """Who is judged on one more fold, and in how many seconds.

    Of the best, and the rival that was compared with it on the fewest rows, the one that was judged on fewer.
    """
    if not climb.right:
        return None
    best = climb.leader()
    rivals = [name for name in climb.contenders() if name != best]
    spare = climb.left - climb.reserve
    # of those that are compared as little the cheaper one
    for rival in sorted(rivals, key=lambda name: int(of_both(climb.right, name, best).sum())):
        behind = _n_judged(climb, best) - _n_judged(climb, rival)
        name = rival if behind >= 0 else best
        # a fold that only one of them is judged on tells nothing
        needs = {rival, best} if behind == 0 else {name}
        able = not needs & (broken | climb.kept.keys()) and all(len(_unjudged(climb, one)) for one in needs)
        if able and sum(climb.refit_seconds[one] / climb.refits for one in needs) < spare:
            return name, spare
    return None


def _n_judged(climb: Climb, name: str) -> int:
    return int((~np.isnan(climb.right[name])).sum())


def _unjudged(climb: Climb, name: str) -> np.ndarray:
    """Of rows that a rung was not judged on, the folds; the row of a class of one is in none."""
    folds = climb.folds[np.isnan(climb.right[name])]
    return np.asarray(folds[folds >= 0])
