"""Comparisons for tests of what is said of them, without learning anything."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from textgraft.experiments.comparing.advising import Advice
from textgraft.experiments.comparing.comparison import Comparison, Gain, Standing
from textgraft.experiments.intervals import Interval

ROWS = {"8": 48, "64": 384, "all": 4_000}
REASON = "ParameterError: there is no folder '/nowhere'."


def comparison_of(
    methods: Sequence[str],
    sizes: Sequence[str] = ("8", "64", "all"),
    *,
    seeds: int = 3,
    failing: Sequence[str] = (),
    reason: str = REASON,
) -> Comparison:
    """Later methods are better and slower, and more labels help; ``failing`` ones have no score."""
    standings = []
    for place, size in enumerate(sizes):
        done = [method for method in methods if method not in failing]
        for number, method in enumerate(methods):
            if method in failing:
                standings.append(
                    Standing(method, size, ROWS[size], 0, *[None] * 9, failures=(reason,))  # type: ignore[arg-type]
                )
                continue
            value = 0.3 + 0.2 * place + 0.2 * number / len(methods)
            behind = Interval(-0.05, -0.08, -0.02)
            seconds = 0.05 * 3 ** (number % 6) * ROWS[size] / 48
            standings.append(
                Standing(
                    method, size, ROWS[size], seeds, Interval(value, value - 0.04, value + 0.03),
                    None if method == done[-1] else behind, value, value, seconds, 1.5, 0.2, 3.0, 200.0, (),
                )
            )  # fmt: skip
    scored = {(one.method, one.size): one for one in standings if one.score is not None}
    gain, doubling = Interval(0.2, 0.15, 0.25), Interval(0.06, 0.05, 0.07)
    gains = [
        Gain(method, fewer, more, ROWS[fewer], ROWS[more], gain, doubling)
        for method in methods
        for fewer, more in itertools.pairwise(sizes)
        if (method, fewer) in scored
    ]
    best = next((method for method in reversed(methods) if method not in failing), None)
    advice = [] if best is None else [Advice("method", "alone", f"Take `{best}`: it is ahead.")]
    return Comparison(
        metric="accuracy", rows=4_000, classes=6, scored=1_000, test=False, seeds=seeds,
        methods=tuple(methods), sizes=tuple(sizes), cells=(),
        standings=tuple(standings), gains=tuple(gains), advice=tuple(advice),
        notes=("3 rows repeat an earlier one.",), seconds=61.0,
    )  # fmt: skip
