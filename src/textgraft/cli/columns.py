"""Which column holds the texts and which the labels: by name, never by guessing from the values."""

from __future__ import annotations

import difflib
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from textgraft.errors import DataError

Role = Literal["text", "label"]

# In order of preference.
TEXT_NAMES = (
    "text", "texts", "review", "sentence", "query", "question", "utterance", "message", "content", "comment",
    "title", "description", "document", "body", "tweet", "post", "input", "prompt", "headline", "abstract",
    "review_text", "review_body", "sms", "email", "phrase", "example",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "intent", "sentiment", "target", "topic", "tag", "emotion",
    "rating", "stars", "label_text", "class_name", "y", "output",
)  # fmt: skip
_KNOWN = {"text": TEXT_NAMES, "label": LABEL_NAMES}
_SHOWN = 12


def choose_columns(
    columns: Sequence[str], *, text: str | None, label: str | None, need_labels: bool, name: str
) -> list[str]:
    """The column of texts, then that of labels if there is one, exactly as written in the file.

    Args:
        columns: all columns of the file.
        text: the name that the user gave; None finds the column by the names above.
        label: likewise.
        need_labels: whether no column of labels is an error.
        name: the file, for messages.

    Raises:
        DataError: when a column that is given or needed is not there, or fits several.
    """
    # What the user named is settled first, so that the other is not found in the same column.
    label_column = _find(columns, "label", label, None, name) if label is not None else None
    text_column = _find(columns, "text", text, label_column, name)
    if label_column is None:
        label_column = _find(columns, "label", None, text_column, name)
    if text_column is None:
        raise _missing(columns, "text", None, label_column, name)
    if label_column is not None:
        return [text_column, label_column]
    if need_labels:
        raise _missing(columns, "label", None, text_column, name)
    return [text_column]


def choose_text(columns: Sequence[str], *, text: str | None, name: str) -> str:
    """The column of texts alone; arguments and errors as for :func:`choose_columns`.

    Raises:
        DataError: likewise.
    """
    found = _find(columns, "text", text, None, name)
    if found is None:
        raise _missing(columns, "text", None, None, name)
    return found


def shown(column: str) -> str:
    """A column name short enough for a message, on one line."""
    line = " ".join(column.split())
    return line if len(line) <= 40 else line[:39] + "…"


def _find(columns: Sequence[str], role: Role, given: str | None, taken: str | None, name: str) -> str | None:
    """None when nothing is ``given`` and no known name fits; ``taken`` is the other role's column."""
    named = [column for column in columns if column.strip()]
    repeated = [column for column, count in Counter(named).items() if count > 1]
    if repeated:
        raise DataError(f"{name} has two columns named {shown(repeated[0])!r}. Rename one of them.")
    if given is None:
        for known in _KNOWN[role]:
            fits = [column for column in named if _key(column) == known and column != taken]
            if fits:
                return _only(fits, known, role, name)
        return None
    fits = [given] if given in named else [column for column in named if _key(column) == _key(given)]
    if not fits:
        raise _missing(columns, role, given, taken, name)
    chosen = _only(fits, given, role, name)
    if chosen == taken:
        raise DataError(f"--text and --label both name {shown(chosen)!r} of {name}. Name two columns.")
    return chosen


def _missing(
    columns: Sequence[str], role: Role, wanted: str | None, taken: str | None, name: str
) -> DataError:
    """What the file has, and which option to pass; the other role's column cannot be the answer."""
    left = [column for column in columns if column.strip() and column != taken]
    close = difflib.get_close_matches(wanted or role, left, n=1, cutoff=0.75)
    if len(left) == 1 or close:
        advice = f"Pass --{role} {shlex.quote(shown((close or left)[0]))}."
    elif left:
        advice = f"Pass --{role} with one of these names."
    else:
        advice = f"Add a column {role!r}."
    if taken is None and not close and name.lower().endswith((".csv", ".tsv")):
        advice += " The first line must name the columns."
    return DataError(f"{name} has no column {shown(wanted or role)!r} ({_listed(columns)}). {advice}")


def _only(fits: list[str], wanted: str, role: Role, name: str) -> str:
    if len(fits) > 1:
        raise DataError(
            f"{name} has {len(fits)} columns that could be {wanted!r} ({', '.join(map(repr, fits))}). "
            f"Pass --{role} with the exact name."
        )
    return fits[0]


def _listed(columns: Sequence[str]) -> str:
    named = [shown(column) for column in columns if column.strip()]
    if not named:
        return "it has none with a name"
    rest = f", … {len(named):,} in all" if len(named) > _SHOWN else ""
    return f"it has: {', '.join(named[:_SHOWN])}{rest}"


def _key(column: str) -> str:
    return column.strip().casefold()
