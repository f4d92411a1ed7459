"""Lengths of time as people write them."""

from __future__ import annotations

import pytest

from textgraft.core.durations import duration_words, parse_duration
from textgraft.errors import ParameterError


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("1h 5s", 3_605), ("0.5h", 1_800), ("2M", 120)],
)
def test_what_people_write_is_understood(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "10", "0s", "ten minutes", "5m1h", "-3s", "10ms"])
def test_anything_else_is_refused_by_name(written):
    with pytest.raises(ParameterError, match=rf"such as 90s, 10m or 1h30m, found '{written}'"):
        parse_duration(written)


def test_words_are_short():
    assert [duration_words(s) for s in (0.42, 38, 720, 9_000)] == ["0.4 s", "38 s", "12 min", "2.5 h"]
