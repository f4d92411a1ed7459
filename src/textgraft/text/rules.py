"""Case and repetition told by tokens of their own, as in fastai, so that ``The`` and ``the`` share a word.

Howard and Gugger, "fastai: A Layered API for Deep Learning", 2020, and Howard and Ruder, ULMFiT, 2018,
section 3.1. The rules work on text and write each mark as one private character, so that subwords
and words can follow them alike:

    The WORLD is soooo big      →   ⟨xxmaj⟩ the⟨xxup⟩ world is s⟨xxrep⟩4 o big
    no no no                    →   ⟨xxwrep⟩ 3 no

A mark stands before the space of its word, so that a word is the same piece with a mark and without.
Three departures from fastai. Words inside punctuation have marks too. Digits are never counted as
repeated, or 10000 would be ``1 xxrep 4 0``. Repetition of characters counts from four, since III and
``...`` are words. As there, a single letter has no mark, and of ``iPhone`` the capital is lost.
"""

from __future__ import annotations

import re

from textgraft.text.special import MAJ, REP, UP, WREP
from textgraft.text.words import plain_text

MARKS = {"\ue000": MAJ, "\ue001": UP, "\ue002": REP, "\ue003": WREP}
"""Characters for private use → the tokens they stand for."""

_MAJ, _UP, _REP, _WREP = MARKS
_ANY_MARK = re.compile(f"[{''.join(MARKS)}]")
_CASE = f"[{_MAJ}{_UP}]"
_LETTER = r"[^\W\d_]"

# words of lower-case ASCII, most of all words, are left alone without asking
_CAPITAL = re.compile(rf"( ?)(?<!{_LETTER})(?![a-z]++(?!{_LETTER}))({_LETTER}+)")
# the look-behind lets a run begin at its first character only, or long runs would take quadratic time;
# letters must end a word: of "sssoft" the rest would be glued to the counted letter
_CHARACTERS = re.compile(rf"( ?)([^\s\d])(?<!\2\2)\2{{3,}}+(?!(?<={_LETTER}){_LETTER})")
_WORDS = re.compile(rf"({_CASE}? \w+)\1{{2,}}(?!\w)")

_COUNTED_CHARACTERS = re.compile(rf"{_REP}( ?)(\d{{1,4}}) (\S)")
_COUNTED_WORDS = re.compile(rf"{_WREP} (\d{{1,4}})({_CASE}? \w+)")
_MARKED = re.compile(rf"({_CASE})( ?)({_LETTER}+)")


def tidy(text: str) -> str:
    """A :func:`plain_text` without blank lines and runs of spaces, one space before each line.

    So the first word of a line is spelled as any other. Blank text gives ``""``.
    """
    # a text's own private characters must not pass for marks
    lines = _ANY_MARK.sub("\ufffd", plain_text(text)).splitlines()
    return "\n".join(f" {line}" for line in (" ".join(line.split()) for line in lines) if line)


def untidy(text: str) -> str:
    """:func:`tidy` text for people: no space before a line."""
    return text.replace("\n ", "\n").removeprefix(" ")


def with_marks(text: str) -> str:
    """:func:`tidy` text in lower case, case and repetition told by marks."""
    text = _CAPITAL.sub(_lowered, text)
    text = _WORDS.sub(lambda run: f"{_WREP} {len(run[0]) // len(run[1])}{run[1]}", text)
    return _CHARACTERS.sub(lambda run: f"{_REP}{run[1]}{len(run[0]) - len(run[1])} {run[2]}", text)


def without_marks(text: str) -> str:
    """What :func:`with_marks` was given, up to capitals of single letters and within words.

    Marks that do not stand where the rules write them, as a language model may, are dropped; counts
    above 9,999 too.
    """
    text = _COUNTED_CHARACTERS.sub(lambda run: run[1] + int(run[2]) * run[3], text)
    text = _COUNTED_WORDS.sub(lambda run: int(run[1]) * run[2], text)
    return _ANY_MARK.sub("", _MARKED.sub(_raised, text))


def _lowered(found: re.Match[str]) -> str:
    space, word = found.groups()
    low = word.lower()
    if len(word) == 1 or low == word:
        return f"{space}{low}"
    # only what can be undone is marked
    if low.upper() == word:
        return f"{_UP}{space}{low}"
    if low[0].upper() + low[1:] == word:
        return f"{_MAJ}{space}{low}"
    return f"{space}{low}"


def _raised(found: re.Match[str]) -> str:
    mark, space, low = found.groups()
    return f"{space}{low.upper() if mark == _UP else low[0].upper() + low[1:]}"
