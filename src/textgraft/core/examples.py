"""Rows of text and label, checked once at the door.

Four kinds of row leave this file, and nothing disappears uncounted:

* *in scope*: a text and a label; the classifier learns these;
* *out of scope*: the label is one of ``oos_labels``; never a class;
* *unlabelled*: a text whose label is empty; kept apart;
* *skipped*: a text that is empty; counted, and said.
"""

from __future__ import annotations

import math
import numbers
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.decision import REJECTED
from textgraft.errors import DataError

L = TypeVar("L", bound=Hashable)

WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""A whole number as Python writes it; longer digit strings are names."""

LONG_TEXT = 100_000
"""Characters from which a text is called very long in the report (it is kept whole)."""


@dataclass(frozen=True)
class RowReport:
    """What was found at the door, counted in rows."""

    rows: int
    in_scope: int
    out_of_scope: int
    unlabelled: int
    empty: int
    duplicates: int
    conflicts: int
    cleaned: int
    very_long: int

    def sentences(self) -> list[str]:
        """Say everything that a person should know about the rows, most important first."""
        said = [
            (self.empty, "with an empty text: skipped"),
            (
                self.unlabelled,
                "without a label: kept apart as unlabelled text, which only ulmfit learns from",
            ),
            (self.out_of_scope, "out of scope: never a class"),
            (self.conflicts, "whose text also stands under another label: kept under both"),
            (self.duplicates, "repeating an earlier row, text and label: kept"),
            (self.cleaned, "with NUL characters or broken Unicode: those characters replaced"),
            (self.very_long, f"of {LONG_TEXT:,} characters or more: kept whole"),
        ]
        return [f"{counted(count, 'row')} {what}" for count, what in said if count]


@dataclass(frozen=True)
class Examples:
    """Checked rows: aligned ``texts`` and ``labels``, and what was kept apart.

    ``rows`` are their places among the rows given.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[int, ...]
    out_of_scope: tuple[str, ...]
    unlabelled: tuple[str, ...]
    report: RowReport

    def coded(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorted class names (c,) as objects, and each row's class code (n,).

        Raises:
            DataError: when fewer than two classes are left.
        """
        classes = sorted_labels(self.labels)
        if not classes:
            raise DataError(
                f"No labelled text is left of {self.report.rows:,} rows "
                f"({self.report.empty:,} empty, {self.report.unlabelled:,} without a label, "
                f"{self.report.out_of_scope:,} out of scope). Give texts with labels."
            )
        if len(classes) == 1:
            raise DataError(
                f"Every labelled row has the one label {classes[0]!r} (rows: {len(self.labels):,}); "
                "a classifier needs two classes or more."
            )
        return np.array(classes, dtype=object), codes_of(self.labels, classes)


def sorted_labels(labels: Iterable[str]) -> list[str]:
    """Distinct labels in order: as numbers if all are whole numbers, else as strings.

    scikit-learn numbers the classes itself where it asks for probabilities, and expects
    columns in the order of those numbers: "2" before "10".
    """
    distinct = set(labels)
    if all(WHOLE_NUMBER.fullmatch(label) for label in distinct):
        return sorted(distinct, key=int)
    return sorted(distinct)


def codes_of(labels: Iterable[str], classes: Iterable[str]) -> np.ndarray:
    """(n,) int64, each label's place among the classes, which must hold it."""
    code_of = {name: code for code, name in enumerate(classes)}
    return np.array([code_of[label] for label in labels], dtype=np.int64)


def check_learned(labels: Iterable[str], classes: Iterable[str], remedy: str) -> None:
    """Refuse validation rows with labels that are no classes.

    Raises:
        DataError: which names the first five and ends with ``remedy``.
    """
    if unseen := sorted(set(labels) - set(classes)):
        raise DataError(
            f"The validation rows have labels that the training rows lack: {', '.join(unseen[:5])}"
            f"{', …' if len(unseen) > 5 else ''}. {remedy}"
        )


def clean_texts(texts: Iterable[object]) -> list[str]:
    """Every text as a ``str`` that any tokenizer can take; a missing one becomes ``""``.

    NUL becomes a space and a lone surrogate U+FFFD, because tokenizers and files reject
    them; ``None`` and NaN become ``""``. Length and order are kept.

    Raises:
        DataError: when ``texts`` is one bare string or holds something that is not a text.
    """
    if isinstance(texts, str | bytes):
        raise DataError(f"Expected a list of texts, found one {type(texts).__name__}. Pass [text].")
    return [_clean_text(text, row) for row, text in enumerate(texts)]


def _clean_text(text: object, row: int) -> str:
    if isinstance(text, str):
        if "\0" in text:
            text = text.replace("\0", " ")
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return str(text)
    if _is_missing(text):
        return ""
    if isinstance(text, numbers.Number):
        return str(text)
    raise DataError(
        f"Expected a text in row {row}, found {type(text).__name__}. "
        "Pass a flat list of strings, one text each."
    )


def clean_label(label: object) -> str | None:
    """A label as a stripped ``str``; ``None`` when it is missing or blank.

    Whole-number floats lose their ``.0``, so that a column of 0/1 that a missing value
    turned into floats keeps the names it had.

    Raises:
        DataError: when the label is a list or another thing that is no single label.
    """
    if isinstance(label, str):
        return _clean_text(label, 0).strip() or None
    if _is_missing(label):
        return None
    if isinstance(label, bool | np.bool_):
        return str(bool(label))
    if isinstance(label, numbers.Integral):
        return str(int(label))
    if isinstance(label, numbers.Real) and float(label).is_integer():
        return str(int(float(label)))
    if isinstance(label, numbers.Number):
        return str(label)
    if isinstance(label, bytes | bytearray | Iterable):
        raise DataError(
            f"Expected one label a row, found {type(label).__name__} {str(label)[:40]!r}. "
            "Give one, or use lists where a classifier learns or has learned from lists."
        )
    return str(label).strip() or None


def clean_labels(labels: Iterable[object]) -> list[str | None]:
    """Every label by :func:`clean_label`; order kept.

    Raises:
        DataError: also when a label is the reserved word for a rejected text.
    """
    if isinstance(labels, str | bytes):
        raise DataError(f"Expected a list of labels, found one {type(labels).__name__}.")
    cleaned = [clean_label(label) for label in labels]
    if REJECTED in cleaned:
        raise DataError(f"The label {REJECTED!r} is reserved for rejected texts. Rename that label.")
    return cleaned


def check_examples(
    texts: Sequence[object], labels: Sequence[object], oos_labels: Iterable[object] = ()
) -> Examples:
    """Sort rows into in-scope, out-of-scope, unlabelled and skipped.

    Raises:
        DataError: when lengths differ or something is no text or no label.
    """
    raw_texts, raw_labels = texts if isinstance(texts, str | bytes) else list(texts), clean_labels(labels)
    outside = set(clean_label_set(oos_labels))
    return Examples(*sort_rows(raw_texts, raw_labels, lambda label: label in outside))


def sort_rows(
    texts: Sequence[object], labels: Sequence[L | None], is_outside: Callable[[L], bool]
) -> tuple[tuple[str, ...], tuple[L, ...], tuple[int, ...], tuple[str, ...], tuple[str, ...], RowReport]:
    """The fields of :class:`Examples`, in order, for labels of any kind.

    Args:
        texts: n texts as they were given.
        labels: n clean labels, ``None`` where there is none.
        is_outside: whether a label says that its text is out of scope.

    Raises:
        DataError: when lengths differ or something is no text.
    """
    clean = clean_texts(texts)
    if len(clean) != len(labels):
        raise DataError(
            f"Expected one label for each text, found {len(clean):,} texts and {len(labels):,} labels."
        )
    kept: list[tuple[str, L]] = []
    places: list[int] = []
    out_of_scope: list[str] = []
    unlabelled: list[str] = []
    empty = 0
    for place, (text, label) in enumerate(zip(clean, labels, strict=True)):
        if not text.strip():
            empty += 1
        elif label is None:
            unlabelled.append(text)
        elif is_outside(label):
            out_of_scope.append(text)
        else:
            kept.append((text, label))
            places.append(place)
    report = RowReport(
        rows=len(clean),
        in_scope=len(kept),
        out_of_scope=len(out_of_scope),
        unlabelled=len(unlabelled),
        empty=empty,
        duplicates=len(kept) - len(set(kept)),
        conflicts=count_conflicts(kept),
        cleaned=sum(isinstance(raw, str) and raw != text for raw, text in zip(texts, clean, strict=True)),
        very_long=sum(len(text) >= LONG_TEXT for text in clean),
    )
    return (
        tuple(text for text, _ in kept),
        tuple(label for _, label in kept),
        tuple(places),
        tuple(out_of_scope),
        tuple(unlabelled),
        report,
    )


def clean_label_set(labels: Iterable[object] | object) -> list[str]:
    """Out-of-scope labels as strings; one bare label stands for itself.

    Raises:
        DataError: when one of them is empty, which would mean *unlabelled*.
    """
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
        labels = [labels]
    cleaned = clean_labels(labels)
    if None in cleaned:
        raise DataError("An out-of-scope label is empty; rows without a label are unlabelled text.")
    return [label for label in cleaned if label is not None]


def count_conflicts(rows: Sequence[tuple[str, Hashable]]) -> int:
    """How many (text, label) rows have a text that also stands under another label."""
    labels_of = Counter(text for text, _ in set(rows))
    return sum(labels_of[text] > 1 for text, _ in rows)


def _is_missing(value: object) -> bool:
    """None, NaN of any float type, and the missing values of pandas (``NA``, ``NaT``)."""
    if value is None:
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in {"NAType", "NaTType"}
