"""Belief beside truth: what stands in the picture, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textgraft.core.belief import Bin, reliability
from textgraft.errors import ParameterError
from textgraft.experiments.reliability_plot import draw_reliability, reliability_figure

GROUPS = (Bin(0.3, 0.5, 10), Bin(0.72, 0.6, 40), Bin(0.98, 1.0, 200))


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"belief.{ending}"
    draw_reliability(GROUPS, 0.04, path)
    assert path.read_bytes().startswith(start)


def test_belief_stands_against_the_share_that_is_right() -> None:
    shares, counts = reliability_figure(GROUPS, 0.0423).axes
    perfect, ours = shares.lines[:2]
    assert (list(perfect.get_xdata()), list(perfect.get_ydata())) == ([0, 1], [0, 1])
    assert (list(ours.get_xdata()), list(ours.get_ydata())) == ([0.3, 0.72, 0.98], [0.5, 0.6, 1.0])
    assert [bar.get_height() for bar in counts.patches] == [10, 40, 200]
    assert "0.042" in shares.get_title()


def test_an_interval_never_leaves_the_picture() -> None:
    belief, correct = np.array([0.99, 0.01]), np.array([True, False])
    shares, _ = reliability_figure(reliability(belief, correct), 0.0).axes
    (bars,) = [c for c in shares.collections if hasattr(c, "get_segments")]
    ends = np.concatenate(bars.get_segments())[:, 1]
    assert ((ends >= 0) & (ends <= 1)).all()
    # two texts say little: 95 % of one right reaches far down
    assert ends.max() == 1.0
    assert ends.min() == 0.0


def test_nothing_to_draw_and_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no reliability to draw"):
        reliability_figure((), 0.0)
    with pytest.raises(ParameterError, match=r"\.png, \.svg or \.pdf"):
        draw_reliability(GROUPS, 0.0, tmp_path / "a.gif")
