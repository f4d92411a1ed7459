"""A list of strings from a pickle, read without running it.

fastai publishes the words of a language model as a pickled list. A pickle is a program; this reads only the
few instructions that make a list of strings, and refuses the first other one, so that nothing a file
says is ever looked up, imported or called.
"""

from __future__ import annotations

import pickletools
from pathlib import Path

from textgraft.errors import WeightsError

LARGEST = 2**28
"""Bytes; a list of 60,000 words has less than a million."""

_STRINGS = {"BINUNICODE", "SHORT_BINUNICODE", "UNICODE", "BINUNICODE8"}
_AGAIN = {"BINGET", "LONG_BINGET", "GET"}
_KEPT = {"PROTO", "FRAME", "MARK"}
"""Instructions that change nothing about a plain list."""


def read_pickled_words(path: Path) -> list[str]:
    """The strings of a pickled list, in order.

    Raises:
        WeightsError: it cannot be read, or is anything but a list of strings.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    if data is None:
        raise _refused(path, "a file too large for one")
    words: list[str] = []
    lists = 0
    # a string that comes again is written as its number; what is no string has None
    numbered: dict[object, str | None] = {}
    last: str | None = None
    try:
        for place, (instruction, argument, _) in enumerate(pickletools.genops(data)):
            name = instruction.name
            word = numbered.get(argument) if name in _AGAIN else argument
            if name in _STRINGS | _AGAIN and isinstance(word, str) and lists == 1:
                words.append(word)
                last = word
            elif name == "EMPTY_LIST" and not lists:
                lists, last = 1, None
            elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
                numbered[argument] = last
            elif name == "MEMOIZE":
                numbered[len(numbered)] = last
            elif name in ("APPEND", "APPENDS") and lists == 1:
                last = None
            elif name == "STOP":
                break
            elif name not in _KEPT:
                raise _refused(path, f"the instruction {name} at number {place + 1}")
    except (ValueError, UnicodeDecodeError) as error:
        raise _refused(path, f"no pickle ({error})") from error
    if not words:
        raise _refused(path, "no strings")
    return words


def _refused(path: Path, found: str) -> WeightsError:
    return WeightsError(
        f"{path}: expected a pickled list of words, found {found}. Nothing of it was run; "
        "export the words as a plain list."
    )
