"""Several labels in one field of a file: found, asked for, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.files import Rows
from textgraft.errors import DataError, ParameterError

if TYPE_CHECKING:
    from textgraft.core.examples import Examples
    from textgraft.core.label_sets import LabelledSets

SEPARATOR = "|"

Several = Annotated[
    bool | None,
    typer.Option(
        "--multilabel/--single-label",
        help="Whether a text may have several labels; found out if not given.",
        show_default=False,
    ),
]
Separator = Annotated[
    str, typer.Option("--separator", metavar="SIGN", help="What stands between labels of one text.")
]

SingleLabel = Annotated[
    bool, typer.Option("--single-label", help="Take labels such as a|b as they are, not as lists of labels.")
]


def with_label_lists(rows: Rows, several: bool | None, separator: str = SEPARATOR) -> tuple[Rows, str | None]:
    """Rows whose labels are lists if a text may have several, and a sentence about it.

    Args:
        rows: as a file has them.
        several: ``None`` to find out: labels are lists already, or split at ``separator`` into what
            stands elsewhere as a label too.
        separator: between labels of one text; a field of nothing else is the empty list.

    Raises:
        ParameterError: an empty separator.
        DataError: lists where one label a row was asked for.
    """
    from textgraft.core.examples import clean_label
    from textgraft.core.label_sets import has_lists
    from textgraft.experiments.survey.several_labels import label_lists

    if not separator:
        raise ParameterError(
            "Expected a sign between labels, found an empty one. Pass such as --separator ';'."
        )
    labels = rows.labels or []
    lists = has_lists(labels)
    if several is False:
        if lists:
            raise DataError(
                f"{rows.source} has lists of labels. Leave --single-label out, or give one label a row."
            )
        return rows, None
    if lists:
        return rows, "Labels are lists, so a text may have several, or none."
    said = f"Labels are split at {separator!r}, as asked for."
    if several is None:
        names = {name for name in map(clean_label, labels) if name is not None}
        found = label_lists(names, separator)
        if not found:
            return rows, None
        said = (
            f"{len(found):,} of {len(names):,} labels are lists such as {found[0]!r}, whose parts stand in "
            "other labels too, so a text may have several; --single-label takes them as they are."
        )
    return replace(rows, labels=[split_labels(label, separator) for label in labels]), said


def with_one_label(rows: Rows, as_they_are: bool) -> Rows:
    """The same rows, for a command that knows one label a row.

    Args:
        rows: as a file has them.
        as_they_are: whether ``a|b`` is a label like any other.

    Raises:
        DataError: a text may have several labels.
    """
    _, said = with_label_lists(rows, False if as_they_are else None)
    if said is not None:
        raise DataError(
            f"Expected one label a row in {rows.source}. {said} Give one; several are for textgraft fit "
            "and textgraft evaluate."
        )
    return rows


def split_labels(label: object, separator: str) -> list[object] | None:
    """The labels in one field; ``None`` where it is empty, since nobody said."""
    from textgraft.core.examples import clean_label

    if (field := clean_label(label)) is None:
        return None
    return [part.strip() for part in field.split(separator) if part.strip()]


def check_rows(rows: Rows, oos_labels: Sequence[str]) -> Examples | LabelledSets:
    """Rows sorted into in-scope, out-of-scope, unlabelled and skipped.

    Raises:
        DataError: rows that cannot be read.
    """
    from textgraft.core.examples import check_examples
    from textgraft.core.label_sets import check_label_sets, has_lists

    check = check_label_sets if has_lists(rows.labels or []) else check_examples
    return check(rows.texts, rows.labels or [], oos_labels)
