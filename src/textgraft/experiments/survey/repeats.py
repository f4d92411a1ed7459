"""Texts that occur more than once: duplicates, contradicting labels, test texts seen in training."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Row = tuple[str, str]
"""A text and its label."""

N_EXAMPLES = 5


@dataclass(frozen=True)
class Conflict:
    """One text, and the several labels it stands under."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Repeats:
    """Rows that repeat an earlier one, and texts whose rows contradict each other.

    Attributes:
        distinct: distinct texts, after normalising.
        exact: rows repeating text and label of an earlier row.
        near: further rows repeating them after normalising.
        conflicts: distinct texts under several labels.
        near_conflicts: further distinct texts under several labels only after normalising.
        examples: up to five of both kinds of conflict.
        copies: up to five texts that have copies, with how many rows have them, most first.
    """

    distinct: int
    exact: int
    near: int
    conflicts: int
    near_conflicts: int
    examples: tuple[Conflict, ...]
    copies: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Leaks:
    """Test texts that stand in the training rows.

    Attributes:
        texts: test texts looked at, empty ones apart.
        exact: of them, those that are training texts.
        near: of the others, those that are training texts after normalising.
        examples: up to five of them, exact ones first.
        unseen_labels: test labels that no training row has, sorted.
    """

    texts: int
    exact: int
    near: int
    examples: tuple[str, ...]
    unseen_labels: tuple[str, ...]


def find_repeats(rows: Sequence[Row]) -> Repeats:
    """Compare rows with one another, exactly and after normalising."""
    normal = normaliser()
    exact = len(rows) - len(set(rows))
    normal_rows = [(normal(text), label) for text, label in rows]
    clear, blurred = _labels_by_text(rows), _labels_by_text(normal_rows)
    conflicts = {text: labels for text, labels in clear.items() if len(labels) > 1}
    known = {normal(text) for text in conflicts}
    further = {text: labels for text, labels in blurred.items() if len(labels) > 1 and text not in known}
    written = {normal_row: text for normal_row, (text, _) in zip(normal_rows[::-1], rows[::-1], strict=True)}
    often = Counter(normal_rows).most_common(N_EXAMPLES)
    examples = [*conflicts.items(), *further.items()][:N_EXAMPLES]
    return Repeats(
        distinct=len(blurred),
        exact=exact,
        near=len(rows) - len(set(normal_rows)) - exact,
        conflicts=len(conflicts),
        near_conflicts=len(further),
        examples=tuple(Conflict(text, tuple(sorted(labels))) for text, labels in examples),
        copies=tuple((written[row], count) for row, count in often if count > 1),
    )


def find_leaks(
    train: Sequence[str], test: Sequence[str], train_labels: Iterable[str], test_labels: Iterable[str]
) -> Leaks:
    """Look each test text up among the training texts, exactly and after normalising."""
    normal = normaliser()
    known, nearly_known = set(train), {normal(text) for text in train}
    exact = [text for text in test if text in known]
    near = [text for text in test if text not in known and normal(text) in nearly_known]
    return Leaks(
        texts=len(test),
        exact=len(exact),
        near=len(near),
        examples=tuple(dict.fromkeys([*exact, *near]))[:N_EXAMPLES],
        unseen_labels=tuple(sorted(set(test_labels) - set(train_labels))),
    )


def normaliser() -> Callable[[str], str]:
    """A function that drops what rarely changes the meaning: case, punctuation, spacing.

    Symbols stay, so that ``C++`` is not ``C`` and two smileys differ, and so do marks,
    which are the vowels of many scripts. A text of punctuation alone is kept as it is.
    """
    blank = _Blank()

    def normal(text: str) -> str:
        folded = unicodedata.normalize("NFKC", text).casefold()
        return " ".join(folded.translate(blank).split()) or " ".join(folded.split())

    return normal


class _Blank(dict[int, int]):
    """A translation table that learns signs as it meets them; there are a million."""

    def __missing__(self, code: int) -> int:
        # P: punctuation, Z: separators, C: control and invisible signs
        self[code] = ord(" ") if unicodedata.category(chr(code))[0] in "PZC" else code
        return self[code]


def _labels_by_text(rows: Iterable[Row]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text, label in rows:
        found.setdefault(text, set()).add(label)
    return found
