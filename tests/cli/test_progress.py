"""What is told of long work where there is no terminal."""

from __future__ import annotations

import pytest

from textgraft.cli import progress as told
from textgraft.core.progress import Progress
from textgraft.training.records import EpochReport


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(told.time, "monotonic", lambda: now[0])
    return now


def test_lines_say_how_far_how_fast_and_how_long_yet(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with told.shown_progress("reading") as watch:
        fast = told.with_speed(watch, "training", "tokens", 10_000)
        fast(Progress("reading", 0, 1))
        for second, done in ((1, 500), (11, 510), (21, 600), (31, 1_000)):
            clock[0] = float(second)
            fast(Progress("training", done, 1_000))
    lines = capsys.readouterr().err.splitlines()
    # a run that goes on from step 500 did ten steps in ten seconds
    assert lines == [
        "training: 510 of 1,000 (51 %), 10 tokens/s, 8 min left",
        "training: 600 of 1,000 (60 %), 50 tokens/s, 80 s left",
        "training: 1,000 of 1,000 (100 %), 167 tokens/s",
    ]


def test_lines_say_the_loss_of_the_last_epoch(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    epochs = [
        EpochReport("all", 1, 2, 0.75, None, (), 8, 1.0),
        EpochReport("all", 2, 2, 0.5, 0.625, (), 8, 1.0),
    ]
    with told.shown_progress("reading") as watch:
        for done, report in enumerate(epochs, 1):
            clock[0] += 11.0
            watch(Progress("training", done, 2, found=report.losses))
    assert capsys.readouterr().err.splitlines() == [
        "training: 1 of 2 (50 %), loss 0.750 in epoch 1",
        "training: 2 of 2 (100 %), loss 0.500, held-out 0.625 in epoch 2",
    ]


def test_bars_say_the_loss_of_the_last_epoch() -> None:
    with told._bars() as bars:
        watch = told._Bars(bars, "reading")
        watch(Progress("training", 1, 2, found="loss 0.750 in epoch 1"))
        assert bars.tasks[-1].description == "training loss 0.750 in epoch 1"
        watch(Progress("training", 2, 2, "50 tokens/s"))
        assert bars.tasks[-1].description == "training 50 tokens/s"


def test_work_of_one_piece_is_named_alone(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with told.shown_progress("reading") as watch:
        clock[0] = 3.0
        watch(Progress("learning a vocabulary", 0, 1))
    assert capsys.readouterr().err == "learning a vocabulary …\n"


@pytest.mark.parametrize(("seconds", "said"), [(59, "59 s"), (600, "10 min"), (9_000, "2.5 h")])
def test_time_is_said_in_words_that_fit(seconds: float, said: str) -> None:
    assert told._time(seconds) == said
