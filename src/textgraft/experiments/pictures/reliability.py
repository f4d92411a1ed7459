"""Belief beside truth, as a picture: a calibrated classifier lies on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textgraft.core.belief import Bin
from textgraft.core.binomial import wilson_interval
from textgraft.errors import ParameterError
from textgraft.experiments.evaluate import Evaluation
from textgraft.experiments.evaluate_labels import MultilabelEvaluation
from textgraft.experiments.pictures.files import blank_figure, calm, check_picture, legend_below, write_figure

POINT, BEFORE, PERFECT, ROWS = "#2a6f97", "#d08c60", "#8a8a8a", "#b9cfdc"

Believed = Evaluation | MultilabelEvaluation


def draw_reliability(found: Believed, path: str | Path) -> None:
    """Write the picture of :func:`reliability_figure` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, a file that cannot be written, or no group to draw.
    """
    check_picture(path)
    write_figure(reliability_figure(found), path)


def reliability_figure(found: Believed) -> Any:
    """A ``matplotlib.figure.Figure``: share right by belief above, with how many texts each point stands for.

    DeGroot and Fienberg, "The Comparison and Evaluation of Forecasters", 1983. A bar at each point
    is the 95 % interval of its share (Wilson, 1927). Where held-out rows corrected belief, the method's own
    stands beside it.

    Args:
        found: an evaluation, of one label a text or of several.

    Raises:
        ParameterError: no group.
    """
    from matplotlib.ticker import PercentFormatter

    several = isinstance(found, MultilabelEvaluation)
    groups = found.reliability
    if not groups or found.calibration_error is None:
        raise ParameterError("Nothing was believed of any text, so there is no reliability to draw.")
    figure = blank_figure(5.0, 5.6)
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    shares.plot([0, 1], [0, 1], color=PERFECT, linewidth=1.2, linestyle="--", label="as sure as right")
    title = f"expected calibration error {found.calibration_error:.3f}"
    if found.uncorrected_reliability and found.uncorrected_calibration_error is not None:
        title += f", {found.uncorrected_calibration_error:.3f} before calibration"
        before = {"color": BEFORE, "marker": "s", "markersize": 4, "linewidth": 1.0, "elinewidth": 0.8}
        _draw_groups(shares, found.uncorrected_reliability, "before calibration", before)
    ours = {"color": POINT, "marker": "o", "markersize": 5, "linewidth": 1.4, "elinewidth": 1.0}
    _draw_groups(shares, groups, "this classifier", ours)
    counts.bar([one.belief for one in groups], [one.rows for one in groups], width=0.03, color=ROWS)
    shares.set_title(title, fontsize=10)
    shares.set_ylabel("share of them true" if several else "share of them right")
    shares.set_xlim(0, 1)
    shares.set_ylim(0, 1)
    counts.set_ylabel("pairs" if several else "texts")
    counts.set_xlabel("belief in a label" if several else "belief in the most believed class")
    legend_below(figure, shares, 2)
    for axis in (shares.yaxis, counts.xaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    calm(shares, counts)
    return figure


def _draw_groups(axes: Any, groups: Sequence[Bin], name: str, style: dict[str, Any]) -> None:
    """A point and an interval for each group."""
    right = [one.right for one in groups]
    bounds = [wilson_interval(one.right, one.rows) for one in groups]
    spread = [
        [share - low for share, (low, _) in zip(right, bounds, strict=True)],
        [high - share for share, (_, high) in zip(right, bounds, strict=True)],
    ]
    belief = [one.belief for one in groups]
    axes.errorbar(belief, right, yerr=spread, capsize=2.5, label=name, **style)
