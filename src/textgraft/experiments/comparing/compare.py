"""Which method is worth its cost on these rows? Methods × numbers of labels × seeds, on the same rows."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.examples import Examples, check_examples, codes_of, sorted_labels
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.comparing.advising import advise
from textgraft.experiments.comparing.cell_client import Answer, cells
from textgraft.experiments.comparing.cell_store import FILE, CellStore, cell_key, digest_of
from textgraft.experiments.comparing.comparison import Cell, Comparison, size_words
from textgraft.experiments.comparing.draws import Draw, draws, parse_sizes, usable_sizes
from textgraft.experiments.comparing.standings import findings_of, gains_of, standings_of
from textgraft.experiments.comparing.time_left import TimeLeft
from textgraft.experiments.intervals import METRICS, Resampled, resample
from textgraft.experiments.ladder import CHEAP, Candidate, candidates
from textgraft.experiments.survey.repeats import find_leaks
from textgraft.experiments.tables import rows_said, some_named

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier


@dataclass(frozen=True)
class _Rows:
    """Training rows, then test rows, as every method is given them."""

    texts: list[str]
    labels: list[str]
    unlabelled: list[str]
    n_train: int
    n_classes: int

    @property
    def codes(self) -> np.ndarray:
        """(n,) of all rows, over the labels of both files."""
        return codes_of(self.labels, self.names)

    @property
    def names(self) -> list[str]:
        return sorted_labels(self.labels)

    @property
    def digest(self) -> str:
        return digest_of(self.texts, self.labels, self.unlabelled, [self.n_train])

    def as_json(self) -> dict[str, Sequence[Any]]:
        return {"texts": self.texts, "labels": self.labels, "unlabelled": self.unlabelled}


def compare(
    texts: Sequence[object],
    labels: Sequence[object],
    methods: Collection[str] | Mapping[str, TextClassifier] = CHEAP,
    *,
    sizes: str | Sequence[int | str] = (8, 32, "all"),
    seeds: int = 3,
    test: tuple[Sequence[object], Sequence[object]] | None = None,
    metric: str = "accuracy",
    oos_labels: Iterable[object] = (),
    run: str | Path | None = None,
    in_process: bool = False,
    watch: Watch = unwatched,
) -> Comparison:
    """Learn every method with several numbers of labels, score all on the same rows, and say what it means.

    Nothing is rejected. Each cell runs in a process of its own, so that its memory is measured and a
    crash costs one cell; encoders must be given by name for that, others run here.

    Args:
        texts: n texts.
        labels: n labels; unlabelled rows are learned from by methods that can.
        methods: names, or unfitted classifiers by names of yours.
        sizes: rows of each class to learn from, drawn by seed; ``all`` for every row.
        seeds: how many draws; without a test file five of them score every row once.
        test: texts and labels that are scored instead of rows held out.
        metric: ``accuracy`` or ``macro-f1``.
        oos_labels: labels of out-of-scope rows, which are left out on both sides.
        run: a folder where finished cells are kept; the same call goes on after a kill.
        in_process: measure all in this process, without peaks of memory.
        watch: told of progress.

    Raises:
        ParameterError: an unknown method, size or metric.
        DataError: rows that cannot be compared on, or a folder of other rows.
    """
    began = time.monotonic()
    if metric not in METRICS:
        raise ParameterError(f"Expected the metric {' or '.join(METRICS)}, found {metric!r}.")
    if not isinstance(seeds, int) or seeds < 1:
        raise ParameterError(f"Expected a number of seeds from 1, found {seeds!r}.")
    tried, asked = candidates(methods), parse_sizes(sizes)
    examples = check_examples(texts, labels, oos_labels)
    tests = None if test is None else check_examples(*test, oos_labels)
    rows, notes = _checked(examples, tests)
    codes = rows.codes
    used, more_notes = usable_sizes(asked, examples.coded()[1], tests is not None)
    made = draws(codes[: rows.n_train], len(codes) - rows.n_train, used, seeds)
    store = CellStore(None if run is None else Path(run) / FILE, rows.digest)
    found = _measured(tried, made, rows, store, in_process, watch)

    names = tuple(one.name for one in tried)
    resampled = _resampled(found, made, codes, metric, tests is not None)
    all_cells = tuple(cell for cell, _ in found)
    standings = standings_of(all_cells, resampled, names, used)
    gains = gains_of(standings, resampled, names, used)
    scored = round(float(np.mean([len(draw.score) for draw in made])))
    findings = findings_of(standings, gains, resampled, used, seeds, scored)
    return Comparison(
        metric=metric,
        rows=rows.n_train,
        classes=rows.n_classes,
        scored=scored,
        test=tests is not None,
        seeds=seeds,
        methods=names,
        sizes=used,
        cells=all_cells,
        standings=standings,
        gains=gains,
        advice=() if findings is None else advise(findings),
        notes=(*notes, *more_notes),
        seconds=round(time.monotonic() - began, 2),
    )


def _checked(examples: Examples, tests: Examples | None) -> tuple[_Rows, list[str]]:
    """All rows, and what a person should know about them."""
    classes, codes = examples.coded()
    report = examples.report
    said = [
        (report.out_of_scope, "out of scope: left out, nothing is rejected here"),
        (report.unlabelled, "without a label: only ulmfit learns from them"),
        (report.empty, "with an empty text: skipped"),
    ]
    notes = rows_said(said)
    if tests is None and (single := int((np.bincount(codes) == 1).sum())):
        notes.append(f"{counted(single, 'class', 'classes')} of one row: learned from, never scored.")
    if tests is None:
        if report.duplicates:
            notes.append(
                f"{counted(report.duplicates, 'row repeats', 'rows repeat')} an earlier one: copies on "
                "both sides of a split flatter every method."
            )
        texts, labels = list(examples.texts), list(examples.labels)
    else:
        if not tests.texts:
            raise DataError("The test file has no labelled row that is in scope. Give labelled rows.")
        notes += _test_notes(examples, tests)
        texts, labels = [*examples.texts, *tests.texts], [*examples.labels, *tests.labels]
    return _Rows(texts, labels, list(examples.unlabelled), len(examples.texts), len(classes)), notes


def _test_notes(examples: Examples, tests: Examples) -> list[str]:
    leaks = find_leaks(examples.texts, tests.texts, examples.labels, tests.labels)
    notes = []
    if leaks.unseen_labels:
        count = sum(label in set(leaks.unseen_labels) for label in tests.labels)
        notes.append(
            f"{counted(count, 'test row')} with a label that no training row has "
            f"({some_named(leaks.unseen_labels)}): wrong for every method."
        )
    if leaked := leaks.exact + leaks.near:
        notes.append(
            f"{leaked:,} of {leaks.texts:,} test texts are also training texts, which flatters every method."
        )
    return notes


def _measured(
    tried: Sequence[Candidate],
    made: Sequence[Draw],
    rows: _Rows,
    store: CellStore,
    in_process: bool,
    watch: Watch,
) -> list[tuple[Cell, np.ndarray | None]]:
    """Every cell and its predicted codes, from the store where they are there.

    Seed by seed, so that what is left takes as long as what is done, and a part is a fair part.
    """
    known, version = store.read(), importlib.metadata.version("textgraft")
    todo = [(draw, candidate) for draw in made for candidate in tried]
    keys = [cell_key(candidate, draw, version) for draw, candidate in todo]
    done, found = sum(key in known for key in keys), []
    left = TimeLeft(
        [
            ((candidate.name, draw.size), len(draw.learn))
            for (draw, candidate), key in zip(todo, keys, strict=True)
            if key not in known
        ]
    )
    code_of = {name: code for code, name in enumerate(rows.names)}
    with cells(rows.as_json(), in_process) as place:
        for (draw, candidate), key in zip(todo, keys, strict=True):
            cell = Cell(candidate.name, draw.size, draw.seed, len(draw.learn), len(draw.score))
            kept = known.get(key)
            if kept is None:
                words = f"{candidate.name}, {size_words(draw.size)}, seed {draw.seed}"
                left.begin()
                tell = _within(watch, words, done, len(todo), left)
                kept = _kept(place.run(candidate, draw, tell), draw, rows, code_of)
                left.end()
                if "failure" not in kept:
                    store.append(key, kept)
                done += 1
            watch(Progress("comparing", done, len(todo), seconds_left=left.seconds()))
            predicted = kept.get("predicted")
            facts = {name: value for name, value in kept.items() if name != "predicted"}
            found.append((replace(cell, **facts), None if predicted is None else np.array(predicted)))
    return found


def _within(watch: Watch, words: str, done: int, total: int, left: TimeLeft) -> Watch:
    """A watcher of one cell's work that says where in the comparison it is."""
    watch(Progress("comparing", done, total, words, left.seconds()))

    def tell(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total > 1 else 0.0
        # only training is most of a cell's work
        seconds = left.seconds(share if progress.what == "training" else 0.0)
        told = f"{words}: {progress.what}" + (f" {100 * share:.0f} %" if share else "")
        watch(Progress("comparing", done, total, told, seconds))

    return tell


def _kept(answer: Answer, draw: Draw, rows: _Rows, code_of: Mapping[str, int]) -> dict[str, Any]:
    """What is kept of a cell: facts by their names, and predicted codes."""
    if answer.measured is None:
        return {"failure": answer.failure}
    facts = dict(answer.measured)
    predicted = np.array([code_of[label] for label in facts.pop("predicted")])
    truth = np.array([code_of[rows.labels[row]] for row in draw.score])
    even = np.ones(len(truth))
    facts = {name: round(value, 6) for name, value in facts.items()}
    return facts | {
        "accuracy": METRICS["accuracy"](truth, predicted, even),
        "macro_f1": METRICS["macro-f1"](truth, predicted, even),
        "peak_megabytes": None if answer.peak_megabytes is None else round(answer.peak_megabytes, 1),
        "predicted": predicted.tolist(),
    }


def _resampled(
    found: Sequence[tuple[Cell, np.ndarray | None]],
    made: Sequence[Draw],
    codes: np.ndarray,
    metric: str,
    same_rows: bool,
) -> Resampled:
    scored = {draw.seed: codes[draw.score] for draw in made}
    predicted: dict[tuple[str, str], dict[int, np.ndarray]] = {}
    for cell, codes_predicted in found:
        if codes_predicted is not None:
            predicted.setdefault((cell.method, cell.size), {})[cell.seed] = codes_predicted
    truth = [scored[seed] for seed in sorted(scored)]
    n_rows = len(np.unique(np.concatenate([draw.score for draw in made])))
    return resample(truth, predicted, METRICS[metric], same_rows=same_rows, n_rows=n_rows)
