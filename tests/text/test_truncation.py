"""What is left of a text that is too long."""

from __future__ import annotations

import pytest

from textgraft.text.truncation import truncate_faults, truncated, truncation_sentence

ROW = list(range(10))


@pytest.mark.parametrize(
    ("limit", "truncate", "expected"),
    [
        (4, "end", [0, 1, 2, 3]),
        (4, "middle", [0, 1, 8, 9]),
        (5, "middle", [0, 1, 2, 8, 9]),
        (1, "middle", [0]),
        (10, "middle", ROW),
        (99, "middle", ROW),
        (99, "end", ROW),
    ],
)
def test_end_or_middle_is_left_out(limit: int, truncate: str, expected: list[int]) -> None:
    assert truncated(ROW, limit, truncate) == expected


def test_what_is_left_out_must_be_known() -> None:
    assert truncate_faults("middle") == []
    assert truncate_faults("start") == ["truncate must be end or middle, found 'start'"]


@pytest.mark.parametrize(
    ("truncate", "percent", "rest"),
    [
        ("end", 81.6, "82 % of the training texts are read whole, of the others the start."),
        ("middle", 81.6, "82 % of the training texts are read whole, of the others the start and the end."),
        ("middle", 100.0, "100 % of the training texts are read whole."),
    ],
)
def test_what_is_read_is_said(truncate: str, percent: float, rest: str) -> None:
    said = truncation_sentence(truncate, "9 words", percent)
    assert said == f"Reads up to 9 words of a text: {rest}"
