"""Comparisons: the same rows for all, honest numbers, resumed after a kill, failures as rows."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import textgraft as tg
from textgraft.core.progress import Progress
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.comparing.cell_client import OUT_OF_MEMORY
from textgraft.experiments.comparing.cell_store import FILE
from textgraft.experiments.comparing.compare import compare
from textgraft.experiments.comparing.comparison import Comparison

WORDS = {
    "fruit": "apple pear plum cherry grape melon quince fig",
    "tool": "hammer saw drill wrench chisel file plane vice",
    "bird": "robin crow eagle wren finch heron owl tit",
}


def some_rows(per_class: int = 20, noise: int = 3) -> tuple[list[Any], list[Any]]:
    draw = random.Random(0)
    every = " ".join(WORDS.values()).split()
    rows = [
        (" ".join([draw.choice(words.split()), *draw.choices(every, k=noise)]), name)
        for name, words in WORDS.items()
        for _ in range(per_class)
    ]
    draw.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


TWO = {"tfidf": tg.TfidfClassifier(), "near": tg.KNNClassifier("hashing:64", k=3)}

BROKEN = {"bad": tg.KNNClassifier("/nowhere/at-all")}


@pytest.fixture(scope="module")
def in_processes() -> Comparison:
    """Two methods, each cell in a process of its own."""
    return compare(*some_rows(), TWO, sizes="2,all", seeds=2)


def test_cells_are_methods_times_sizes_times_seeds(in_processes):
    cells = in_processes.cells
    assert {(one.method, one.size, one.seed) for one in cells} == {
        (method, size, seed) for method in TWO for size in ("2", "all") for seed in (0, 1)
    }
    assert {one.rows for one in cells if one.size == "2"} == {6}
    assert {one.rows + one.scored for one in cells if one.size == "all"} == {60}


def test_scores_are_those_that_a_person_would_compute(in_processes):
    from textgraft.core.examples import check_examples
    from textgraft.experiments.comparing.draws import draws

    texts, labels = some_rows()
    (draw,) = draws(check_examples(texts, labels).coded()[1], 0, ("all",), 1)
    own = tg.TfidfClassifier(seed=0).fit(
        [texts[row] for row in draw.learn], [labels[row] for row in draw.learn]
    )
    expected = own.score([texts[row] for row in draw.score], [labels[row] for row in draw.score])
    (cell,) = (one for one in in_processes.cells if (one.method, one.size, one.seed) == ("tfidf", "all", 0))
    assert cell.accuracy == pytest.approx(expected)
    standing = next(one for one in in_processes.standings if (one.method, one.size) == ("tfidf", "all"))
    both = [one.accuracy for one in in_processes.cells if (one.method, one.size) == ("tfidf", "all")]
    assert standing.score.value == pytest.approx(sum(both) / 2)
    assert standing.score.low <= standing.score.value <= standing.score.high


def test_costs_are_measured_in_a_process_of_its_own(in_processes):
    for one in in_processes.standings:
        assert one.seconds > 0
        assert one.ms_alone > 0
        assert one.ms_in_bulk > 0
        assert one.megabytes > 0
        # a Python with scikit-learn takes more, and this is no other process's
        assert 50 < one.peak_megabytes < 2_000


def test_in_this_process_the_answers_are_the_same_without_memory(in_processes):
    here = compare(*some_rows(), TWO, sizes="2,all", seeds=2, in_process=True)
    assert [one.accuracy for one in here.cells] == [one.accuracy for one in in_processes.cells]
    assert {one.peak_megabytes for one in here.cells} == {None}
    assert "memory" not in here.table().split("\n\n")[-1]


@pytest.mark.parametrize("method", ["tfidf", "knn"])
def test_in_this_process_the_first_method_is_not_charged_for_imports(method):
    script = f"""
import sys
import numpy as np
from textgraft.experiments.comparing import cell_client
from textgraft.experiments.comparing.draws import Draw
from textgraft.experiments.ladder import Candidate

before = "sklearn.linear_model" in sys.modules
cell_client.answer = lambda *_: print(before, "sklearn.linear_model" in sys.modules)
with cell_client.cells({{}}, in_process=True) as place:
    place.run(Candidate("a", {method!r}, {{}}), Draw("all", 0, np.arange(2), np.arange(2)), print)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_exactly_one_method_of_a_size_is_the_best_and_others_stand_beside_it(in_processes):
    for size in in_processes.sizes:
        beside = [one.beside_best for one in in_processes.standings if one.size == size]
        assert beside.count(None) == 1
        assert all(one.value <= 0 for one in beside if one is not None)


def test_gains_say_what_more_labels_brought(in_processes):
    (gain,) = (one for one in in_processes.gains if one.method == "tfidf")
    scores = {one.size: one.score.value for one in in_processes.standings if one.method == "tfidf"}
    assert gain.gain.value == pytest.approx(scores["all"] - scores["2"])
    assert (gain.fewer_rows, gain.more_rows) == (6, 48)
    # eight times the rows are three doublings
    assert gain.per_doubling.value == pytest.approx(gain.gain.value / 3)


def test_the_record_is_json_and_the_table_says_how(in_processes):
    told = json.loads(json.dumps(in_processes.to_dict(), allow_nan=False))
    assert told["standings"][0]["score"].keys() == {"value", "low", "high"}
    table = in_processes.table()
    assert "12 rows held out are scored with each of 2 seeds, the same ones for every method" in table
    assert "What it means:" in table
    assert "2 (6 rows)" in table
    assert "all (48 rows)" in table


def test_a_test_file_is_scored_and_its_strange_rows_are_said():
    texts, labels = some_rows()
    test = ([*texts[:10], "kelpie", "far off"], [*labels[:10], "dog", "oos"])
    found = compare(texts, labels, ["tfidf"], sizes="all", test=test, oos_labels=["oos"], in_process=True)
    assert found.scored == 11
    assert found.test
    # the unseen label's row is wrong, the training texts right
    assert found.cells[0].accuracy == pytest.approx(10 / 11)
    assert any("1 test row with a label that no training row has (dog)" in note for note in found.notes)
    assert any("10 of 11 test texts are also training texts" in note for note in found.notes)


def test_a_class_of_one_row_is_learned_from_and_not_scored():
    texts, labels = some_rows()
    found = compare([*texts, "kelpie"], [*labels, "dog"], ["tfidf"], sizes="all", in_process=True)
    assert "1 class of one row: learned from, never scored." in found.notes
    assert all(one.rows + one.scored == 61 for one in found.cells)


def test_a_method_that_fails_is_a_row_with_its_reason():
    methods = {"good": tg.TfidfClassifier(), **BROKEN}
    found = compare(*some_rows(), methods, sizes="all", seeds=2, in_process=True)
    good, bad = found.standings
    assert good.seeds == 2
    assert bad.seeds == 0
    assert bad.score is None
    assert "nowhere" in bad.failures[0]
    assert "bad, all rows: " in found.table()
    assert "some-failed" in {one.rule for one in found.advice}
    json.dumps(found.to_dict(), allow_nan=False)


def test_when_all_fail_it_is_said_and_nothing_is_advised():
    found = compare(*some_rows(), BROKEN, sizes="all", in_process=True)
    assert found.advice == ()
    assert "failed" in found.table()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_a_cell_whose_process_is_killed_is_a_row_and_the_others_go_on():
    methods = {
        "doomed": tg.SiameseClassifier("hashing:64", epochs=100_000),
        "near": tg.KNNClassifier("hashing:64", k=3),
    }

    def kill(progress: Progress) -> None:
        if "doomed" in progress.pace and "training" in progress.pace:
            for server in _children(os.getpid()):
                for cell in _children(server):
                    os.kill(cell, signal.SIGKILL)

    doomed, near = compare(*some_rows(), methods, sizes="all", seeds=1, watch=kill).cells
    assert doomed.failure == OUT_OF_MEMORY
    assert near.accuracy is not None


def _children(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_comparison_that_was_killed_goes_on_and_measures_the_rest_alone(tmp_path):
    rows, run = some_rows(), tmp_path / "a.run"

    class Killed(BaseException):
        pass

    def kill(progress: Progress) -> None:
        if progress.done == 3:
            raise Killed

    with pytest.raises(Killed):
        compare(*rows, TWO, sizes="2,all", seeds=2, run=run, in_process=True, watch=kill)
    file = run / FILE
    assert len(file.read_text().splitlines()) == 1 + 3
    with file.open("a") as torn:
        torn.write('{"key": "half a li')

    starts = []
    found = compare(
        *rows,
        TWO,
        sizes="2,all",
        seeds=2,
        run=run,
        in_process=True,
        watch=lambda one: starts.append(one.done),
    )
    assert min(starts) == 3
    assert len(file.read_text().splitlines()) == 1 + 8
    # the torn line spoilt no other
    compare(*rows, TWO, sizes="2,all", seeds=2, run=run, in_process=True)
    assert len(file.read_text().splitlines()) == 1 + 8
    whole = compare(*rows, TWO, sizes="2,all", seeds=2, in_process=True)
    assert [one.accuracy for one in found.cells] == [one.accuracy for one in whole.cells]
    assert [one.score for one in found.standings] == [one.score for one in whole.standings]


def test_more_methods_on_the_same_rows_reuse_what_is_there_and_other_rows_are_refused(tmp_path):
    texts, labels = some_rows()
    run = tmp_path / "a.run"
    first = compare(texts, labels, ["tfidf"], sizes="all", seeds=1, run=run, in_process=True)
    starts: list[int] = []
    more = {"tfidf": tg.TfidfClassifier(), "other": tg.TfidfClassifier(C=1.0)}
    second = compare(
        texts, labels, more, sizes="all", seeds=1, run=run, in_process=True,
        watch=lambda one: starts.append(one.done),
    )  # fmt: skip
    assert min(starts) == 1
    assert second.cells[0] == first.cells[0]
    with pytest.raises(DataError, match=r"holds cells of other rows\. Name another folder, or remove it"):
        compare(texts[1:], labels[1:], ["tfidf"], sizes="all", run=run, in_process=True)
    (run / FILE).write_text("something else\n")
    with pytest.raises(DataError, match="holds no cells of a comparison"):
        compare(texts, labels, ["tfidf"], sizes="all", run=run, in_process=True)


def test_failures_are_tried_again(tmp_path):
    compare(*some_rows(), BROKEN, sizes="all", seeds=1, run=tmp_path, in_process=True)
    assert not (tmp_path / FILE).exists()


def test_time_reported_does_not_profit_from_the_cache(tmp_path):
    import time

    from textgraft.encoders import CachedEncoder
    from textgraft.encoders.hashing import HashingEncoder

    class Slow(HashingEncoder):
        def encode(self, texts, watch=lambda _: None):
            time.sleep(0.002 * len(texts))
            return super().encode(texts, watch)

    encoder = CachedEncoder(Slow(32), Path(tmp_path))
    methods = {"near": tg.KNNClassifier(encoder, k=3)}
    texts, labels = some_rows()
    compare(texts, labels, methods, sizes="all", seeds=1)
    again = compare(texts, labels, methods, sizes="all", seeds=1).cells[0]
    assert again.seconds > 0.002 * again.rows
    assert again.ms_alone > 2
    assert again.ms_in_bulk > 2


def test_what_cannot_be_is_refused_in_one_line():
    texts, labels = some_rows()
    with pytest.raises(ParameterError, match="Unknown method 'magic'"):
        compare(texts, labels, ["magic"])
    with pytest.raises(ParameterError, match="named twice: tfidf"):
        compare(texts, labels, ["tfidf", "tfidf"])
    with pytest.raises(ParameterError, match="Expected methods to compare"):
        compare(texts, labels, [])
    with pytest.raises(ParameterError, match="Expected the metric accuracy or macro-f1"):
        compare(texts, labels, metric="f1")
    with pytest.raises(ParameterError, match="seeds from 1"):
        compare(texts, labels, seeds=0)
    with pytest.raises(DataError, match="no labelled row"):
        compare(texts, labels, test=(["a"], [None]))


def test_from_next_to_nothing_no_certainty_is_claimed():
    texts = [f"{word} {number}" for word in ("apple", "hammer", "robin") for number in range(5)]
    labels = [text.split()[0] for text in texts]
    methods = {"tfidf": tg.TfidfClassifier(), "linear": tg.LinearClassifier("hashing")}
    found = compare(texts, labels, methods, sizes="all", seeds=3, in_process=True)
    assert [one.score.value for one in found.standings] == [1.0, 1.0]
    # nine rows in all
    assert all(one.score.low < 0.75 for one in found.standings)
    said = {one.rule for one in found.advice}
    assert "wide" in said
    assert "stop-here" not in said


def test_macro_f1_and_one_seed():
    texts, labels = some_rows()
    found = compare(texts, labels, ["tfidf"], sizes="all", seeds=1, metric="macro-f1", in_process=True)
    (standing,) = found.standings
    assert standing.score.value == pytest.approx(found.cells[0].macro_f1)
    assert "macro-F1" in found.table()
    assert "one-seed" in {one.rule for one in found.advice}
