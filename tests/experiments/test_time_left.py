"""Time left: by what cells of the same kind took, by rows for other sizes, by what is seen of a new one."""

from __future__ import annotations

import pytest

from textgraft.experiments.comparing.time_left import TimeLeft


def test_time_left_knows_that_methods_take_different_times():
    now = [0.0]
    todo = [(("cheap", "8"), 80), (("dear", "8"), 80), (("cheap", "all"), 800), (("dear", "all"), 800)]
    left = TimeLeft(todo * 2, clock=lambda: now[0])
    left.begin()
    assert left.seconds() is None
    now[0] = 1.0
    left.end()
    left.begin()
    now[0] = 11.0
    # a tenth of the dear one's few rows took 10 s: 90 s are left of it, and ten times as long with all rows
    assert left.seconds(0.1) == pytest.approx(90 + 10 + 1_000 + 1 + 100 + 10 + 1_000)
    now[0] = 51.0
    left.end()
    left.begin()
    # it took 50 s in the end
    assert left.seconds() == pytest.approx(10 + 500 + 1 + 50 + 10 + 500)
    for at in (61.0, 161.0):
        now[0] = at
        left.end()
        left.begin()
    assert left.seconds() == pytest.approx(1 + 50 + 10 + 100)
    # what takes longer than it did before is never less than over
    now[0] += 500
    assert left.seconds() == pytest.approx(50 + 10 + 100)
