"""Figures as files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
DOTS_PER_INCH = 150


def check_picture(path: str | Path) -> str:
    """The format that a file's ending asks for.

    Raises:
        ParameterError: another ending.
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise ParameterError(f"Expected a file ending in .png, .svg or .pdf, found {Path(path).name!r}.")
    return ending


def blank_figure(width: float, height: float, *, fitted: bool = True) -> Figure:
    """A white figure of so many inches that draws without a screen, whatever pyplot is set to.

    ``fitted``: panels are made to fit the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained" if fitted else None, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def calm(*panels: Any) -> None:
    """Only what helps reading: pale lines across, behind the data, and no frame above or beside."""
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#d8d8d8", linewidth=0.6)
        axes.set_axisbelow(True)


def legend_below(figure: Figure, axes: Any, columns: int) -> None:
    """The names of what ``axes`` shows, below all panels, where they hide no point."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)


def write_figure(figure: Figure, path: str | Path, **options: Any) -> None:
    """Write a ``matplotlib.figure.Figure`` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, or a file that cannot be written.
    """
    ending, drawn = check_picture(path), BytesIO()
    figure.savefig(drawn, format=ending, dpi=DOTS_PER_INCH, **options)
    write_at_once(path, drawn.getvalue())


def write_at_once(path: str | Path, content: bytes) -> None:
    """Write a file whose content is whole, so that failed work leaves no broken file.

    Raises:
        ParameterError: it cannot be written.
    """
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError) as error:
        # a ValueError is a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise ParameterError(f"Cannot write {str(path)!r}: {why}.") from error
