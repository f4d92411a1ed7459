"""Schedules: the papers' numbers, and always a share."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import textgraft as tg
from textgraft.core.schedules import (
    SCHEDULES,
    Constant,
    LinearDecay,
    OneCycle,
    Schedule,
    SlantedTriangular,
    schedule_from_json,
    schedule_name,
    schedule_to_json,
)

SHARES = st.floats(0, 1)
ANY_SCHEDULE = st.one_of(
    st.just(Constant()),
    st.builds(OneCycle, warmup=SHARES, start=SHARES, end=SHARES),
    st.builds(SlantedTriangular, cut=SHARES, ratio=st.floats(1, 1e6)),
    st.builds(LinearDecay, warmup=SHARES),
)


def ulmfit_rate(t: int, total: int, cut_fraction: float = 0.1, ratio: float = 32) -> float:
    """Equation 3 of ULMFiT, word for word, as a share of the peak rate."""
    cut = math.floor(total * cut_fraction)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_fraction - 1))
    return (1 + p * (ratio - 1)) / ratio


@pytest.mark.parametrize("total", [10, 100, 1000])
def test_slanted_triangular_is_equation_3(total: int) -> None:
    for t in range(total + 1):
        assert SlantedTriangular().at(t / total) == pytest.approx(ulmfit_rate(t, total), abs=1e-12)


def test_slanted_triangular_in_numbers() -> None:
    # with a peak of 0.01, figure 2 of the paper begins at 0.01 / 32
    at = SlantedTriangular(cut=0.1, ratio=32).at
    assert [at(x) for x in (0.0, 0.05, 0.1, 0.55, 1.0)] == pytest.approx(
        [0.03125, 0.515625, 1.0, 0.515625, 0.03125]
    )


def test_one_cycle_in_numbers() -> None:
    at = OneCycle(warmup=0.25, start=0.04, end=0.0).at
    assert [at(x) for x in (0.0, 0.125, 0.25, 0.625, 1.0)] == pytest.approx([0.04, 0.52, 1.0, 0.5, 0.0])


def test_linear_decay_in_numbers() -> None:
    at = LinearDecay(warmup=0.1).at
    assert [at(x) for x in (0.0, 0.05, 0.1, 0.55, 1.0)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


@given(ANY_SCHEDULE, SHARES)
def test_a_share_is_always_a_share(schedule: Schedule, progress: float) -> None:
    assert 0.0 <= schedule.at(progress) <= 1.0


@given(ANY_SCHEDULE)
def test_json_and_back_is_the_same(schedule: Schedule) -> None:
    assert schedule_from_json(schedule_to_json(schedule)) == schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_default_reaches_its_peak_and_rises_before_it_falls(name: str) -> None:
    values = [SCHEDULES[name]().at(step / 1000) for step in range(1001)]
    peak = values.index(max(values))
    assert max(values) == pytest.approx(1.0, abs=1e-3)
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_phase_of_one_step_learns(name: str) -> None:
    # the loop asks for the middle of a step
    assert SCHEDULES[name]().at(0.5) > 0.4


@pytest.mark.parametrize("schedule", [OneCycle(warmup=1), SlantedTriangular(cut=1), LinearDecay(warmup=1)])
def test_one_that_only_rises_ends_at_the_peak(schedule: Schedule) -> None:
    assert schedule.at(1.0) == pytest.approx(1.0)
    assert schedule.at(0.999) == pytest.approx(schedule.at(1.0), abs=0.01)


@pytest.mark.parametrize("schedule", [OneCycle(warmup=0), SlantedTriangular(cut=0), LinearDecay(warmup=0)])
def test_one_that_only_falls_begins_at_the_peak(schedule: Schedule) -> None:
    assert schedule.at(0.0) == 1.0


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(tg.ParameterError, match=r"warmup .* 1\.5; start .* -1; end .* nan"):
        OneCycle(warmup=1.5, start=-1, end=math.nan)
    with pytest.raises(tg.ParameterError, match=r"cut .* 2; ratio .* 0\.5"):
        SlantedTriangular(cut=2, ratio=0.5)
    with pytest.raises(tg.ParameterError, match="warmup"):
        LinearDecay(warmup=-0.1)


def test_unknown_values_are_one_line() -> None:
    with pytest.raises(tg.ParameterError, match="'cosine': expected one of constant, one-cycle"):
        schedule_from_json({"name": "cosine"})
    with pytest.raises(tg.ParameterError, match="other settings"):
        schedule_from_json({"name": "constant", "warmup": 1})
    with pytest.raises(tg.ParameterError, match="Unknown schedule None"):
        schedule_from_json({})


def test_names() -> None:
    assert [schedule_name(kind()) for kind in SCHEDULES.values()] == list(SCHEDULES)
