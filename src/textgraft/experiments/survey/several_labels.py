"""Does a file carry several labels a text? They are learned otherwise, so it is good to know early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from textgraft.experiments.survey.repeats import Repeats
from textgraft.experiments.tables import shortened

SEPARATORS = {",": "a comma", ";": "a semicolon", "|": "a bar '|'", "\n": "a line break"}

FEWEST = 2
"""Labels, or texts, that must show the sign; one alone can be an accident."""

SHARE_OF_LABELS = 0.1
SHARE_OF_TEXTS = 0.05
SHARE_THAT_ARE_LISTS = 0.9


def multilabel_evidence(labels: Sequence[str], repeats: Repeats) -> str | None:
    """One sentence saying why the rows look multi-label, or ``None`` when they do not.

    Either a tenth of the labels are lists whose every part occurs in another label too
    (``sport, politics`` beside ``sport``; ``London, UK`` is no list), or one text in twenty
    stands under several labels.
    """
    names = set(labels)
    for separator, called in SEPARATORS.items():
        lists = _lists(names, separator)
        if len(lists) >= max(FEWEST, SHARE_OF_LABELS * len(names)):
            return (
                f"{len(lists):,} of {len(names):,} labels contain {called} and their parts recur "
                f"in other labels, such as {shortened(lists[0])!r}."
            )
    several = repeats.conflicts + repeats.near_conflicts
    if several >= max(FEWEST, SHARE_OF_TEXTS * repeats.distinct):
        return f"{several:,} of {repeats.distinct:,} distinct texts stand under several labels."
    return None


def label_lists(names: set[str], separator: str) -> list[str]:
    """The labels that are lists of other labels, sorted; none where that may be an accident.

    There are :data:`FEWEST` or more of them, a tenth of all labels, and nine in ten of the labels that have
    the separator: it may be a sign like any other in ``yes|no`` beside ``a|b``.
    """
    lists = _lists(names, separator)
    with_sign = sum(separator in name.strip(f"{separator} ") for name in names)
    enough = len(lists) >= max(FEWEST, SHARE_OF_LABELS * len(names), SHARE_THAT_ARE_LISTS * with_sign)
    return lists if enough else []


def _lists(names: set[str], separator: str) -> list[str]:
    """The labels that are lists of parts, each of which occurs in another label; sorted."""
    parts_of = {name: {part.strip() for part in name.split(separator) if part.strip()} for name in names}
    uses = Counter(part for parts in parts_of.values() for part in parts)
    return sorted(
        name for name, parts in parts_of.items() if len(parts) > 1 and all(uses[part] > 1 for part in parts)
    )
