"""Words as the makers of pretrained word vectors split them.

GloVe was counted on lower-cased text that the Stanford tokenizer had split: contractions in two
("do n't", "it 's"), punctuation as words of its own, numbers and "u.s." whole. Vectors are found
only for words that are split the same way. Two departures, since they find more vectors: words
joined by a hyphen are split at it, and any run of dots is the one word "...".

English rules; other languages are split at white space and punctuation. Languages that write no
spaces between words need another splitter.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Container, Iterable

_TAG = re.compile(r"</?[A-Za-z][\w-]*(?:\s+[\w-]+\s*=[^<>]*)?\s*/?>")
"""``<b>`` and its like: no words; ``x <y and z> 3`` is none."""

_BREAK = re.compile(r"<(?:br|/?p)\s*/?>", re.IGNORECASE)
"""Tags that end a line."""

_DOTS = re.compile(r"\.{2,}")

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("’‘´\x91\x92", "'"),
        **dict.fromkeys("“”„«»\x93\x94", '"'),
        **dict.fromkeys("–—\x96\x97", "--"),
        **dict.fromkeys("…\x85", "..."),
    }
)
"""Typographic signs to those of plain text; \\x85 and \\x91 to \\x97 are Windows signs read as Latin-1."""

# accents and vowel signs that stand behind their letter are no letters to Python's ``re``
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e"
_LETTERS = rf"(?:[^\W\d_]|[{_MARKS}])+"
_CLITIC = r"(?:s|re|ve|ll|d|m)\b"

_WORD = re.compile(
    r"[A-Za-z]++(?![\w.'])"  # nine words in ten; the rest is for the others
    r"|(?:[A-Za-z]\.){2,}"  # u.s.
    r"|(?i:(?:mr|mrs|ms|dr|st|jr|sr|vs|etc)\.)"
    r"|(?i:n't)\b"
    rf"|{_LETTERS}(?:'(?!(?i:{_CLITIC})){_LETTERS})*"  # o'brien, but it 's
    rf"|'(?i:{_CLITIC}|em\b)"
    r"|'\d\ds\b"  # '80s
    r"|\d+(?:[.,:/]\d+)*(?i:st|nd|rd|th|s)?"  # 1,000  7.5  7/10  3rd  1980s
    r"|\.{3}|-{2,3}|[^\w\s]|_"
)

_NOT = re.compile(r"n't\b", re.IGNORECASE)


def split_words(text: str, lower: bool = True) -> list[str]:
    """The words of a text; empty for a text without any.

    Args:
        text: any text; HTML tags and entities are read as what they stand for.
        lower: lower-case, as ``glove`` is; ``False`` for vectors that may tell cases apart.
    """
    text = plain_text(text)
    return find_words(text.lower() if lower else text)


def as_known(words: Iterable[str], known: Container[str]) -> list[str]:
    """Each word as it is written where it is known so, else in lower case."""
    return [word if word in known else word.lower() for word in words]


def plain_text(text: str) -> str:
    """Text without HTML and typography: entities and curly quotes as what they stand for, letters composed.

    Tags that end a line become one ``\\n``, all others a space.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return text


def find_words(text: str) -> list[str]:
    """The words of a :func:`plain_text`, in the case they have."""
    if ".." in text:
        text = _DOTS.sub(" ... ", text)
    return _WORD.findall(_NOT.sub(r" \g<0>", text))
