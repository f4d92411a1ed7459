"""The loss at ever higher learning rates, as a picture (Smith, 2017)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textgraft.experiments.pictures.files import blank_figure, calm, check_picture, legend_below, write_figure
from textgraft.methods.rates import FoundRate

EACH, SMOOTH, FOUND, USUAL = "#b9cdd8", "#2a6f97", "#d1495b", "#5c5c5c"


def draw_rates(found: FoundRate, path: str | Path) -> None:
    """Write the picture of :func:`rates_figure` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, or a file that cannot be written.
    """
    check_picture(path)
    write_figure(rates_figure(found), path)


def rates_figure(found: FoundRate) -> Any:
    """A ``matplotlib.figure.Figure``: the loss over the method's rate, the suggestion marked."""
    search = found.search
    rates = search.rates / found.factor
    figure = blank_figure(7.0, 4.0)
    axes = figure.subplots()
    axes.plot(rates, search.losses, color=EACH, linewidth=1.0, label="loss of each step")
    axes.plot(rates, search.smoothed, color=SMOOTH, linewidth=2.0, label="running mean")
    for rate, colour, name in (
        (found.suggestion, FOUND, f"falls fastest: {found.suggestion:.1e}"),
        (found.usual, USUAL, f"used by fit: {found.usual:.1e}"),
    ):
        axes.axvline(rate, color=colour, linewidth=1.2, linestyle="--", label=name)
    axes.set_xscale("log")
    # a few steps far off must not flatten the others
    shown = np.concatenate([search.smoothed, search.losses[search.losses <= search.smoothed.max()]])
    low, high = float(shown.min()), float(shown.max())
    axes.set_ylim(low - 0.05 * (high - low) - 1e-6, high + 0.1 * (high - low) + 1e-6)
    axes.set_xlabel(f"{found.parameter} ({found.stage})")
    axes.set_ylabel("loss")
    legend_below(figure, axes, 2)
    calm(axes)
    return figure
