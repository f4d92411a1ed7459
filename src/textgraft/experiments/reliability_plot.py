"""Belief beside truth, as a picture: a calibrated classifier lies on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textgraft.core.belief import Bin
from textgraft.core.binomial import wilson_interval
from textgraft.errors import ParameterError
from textgraft.experiments.pictures import blank_figure, calm, check_picture, legend_below, write_figure

POINT, PERFECT, ROWS = "#2a6f97", "#8a8a8a", "#b9cfdc"


def draw_reliability(groups: Sequence[Bin], error: float, path: str | Path) -> None:
    """Write the picture of :func:`reliability_figure` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, a file that cannot be written, or no group to draw.
    """
    check_picture(path)
    write_figure(reliability_figure(groups, error), path)


def reliability_figure(groups: Sequence[Bin], error: float) -> Any:
    """A ``matplotlib.figure.Figure``: share right by belief above, with how many texts each point stands for.

    DeGroot and Fienberg, "The Comparison and Evaluation of Forecasters", 1983. A bar at each point
    is the 95 % interval of its share (Wilson, 1927).

    Args:
        groups: texts grouped by belief.
        error: expected calibration error, written above.

    Raises:
        ParameterError: no group.
    """
    from matplotlib.ticker import PercentFormatter

    if not groups:
        raise ParameterError("No text was believed to be of any class, so there is no reliability to draw.")
    figure = blank_figure(5.0, 5.6)
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    belief = [group.belief for group in groups]
    right = [group.right for group in groups]
    bounds = [wilson_interval(group.right, group.rows) for group in groups]
    spread = [
        [share - low for share, (low, _) in zip(right, bounds, strict=True)],
        [high - share for share, (_, high) in zip(right, bounds, strict=True)],
    ]
    shares.plot([0, 1], [0, 1], color=PERFECT, linewidth=1.2, linestyle="--", label="as sure as right")
    shares.errorbar(
        belief, right, yerr=spread, color=POINT, marker="o", markersize=5, linewidth=1.4, elinewidth=1.0,
        capsize=2.5, label="this classifier",
    )  # fmt: skip
    counts.bar(belief, [group.rows for group in groups], width=0.03, color=ROWS)
    shares.set_title(f"expected calibration error {error:.3f}", fontsize=10)
    shares.set_ylabel("share of them right")
    shares.set_xlim(0, 1)
    shares.set_ylim(0, 1)
    counts.set_ylabel("texts")
    counts.set_xlabel("belief in the most believed class")
    legend_below(figure, shares, 2)
    for axis in (shares.yaxis, counts.xaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    calm(shares, counts)
    return figure
