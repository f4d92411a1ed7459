"""Belief beside truth: what stands in the picture, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from textgraft.core.belief import Bin, reliability
from textgraft.errors import ParameterError
from textgraft.experiments.pictures.reliability import draw_reliability, reliability_figure

GROUPS = (Bin(0.3, 0.5, 10), Bin(0.72, 0.6, 40), Bin(0.98, 1.0, 200))
BEFORE = (Bin(0.5, 0.3, 50), Bin(0.99, 0.8, 200))


@dataclass(frozen=True)
class Found:
    """What a picture reads of an evaluation."""

    reliability: tuple[Bin, ...]
    calibration_error: float | None = 0.0423
    uncorrected_reliability: tuple[Bin, ...] = ()
    uncorrected_calibration_error: float | None = None


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"belief.{ending}"
    draw_reliability(Found(GROUPS), path)
    assert path.read_bytes().startswith(start)


def test_belief_stands_against_the_share_that_is_right() -> None:
    shares, counts = reliability_figure(Found(GROUPS)).axes
    perfect, ours = shares.lines[:2]
    assert (list(perfect.get_xdata()), list(perfect.get_ydata())) == ([0, 1], [0, 1])
    assert (list(ours.get_xdata()), list(ours.get_ydata())) == ([0.3, 0.72, 0.98], [0.5, 0.6, 1.0])
    assert [bar.get_height() for bar in counts.patches] == [10, 40, 200]
    assert shares.get_title() == "expected calibration error 0.042"
    assert (shares.get_xlabel(), counts.get_xlabel()) == ("", "belief in the most believed class")


def test_belief_before_calibration_stands_beside_it() -> None:
    found = Found(GROUPS, 0.0423, BEFORE, 0.2)
    shares, _ = reliability_figure(found).axes
    said = {line.get_label(): line for line in shares.containers}
    assert list(said) == ["before calibration", "this classifier"]
    (line, *_) = said["before calibration"]
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([0.5, 0.99], [0.3, 0.8])
    assert shares.get_title() == "expected calibration error 0.042, 0.200 before calibration"


def test_an_interval_never_leaves_the_picture() -> None:
    belief, correct = np.array([0.99, 0.01]), np.array([True, False])
    shares, _ = reliability_figure(Found(reliability(belief, correct))).axes
    (bars,) = [c for c in shares.collections if hasattr(c, "get_segments")]
    ends = np.concatenate(bars.get_segments())[:, 1]
    assert ((ends >= 0) & (ends <= 1)).all()
    # two texts say little: 95 % of one right reaches far down
    assert ends.max() == 1.0
    assert ends.min() == 0.0


def test_nothing_to_draw_and_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no reliability to draw"):
        reliability_figure(Found(()))
    with pytest.raises(ParameterError, match=r"\.png, \.svg or \.pdf"):
        draw_reliability(Found(GROUPS), tmp_path / "a.gif")
