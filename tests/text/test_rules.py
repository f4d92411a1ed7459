"""Case and repetition as marks: what they are for given texts, and that they can be undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.rules import MARKS, tidy, untidy, with_marks, without_marks

OURS = st.text(alphabet="aAbB oO!.19\n", max_size=60)


def shown(text: str) -> str:
    for mark, name in MARKS.items():
        text = text.replace(mark, f"<{name}>")
    return text


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("The cat", "<xxmaj> the cat"),
        ("a CAT", " a<xxup> cat"),
        ('he said: "No."', ' he said: "<xxmaj>no."'),
        ("(NASA's)", " (<xxup>nasa's)"),
        ("I am J. Doe", " i am j.<xxmaj> doe"),
        ("an iPhone", " an iphone"),
        ("Well-Known", "<xxmaj> well-<xxmaj>known"),
        ("MP3 3D Covid-19", "<xxup> mp3 3d<xxmaj> covid-19"),
        ("Ünder ÉCOLE Привет", "<xxmaj> ünder<xxup> école<xxmaj> привет"),
        ("soooo", " s<xxrep>4 o"),
        ("SOOOO", "<xxup> s<xxrep>4 o"),
        ("sooo", " sooo"),
        ("aaaab", " aaaab"),
        ("so !!!! he", " so<xxrep> 4 ! he"),
        ("Henry III ... 10000", "<xxmaj> henry<xxup> iii ... 10000"),
        ("no no no", "<xxwrep> 3 no"),
        ("No No No NO", "<xxwrep> 3<xxmaj> no<xxup> no"),
        ("no no", " no no"),
        ("no no no nobody", "<xxwrep> 3 no nobody"),
        ("1 1 1", "<xxwrep> 3 1"),
        ("no\nno no", " no\n no no"),
        ("हिन्दी 日本語", " हिन्दी 日本語"),
        ("", ""),
    ],
)
def test_marks(text: str, marked: str) -> None:
    assert shown(with_marks(tidy(text))) == marked


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("a  b\t c \n\n\r\n d", " a b c\n d"),
        (" \n ", ""),
        ("good<br /><br />film", " good\n film"),
        ("R&amp;B “it’s”", ' R&B "it\'s"'),
        ("a\ue000b", " a\ufffdb"),
    ],
)
def test_tidy(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


@given(st.text())
def test_tidy_lines_begin_with_their_only_lone_space(text: str) -> None:
    tidied = tidy(text)
    assert all(line.startswith(" ") and line.strip() == line[1:] for line in tidied.split("\n") if tidied)
    assert "  " not in tidied
    assert untidy(tidied) == "\n".join(" ".join(line.split()) for line in tidied.split("\n"))


@given(OURS)
def test_marks_are_undone_but_for_capitals_within_words_and_of_single_letters(text: str) -> None:
    tidied = tidy(text)
    back = without_marks(with_marks(tidied))
    assert back.lower() == tidied.lower()
    assert with_marks(back) == with_marks(tidied)


@given(st.text())
def test_any_text_keeps_its_characters_but_for_case(text: str) -> None:
    tidied = tidy(text)
    back = without_marks(with_marks(tidied))
    # a few letters have no lower case of one letter, and casefold knows
    assert back.casefold() == tidied.casefold() or back.lower() == tidied.lower()
    assert not any(mark in back for mark in MARKS)


@given(st.text(alphabet="".join(MARKS) + " ab19\n", max_size=60))
def test_marks_in_any_order_can_be_read(text: str) -> None:
    """A language model writes what it likes."""
    assert not any(mark in without_marks(text) for mark in MARKS)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a" * 200_000 + "b",
        "A" * 200_000,
        "a a" * 60_000,
        "aA" * 100_000,
        " a" * 100_000 + "b",
        "!" * 99_999,
    ],
)
def test_long_runs_take_no_time(text: str) -> None:
    """A pattern that tries every place of a run would take hours here."""
    without_marks(with_marks(tidy(text)))
