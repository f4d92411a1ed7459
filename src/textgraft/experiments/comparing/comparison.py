"""What a comparison found: every cell, scores with their intervals, what they cost, and advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textgraft.core.durations import duration_words
from textgraft.experiments.comparing.advising import Advice, points
from textgraft.experiments.comparing.draws import ALL
from textgraft.experiments.intervals import Interval
from textgraft.experiments.tables import aligned, as_json, percent, shortened

COLUMNS = ("95 % interval", "beside the best", "learns in", "one text", "in bulk", "model", "memory")
"""What is said of a standing behind its score."""


@dataclass(frozen=True)
class Cell:
    """One classifier, learned and scored once.

    Attributes:
        method: its name in this comparison.
        size: rows of each class, or ``all``.
        seed: of the draw of rows and of the method.
        rows: learned from.
        scored: rows predicted, none of them learned from.
        accuracy, macro_f1: of them; nothing is rejected. ``None`` where the cell failed, as below.
        seconds: to learn, encoding included.
        ms_alone, ms_in_bulk: milliseconds a text, one at a time (the median) and many at once.
        megabytes: of the saved model, without an encoder's own weights.
        peak_megabytes: of memory, in a process of its own; ``None`` where it had none.
        failure: why there is nothing; ``None`` where there is.
    """

    method: str
    size: str
    seed: int
    rows: int
    scored: int
    accuracy: float | None = None
    macro_f1: float | None = None
    seconds: float | None = None
    ms_alone: float | None = None
    ms_in_bulk: float | None = None
    megabytes: float | None = None
    peak_megabytes: float | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Standing:
    """One method with one number of labels, over all seeds.

    Attributes:
        method, size: as of the cells.
        rows: learned from, on average.
        seeds: cells that did not fail.
        score: mean of the metric, with its interval; ``None`` when all failed.
        beside_best: this score less the best one of this size, on the same rows; ``None`` for the best.
        accuracy, macro_f1, seconds, ms_alone, ms_in_bulk, megabytes: means.
        peak_megabytes: the largest.
        failures: reasons, each once.
    """

    method: str
    size: str
    rows: int
    seeds: int
    score: Interval | None
    beside_best: Interval | None
    accuracy: float | None
    macro_f1: float | None
    seconds: float | None
    ms_alone: float | None
    ms_in_bulk: float | None
    megabytes: float | None
    peak_megabytes: float | None
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Gain:
    """What more labels brought one method, on the same scored rows.

    Attributes:
        method: which.
        fewer, more: sizes.
        fewer_rows, more_rows: learned from, on average.
        gain: of the score.
        per_doubling: the same for twice as many rows.
    """

    method: str
    fewer: str
    more: str
    fewer_rows: int
    more_rows: int
    gain: Interval
    per_doubling: Interval


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` found; shares are from 0 to 1, intervals hold 95 %.

    Attributes:
        metric: ``accuracy`` or ``macro-f1``.
        rows, classes: to learn from, before any are drawn.
        scored: rows scored with each seed, on average.
        test: whether they came from a test file.
        seeds: how many.
        methods, sizes: in order.
        cells: every classifier learned, in the order of measuring.
        standings: by size, then by method.
        gains: by method, from each size to the next.
        advice: what it means.
        notes: what else a person should know.
        seconds: that all of it took, resumed cells apart.
    """

    metric: str
    rows: int
    classes: int
    scored: int
    test: bool
    seeds: int
    methods: tuple[str, ...]
    sizes: tuple[str, ...]
    cells: tuple[Cell, ...]
    standings: tuple[Standing, ...]
    gains: tuple[Gain, ...]
    advice: tuple[Advice, ...]
    notes: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; no NaN, no infinity."""
        return as_json(self)

    def table(self) -> str:
        """For a person: how it was measured, a line a method and size, and advice."""
        lines = [self.how, ""]
        head = ["labels", "method", self.metric_name, *COLUMNS]
        lines += aligned([head, *self._lines()], "<<>>>>>>>>")
        lines += self._failures()
        lines += ["", *self.legend]
        lines += _listed("The rows:", self.notes)
        lines += _listed("What it means:", [one.words for one in self.advice])
        return "\n".join(lines)

    @property
    def metric_name(self) -> str:
        """As people write it."""
        return "macro-F1" if self.metric == "macro-f1" else self.metric

    @property
    def how(self) -> str:
        """What was learned from and scored, in a sentence."""
        seeds = "one seed" if self.seeds == 1 else f"each of {self.seeds} seeds"
        where = "rows of the test file" if self.test else "rows held out"
        return (
            f"{self.rows:,} rows of {self.classes:,} classes; {self.scored:,} {where} are scored with "
            f"{seeds}, the same ones for every method, and nothing is rejected."
        )

    @property
    def legend(self) -> tuple[str, ...]:
        """What the columns of the table mean."""
        said = [
            "Labels: rows learned from of each class. Beside the best: points, on the same rows; ± is "
            "half of a 95 % interval.",
            "Learning includes encoding. One text: predicted alone, the median; in bulk: many at once, a "
            "text. Model: its folder, without an encoder's own weights.",
        ]
        if any(one.peak_megabytes is not None for one in self.standings):
            said.append(
                "Memory: the peak of the process that learned and answered, Python and libraries included."
            )
        return tuple(said)

    def _lines(self) -> list[list[str]]:
        lines, before = [], None
        for one in self.standings:
            rows = f"{one.size} ({one.rows:,} rows)" if one.size != before else ""
            lines.append([rows, shortened(one.method), *standing_words(one)])
            before = one.size
        return lines

    def _failures(self) -> list[str]:
        said = [
            f"{one.method}, {size_words(one.size)}: {'; '.join(one.failures)}"
            for one in self.standings
            if one.failures
        ]
        return _listed("Failed:", said)


def _listed(head: str, said: Sequence[str]) -> list[str]:
    return ["", head, *(f"  {line}" for line in said)] if said else []


def size_words(size: str) -> str:
    """``8 rows of each class``, ``all rows``."""
    if size == ALL:
        return "all rows"
    return f"{size} row of each class" if size == "1" else f"{size} rows of each class"


def standing_words(one: Standing) -> list[str]:
    """The score of a standing and what :data:`COLUMNS` name, as people read it."""
    if one.score is None or one.seconds is None or one.ms_alone is None or one.ms_in_bulk is None:
        return ["failed", *["–"] * 7]
    beside = one.beside_best
    return [
        percent(one.score.value),
        f"{100 * one.score.low:.1f} to {100 * one.score.high:.1f}",
        "best" if beside is None else points(beside, signed=True),
        duration_words(one.seconds),
        _milliseconds(one.ms_alone),
        _milliseconds(one.ms_in_bulk),
        _megabytes(one.megabytes),
        _megabytes(one.peak_megabytes),
    ]


def _milliseconds(value: float) -> str:
    return f"{value:.2f} ms" if value < 1 else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def _megabytes(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f} MB" if value < 1 else f"{value:.1f} MB" if value < 10 else f"{value:,.0f} MB"


def best_of(standings: Sequence[Standing]) -> Standing | None:
    """The highest score; the first of equals, which is the cheaper one as a rule."""
    scored = [one for one in standings if one.score is not None]
    return max(scored, key=lambda one: one.score.value if one.score else 0.0, default=None)
