"""Does a file carry several labels a text? textgraft learns one, so it is good to know early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from textgraft.experiments.repeats import Repeats
from textgraft.experiments.tables import shortened

SEPARATORS = {",": "a comma", ";": "a semicolon", "|": "a bar '|'", "\n": "a line break"}

FEWEST = 2
"""Labels, or texts, that must show the sign; one alone can be an accident."""

SHARE_OF_LABELS = 0.1
SHARE_OF_TEXTS = 0.05


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


def _lists(names: set[str], separator: str) -> list[str]:
    """The labels that are lists of parts, each of which occurs in another label; sorted."""
    parts_of = {name: {part.strip() for part in name.split(separator) if part.strip()} for name in names}
    uses = Counter(part for parts in parts_of.values() for part in parts)
    return sorted(
        name for name, parts in parts_of.items() if len(parts) > 1 and all(uses[part] > 1 for part in parts)
    )
