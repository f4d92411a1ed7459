"""Results as plain aligned text for a terminal or a log, or as JSON can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from textgraft.core.counting import counted


class Scored(Protocol):
    """How well one class was told apart."""

    @property
    def name(self) -> str: ...
    @property
    def f1(self) -> float: ...
    @property
    def support(self) -> int: ...


One = TypeVar("One", bound=Scored)


@dataclass(frozen=True)
class Measure:
    """One score as a person reads it; ``key`` is the field of an evaluation that has its number."""

    key: str
    name: str
    value: str
    meaning: str


def aligned(rows: Sequence[Sequence[str]], flush: str) -> list[str]:
    """Lines of columns, each flush left (``<``) or right (``>``) as ``flush`` says, one sign a column.

    Widths are those of a terminal, where an ideograph takes two places.
    """
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for cell, width, side in zip(row, widths, flush, strict=True):
            gap = " " * (width - cell_len(cell))
            cells.append(cell + gap if side == "<" else gap + cell)
        lines.append("  ".join(cells).rstrip())
    return lines


def shortened(text: str, length: int = 40) -> str:
    """A text on one line, of at most ``length`` characters; an ellipsis marks a cut."""
    # a text can be megabytes long, and only its start is looked at
    line = " ".join(text[: 4 * length].split())
    cut = len(line) > length or len(text) > 4 * length
    return line[: length - 1].rstrip() + "…" if cut else line


def printable(text: str) -> str:
    """A text that any file and any page can hold: control characters and lone surrogates are replaced."""
    return text.translate(_VISIBLE)


# controls by their pictures (U+2400 to U+2421), what has none by the sign for something lost
_VISIBLE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000)], 0xFFFD),
}


def percent(share: float | None) -> str:
    """A share as ``97.3 %``; a dash when there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """A measure as ``0.973``; a dash when there is none."""
    return "–" if value is None else f"{value:.3f}"


def some_named(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and an ellipsis where there are more."""
    return ", ".join(map(shortened, names[:most])) + (", …" if len(names) > most else "")


def rows_said(said: Sequence[tuple[int, str]]) -> list[str]:
    """A sentence for every number of rows that is not 0, and what they are."""
    return [f"{counted(count, 'row')} {what}." for count, what in said if count]


def scope_words(out_of_scope: int) -> str:
    """Which rows a count of in-scope rows stands beside."""
    outside = counted(out_of_scope, "out-of-scope row") if out_of_scope else "no out-of-scope rows"
    return f"in scope, and {outside}"


def worst_first(scored: Sequence[One]) -> list[One]:
    """By F1, the lowest first; of equals the one with more rows."""
    return sorted(scored, key=lambda one: (one.f1, -one.support, one.name))


def worst(scored: Sequence[One], most: int, noun: str) -> tuple[list[One], list[str]]:
    """All in their order; of more than ``most`` the worst by F1, worst first, and a line that says so."""
    if len(scored) <= most:
        return list(scored), []
    shown = worst_first(scored)[:most]
    return shown, [f"The {len(shown):,} {noun} with the lowest F1 of {len(scored):,}, worst first:"]


def as_json(result: Any) -> dict[str, Any]:
    """A result's fields by name, tuples as lists."""
    return {name: _listed(value) for name, value in asdict(result).items()}


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(one) for name, one in value.items()}
    return [_listed(one) for one in value] if isinstance(value, list | tuple) else value
