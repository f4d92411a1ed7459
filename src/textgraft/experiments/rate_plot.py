"""The loss at ever higher learning rates, as a picture (Smith, 2017)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textgraft.experiments.pictures import check_picture, write_figure
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    search = found.search
    rates = search.rates / found.factor
    figure = Figure(figsize=(7.0, 4.0), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
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
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d8d8d8", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure
