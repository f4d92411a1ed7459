"""Rows of text and any number of labels, checked once at the door; the empty set is an answer.

Beside :mod:`textgraft.core.examples`, where a row has one label. A row's labels are a list, and a
row without a list is unlabelled text, which is not the same as a text that no label applies to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from textgraft.core.examples import (
    RowReport,
    clean_label,
    clean_label_set,
    clean_labels,
    sort_rows,
    sorted_labels,
)
from textgraft.errors import DataError

LabelSet: TypeAlias = tuple[str, ...]
"""Distinct labels of one text in order; may be empty."""

LISTS = (list, tuple, set, frozenset, np.ndarray)
"""What a row's labels come as; a string is never a list."""

MOST_CELLS = 2**32
"""Rows × labels that are learned from at most: a byte each."""


@dataclass(frozen=True)
class LabelledSets:
    """Checked rows: aligned ``texts`` and ``labels``, and what was kept apart.

    ``rows`` are their places among the rows given.
    """

    texts: tuple[str, ...]
    labels: tuple[LabelSet, ...]
    rows: tuple[int, ...]
    out_of_scope: tuple[str, ...]
    unlabelled: tuple[str, ...]
    report: RowReport

    def coded(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorted label names (c,) as objects, and which of them each row has, (n, c) uint8.

        Raises:
            DataError: nothing to tell apart, or more cells than memory is meant for.
        """
        classes = sorted_labels(chain.from_iterable(self.labels))
        if not classes:
            raise DataError(
                f"No row of {self.report.rows:,} has a label ({self.report.empty:,} empty, "
                f"{self.report.unlabelled:,} without a list, {self.report.out_of_scope:,} out of scope, "
                f"{len(self.labels):,} with an empty list). Give texts with labels."
            )
        if len(classes) == 1 and all(self.labels):
            raise DataError(
                f"Every labelled row has the one label {classes[0]!r} (rows: {len(self.labels):,}); "
                "a classifier needs two labels, or rows with an empty list."
            )
        if len(classes) * len(self.labels) > MOST_CELLS:
            raise DataError(
                f"{len(self.labels):,} rows with {len(classes):,} labels are more than {MOST_CELLS:,} cells. "
                "Leave out the rarest labels, or rows."
            )
        return np.array(classes, dtype=object), indicators(self.labels, classes)


def indicators(labels: Sequence[LabelSet], classes: Iterable[str]) -> np.ndarray:
    """(n, c) uint8: 1 where a row has the label; ``classes`` must hold every one."""
    code_of = {name: code for code, name in enumerate(classes)}
    matrix = np.zeros((len(labels), len(code_of)), dtype=np.uint8)
    rows = np.repeat(np.arange(len(labels)), [len(names) for names in labels])
    matrix[rows, [code_of[name] for name in chain.from_iterable(labels)]] = 1
    return matrix


def label_rows(labels: Any) -> Any:
    """Labels as a list, one entry a row; a 0/1 table of rows × labels becomes lists of its column names.

    Columns of an array without names are called by their numbers from 0; an array of words has lists as
    rows. Anything else comes back as it is, for those to judge who clean labels.

    Raises:
        DataError: a table of one column, or of numbers or named columns that are not all 0 or 1.
    """
    if isinstance(labels, str | bytes):
        return labels
    names = getattr(labels, "columns", None)
    if names is None and getattr(labels, "ndim", 1) != 2:
        return list(labels)
    table = np.asarray(labels.toarray() if hasattr(labels, "toarray") else labels)
    if table.shape[1] == 1:
        raise DataError(
            "Expected one label a row, or a table of several columns, found a table of one column. "
            "Pass the column itself."
        )
    if names is None and table.dtype.kind not in "biuf":
        return list(table)
    if not np.isin(table, (0, 1)).all():
        raise DataError("Expected a table of 0 and 1, rows × labels, found others. Give lists of labels.")
    called = np.array(list(range(table.shape[1]) if names is None else names), dtype=object)
    return [tuple(called[row.astype(bool)]) for row in table]


def has_lists(labels: Any) -> bool:
    """Whether any row's labels are a list."""
    return not isinstance(labels, str | bytes) and any(isinstance(one, LISTS) for one in labels)


def check_label_sets(
    texts: Sequence[object], labels: Sequence[object], oos_labels: Iterable[object] = ()
) -> LabelledSets:
    """Sort rows into in-scope, out-of-scope, unlabelled and skipped.

    A row is out of scope if its only label is one of ``oos_labels``. Of a label that a row has twice
    one is kept.

    Raises:
        DataError: when lengths differ, something is no text or no list of labels, or a label of
            ``oos_labels`` stands beside others.
    """
    raw_texts = texts if isinstance(texts, str | bytes) else list(texts)
    outside = set(clean_label_set(oos_labels))
    sets = clean_label_sets(label_rows(labels))
    for row, names in enumerate(sets):
        if names is not None and len(names) > 1 and (both := outside.intersection(names)):
            raise DataError(
                f"Row {row} has the out-of-scope label {min(both)!r} beside others ({', '.join(names[:5])}). "
                "A text is out of scope or has labels: remove one or the other."
            )
    return LabelledSets(*sort_rows(raw_texts, sets, lambda names: len(names) == 1 and names[0] in outside))


def clean_label_sets(labels: Iterable[object]) -> list[LabelSet | None]:
    """Every row's distinct labels in order, ``None`` for a row whose labels nobody said.

    Raises:
        DataError: a row is neither a list nor missing, or a label in it is missing or reserved.
    """
    if isinstance(labels, str | bytes):
        raise DataError(f"Expected a list of lists of labels, found one {type(labels).__name__}.")
    return [_clean_set(one, row) for row, one in enumerate(labels)]


def _clean_set(labels: object, row: int) -> LabelSet | None:
    if not isinstance(labels, LISTS):
        if clean_label(labels) is None:
            return None
        raise DataError(
            f"Expected a list of labels in row {row}, as in other rows, found {str(labels)[:40]!r}. "
            "Give a list in every row: [] where no label applies."
        )
    names = clean_labels(labels)
    if None in names:
        raise DataError(
            f"The list of labels in row {row} has an empty label. Give [] where no label applies, and no "
            "list at all where nobody said."
        )
    return tuple(sorted_labels(name for name in names if name is not None))


def label_counts(labels: Iterable[LabelSet]) -> Counter[str]:
    """How many rows have each label."""
    return Counter(chain.from_iterable(labels))
