"""Runs of words as tfidf sees them."""

from __future__ import annotations

import pytest

from textgraft.methods.tfidf import word_features


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("I want a refund", 1, ["want", "refund"]),
        ("I want a refund", 2, ["want", "refund", "i want", "want a", "a refund"]),
        ("I want", 3, ["want", "i want"]),
        ("a b c", 3, ["a b", "b c", "a b c"]),
        ("?! 😀", 2, []),
        ("", 2, []),
        ("naïve CAFÉ", 1, ["naïve", "café"]),
    ],
)
def test_single_letters_count_in_runs_only(text: str, longest: int, expected: list[str]) -> None:
    assert word_features(text, longest) == expected
