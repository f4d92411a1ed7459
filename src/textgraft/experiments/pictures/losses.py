"""How training went, as a picture: losses and the rate over epochs."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from textgraft.errors import ParameterError
from textgraft.experiments.pictures.files import blank_figure, calm, check_picture, legend_below, write_figure
from textgraft.experiments.tables import shortened
from textgraft.training.records import EpochReport, Training

MOST_NAMED = 12
"""Up to so many phases, each one says its name."""

TRAIN, HELD_OUT, RATE, SHADE = "#2a6f97", "#d1495b", "#5c5c5c", "#eef2f5"


def draw_losses(training: Training, path: str | Path) -> None:
    """Write the picture of :func:`losses_figure` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, a file that cannot be written, or no epoch to draw.
    """
    check_picture(path)
    write_figure(losses_figure(training), path)


def losses_figure(training: Training) -> Any:
    """A ``matplotlib.figure.Figure``: losses of each epoch above, the highest rate below.

    Every other phase is shaded. The best epoch is marked where there were held-out rows.

    Raises:
        ParameterError: no epoch was trained.
    """
    from matplotlib.ticker import MaxNLocator

    reports = training.reports
    if not reports:
        raise ParameterError("No epoch was trained, so there are no losses to draw.")
    figure = blank_figure(7.0, 4.5)
    losses, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    epochs = [report.epoch for report in reports]
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.6}
    losses.plot(
        epochs, [report.train_loss for report in reports], color=TRAIN, label="training rows", **style
    )
    measured = [(report.epoch, report.valid_loss) for report in reports if report.valid_loss is not None]
    if measured:
        losses.plot(*zip(*measured, strict=True), color=HELD_OUT, label="held-out rows", **style)
        _mark_best(losses, training.best_epoch, dict(measured))
    rate.plot(epochs, [max(report.rates) for report in reports], color=RATE, **style)
    rate.set_ylim(bottom=0.0)
    _shade_phases((losses, rate), reports)

    losses.set_ylabel("loss")
    rate.set_ylabel("highest\nrate")
    rate.set_xlabel("epoch; rates at its end")
    rate.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    legend_below(figure, losses, 3)
    calm(losses, rate)
    return figure


def _mark_best(axes: Any, epoch: int, measured: dict[int, float]) -> None:
    if epoch in measured:
        axes.plot(
            epoch, measured[epoch], marker="o", markersize=11, markerfacecolor="none",
            markeredgecolor=HELD_OUT, markeredgewidth=1.6, linestyle="none", label=f"best: epoch {epoch}",
        )  # fmt: skip


def _shade_phases(panels: tuple[Any, Any], reports: tuple[EpochReport, ...]) -> None:
    """Shade every other phase, and name all of them above unless they are too many."""
    phases = [(name, [r.epoch for r in group]) for name, group in groupby(reports, lambda r: r.phase)]
    for number, (_, epochs) in enumerate(phases):
        if number % 2:
            for axes in panels:
                axes.axvspan(epochs[0] - 0.5, epochs[-1] + 0.5, color=SHADE, linewidth=0, zorder=0)
    if len(phases) > MOST_NAMED:
        return
    above = panels[0].secondary_xaxis("top")
    above.spines[:].set_visible(False)
    above.tick_params(length=0)
    centres = [(epochs[0] + epochs[-1]) / 2 for _, epochs in phases]
    # slanted where they would run into one another
    slant = {"rotation": 30, "ha": "left", "rotation_mode": "anchor"} if len(phases) > 4 else {}
    names = [shortened(name, 24) for name, _ in phases]
    above.set_xticks(centres, names, parse_math=False, fontsize=8, **slant)
