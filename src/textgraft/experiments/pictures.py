"""Figures as files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from textgraft.errors import ParameterError

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


def write_figure(figure: Any, path: str | Path, **options: Any) -> None:
    """Write a ``matplotlib.figure.Figure`` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, or a file that cannot be written.
    """
    ending, drawn = check_picture(path), BytesIO()
    figure.savefig(drawn, format=ending, dpi=DOTS_PER_INCH, **options)
    try:
        # written at once, so that a failed drawing leaves no broken file
        Path(path).write_bytes(drawn.getvalue())
    except OSError as error:
        raise ParameterError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error
