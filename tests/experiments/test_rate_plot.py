"""The picture of a search for a learning rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textgraft.errors import ParameterError
from textgraft.experiments.pictures.rates import draw_rates, rates_figure
from textgraft.methods.rates import FoundRate
from textgraft.training.rate_finder import RateSearch

RATES = np.geomspace(1e-6, 1e-1, 50)
LOSSES = 2.0 + (np.log10(RATES) + 3) ** 2
FOUND = FoundRate("fine-tuning", "rate", 2e-4, 1e-3, RateSearch(RATES, LOSSES, LOSSES, 5e-3), 5.0)


def test_rates_are_those_of_the_parameter() -> None:
    (axes,) = rates_figure(FOUND).axes
    each, smooth, found, usual = axes.lines
    np.testing.assert_allclose(each.get_xdata(), RATES / 5.0)
    np.testing.assert_allclose(smooth.get_ydata(), LOSSES)
    assert list(found.get_xdata()) == [1e-3, 1e-3]
    assert list(usual.get_xdata()) == [2e-4, 2e-4]
    assert axes.get_xlabel() == "rate (fine-tuning)"


def test_one_step_far_off_does_not_flatten_the_others() -> None:
    losses = LOSSES.copy()
    losses[-1] = 1e9
    search = RateSearch(RATES, losses, LOSSES, 5e-3)
    (axes,) = rates_figure(FoundRate("training", "rate", 2e-4, 1e-3, search, 1.0)).axes
    assert axes.get_ylim()[1] < 20


def test_the_legend_stands_within_the_picture() -> None:
    figure = rates_figure(FOUND)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")])
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str, start: bytes) -> None:
    draw_rates(FOUND, tmp_path / f"rates.{ending}")
    assert (tmp_path / f"rates.{ending}").read_bytes().startswith(start)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"\.png"):
        draw_rates(FOUND, tmp_path / "rates.txt")
