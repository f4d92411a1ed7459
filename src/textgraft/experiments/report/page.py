"""From a record to one HTML file: templates that escape whatever they are given."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.core.counting import counted
from textgraft.errors import ParameterError
from textgraft.experiments.comparing.advising import points
from textgraft.experiments.pictures.charts import Chart
from textgraft.experiments.pictures.files import write_at_once
from textgraft.experiments.tables import number, percent, printable, shortened

if TYPE_CHECKING:
    from jinja2 import Environment

ENDINGS = (".html", ".htm")
TEMPLATES = Path(__file__).parent / "templates"

LONGEST_TEXT, LONGEST_LABEL = 280, 60
"""Characters shown of a text and of a label."""


def check_page(path: str | Path) -> None:
    """Refuse a file that no page could be written to, before hours are spent on what it would say.

    Raises:
        ParameterError: another ending, or no folder for it.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise ParameterError(f"Expected a file ending in .html, found {Path(path).name!r}.")
    # os.path says no where pathlib raises, such as of a name too long
    if not os.path.isdir(Path(path).parent):
        raise ParameterError(f"Cannot write {str(path)!r}: there is no folder {str(Path(path).parent)!r}.")
    if os.path.isdir(path):
        raise ParameterError(f"Cannot write {str(path)!r}: it is a folder.")


def write_page(page: str, path: str | Path) -> None:
    """Write a page that :func:`rendered` made.

    Raises:
        ParameterError: another ending, or a file that cannot be written.
    """
    check_page(path)
    write_at_once(path, page.encode("utf-8"))


def rendered(template: str, **said: Any) -> str:
    """A page as text, everything in it escaped.

    Args:
        template: file name of a template of ours.
        said: what it speaks of.
    """
    return _environment().get_template(template).render(**said)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    filters: dict[str, Callable[..., Any]] = {
        "percent": percent,
        "number": number,
        "text": lambda text: shortened(text, LONGEST_TEXT),
        "label": lambda label: shortened(label, LONGEST_LABEL),
        "breakable": _breakable,
        "interval": _interval,
        "cosine": _cosine,
        "coded": _coded,
        "points": lambda interval: points(interval, signed=True),
    }
    made.filters |= filters
    made.globals |= {"counted": counted, "svg": _drawn, "legend": _legend}
    return made


def _shown(value: Any) -> Any:
    """What any expression of a template gives: strings of data without signs that a page cannot hold."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _breakable(label: str) -> Any:
    """A class name that may be broken behind an underscore, where a line has no room for it."""
    from markupsafe import Markup

    return Markup("_<wbr>").join(printable(shortened(label, LONGEST_LABEL)).split("_"))


def _coded(sentence: str) -> Any:
    """A sentence whose names in `backticks` are set as code."""
    from markupsafe import Markup

    parts = printable(sentence).split("`")
    if len(parts) % 2 == 0:
        # a name has a backtick of its own, and nobody can tell where names end
        return printable(sentence)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _interval(interval: tuple[float, float] | None, form: str = "percent") -> str:
    """``91.2 % to 94.8 %``; a dash when there is none."""
    if interval is None:
        return "–"
    low, high = map(percent if form == "percent" else number, interval)
    return f"{low} to {high}"


def _cosine(value: float) -> str:
    """``0.73``; adding zero turns −0.0 into 0.0."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _drawn(chart: Chart) -> Any:
    from markupsafe import Markup

    from textgraft.experiments.pictures.svg import line_chart

    return Markup(line_chart(chart))


def _legend(chart: Chart) -> list[tuple[Any, str]]:
    from markupsafe import Markup

    from textgraft.experiments.pictures.svg import legend

    return [(Markup(swatch), name) for swatch, name in legend(chart)]
