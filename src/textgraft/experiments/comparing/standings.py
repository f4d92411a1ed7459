"""From cells to standings, gains and findings: all differences on the same rows and the same draws."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from textgraft.experiments.comparing.advising import ENOUGH, Findings, taken
from textgraft.experiments.comparing.comparison import Cell, Gain, Standing, best_of
from textgraft.experiments.intervals import Interval, Resampled

FASTER = 1.5
"""How many times less a method must take to learn to be called cheaper; timings vary."""

MEASURES = ("accuracy", "macro_f1", "seconds", "ms_alone", "ms_in_bulk", "megabytes")


def standings_of(
    cells: Sequence[Cell], resampled: Resampled, methods: Sequence[str], sizes: Sequence[str]
) -> tuple[Standing, ...]:
    """Size by size and method by method."""
    standings: list[Standing] = []
    for size in sizes:
        leader = _leader(resampled, methods, size)
        for method in methods:
            own = [cell for cell in cells if (cell.method, cell.size) == (method, size)]
            standings.append(_standing(method, size, own, resampled, leader))
    return tuple(standings)


def gains_of(
    standings: Sequence[Standing], resampled: Resampled, methods: Sequence[str], sizes: Sequence[str]
) -> tuple[Gain, ...]:
    """What each method gained from each size to the next."""
    gains = []
    rows = {(one.method, one.size): one.rows for one in standings}
    for method in methods:
        for fewer, more in pairwise(sizes):
            arms = (method, more), (method, fewer)
            if not all(arm in resampled.arms for arm in arms) or rows[arms[0]] <= rows[arms[1]]:
                continue
            share = 1 / math.log2(rows[arms[0]] / rows[arms[1]])
            gains.append(
                Gain(
                    method, fewer, more, rows[arms[1]], rows[arms[0]],
                    resampled.contrast({arms[0]: 1.0, arms[1]: -1.0}),
                    resampled.contrast({arms[0]: share, arms[1]: -share}),
                )
            )  # fmt: skip
    return tuple(gains)


def findings_of(
    standings: Sequence[Standing],
    gains: Sequence[Gain],
    resampled: Resampled,
    sizes: Sequence[str],
    n_seeds: int,
    n_scored: int,
) -> Findings | None:
    """What advice rests on; ``None`` when every method failed with the most labels."""
    last = [one for one in standings if one.size == sizes[-1]]
    best = best_of(last)
    if best is None or best.score is None:
        return None
    cheap = _cheap(last, best)
    cheap_seconds = 0.0 if cheap is None else cheap.seconds or 0.0
    last_gains = {one.method: one for one in gains if one.more == sizes[-1]}
    gap = over = None
    if cheap is not None:
        gap = resampled.contrast({(best.method, sizes[-1]): 1.0, (cheap.method, sizes[-1]): -1.0})
        over = _labels_over_model(resampled, best.method, last_gains.get(cheap.method))
    doublings = {method: one.per_doubling for method, one in last_gains.items()}
    early = best_of([one for one in standings if one.size == sizes[0]])
    lead = None
    if early is not None and early.method != best.method and (best.method, sizes[0]) in resampled.arms:
        lead = resampled.contrast({(early.method, sizes[0]): 1.0, (best.method, sizes[0]): -1.0})
    return Findings(
        best=best.method,
        best_score=best.score,
        cheap=None if cheap is None else cheap.method,
        gap=gap,
        seconds=(best.seconds or 0.0, cheap_seconds),
        n_methods=sum(one.score is not None for one in last),
        failed=tuple(one.method for one in last if one.score is None),
        n_seeds=n_seeds,
        n_scored=n_scored,
        doubling=doublings.get(taken(best.method, None if cheap is None else cheap.method, gap)),
        cheap_doubling=None if cheap is None else doublings.get(cheap.method),
        labels_over_model=over,
        more_labels=best.rows,
        early=early.method if early is not None and lead is not None else None,
        early_size=sizes[0],
        early_lead=lead,
    )


def _labels_over_model(resampled: Resampled, best: str, gain: Gain | None) -> Interval | None:
    """A doubling of the cheap method's labels, less what the best has over it with all of them."""
    if gain is None:
        return None
    share = 1 / math.log2(gain.more_rows / gain.fewer_rows)
    # one contrast, since the cheap method's score stands on both sides
    return resampled.contrast(
        {(gain.method, gain.more): share + 1.0, (gain.method, gain.fewer): -share, (best, gain.more): -1.0}
    )


def _leader(resampled: Resampled, methods: Sequence[str], size: str) -> str | None:
    scores = {
        method: resampled.contrast({(method, size): 1.0}).value
        for method in methods
        if (method, size) in resampled.arms
    }
    return max(scores, key=lambda method: scores[method], default=None)


def _standing(
    method: str, size: str, cells: Sequence[Cell], resampled: Resampled, leader: str | None
) -> Standing:
    done = [cell for cell in cells if cell.failure is None]
    means = {name: _mean([getattr(cell, name) for cell in done]) for name in MEASURES}
    peaks = [cell.peak_megabytes for cell in done if cell.peak_megabytes is not None]
    return Standing(
        method=method,
        size=size,
        rows=round(statistics.mean(cell.rows for cell in cells)),
        seeds=len(done),
        score=resampled.contrast({(method, size): 1.0}) if done else None,
        beside_best=(
            resampled.contrast({(method, size): 1.0, (leader, size): -1.0})
            if done and leader is not None and method != leader
            else None
        ),
        **means,
        peak_megabytes=max(peaks, default=None),
        failures=tuple(dict.fromkeys(cell.failure for cell in cells if cell.failure is not None)),
    )


def _mean(values: Sequence[float]) -> float | None:
    return statistics.mean(values) if values else None


def _cheap(standings: Sequence[Standing], best: Standing) -> Standing | None:
    """What to weigh the best against; see :class:`textgraft.experiments.comparing.advising.Findings`."""
    faster = [
        one
        for one in standings
        if one.beside_best is not None and (one.seconds or 0.0) * FASTER <= (best.seconds or 0.0)
    ]
    alike = [one for one in faster if one.beside_best is not None and one.beside_best.high >= -ENOUGH]
    if alike:
        return min(alike, key=lambda one: one.seconds or 0.0)
    return best_of(faster)
