"""Plans: what the builders build, and that a plan survives printing, storing and cutting."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import textgraft as tg
from textgraft.core.plan import (
    Phase,
    Plan,
    discriminative,
    gradual_unfreezing,
    head_first,
    one_cycle,
    plan_from_json,
    plan_table,
    plan_to_json,
    slanted_triangular,
)
from textgraft.core.schedules import Constant, LinearDecay, OneCycle, SlantedTriangular

GROUPS = ("embeddings", "block 1", "block 2", "head")

RATES = st.floats(0, 1e3)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    groups = draw(st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True).map(tuple))
    values = st.lists(RATES, min_size=len(groups), max_size=len(groups)).map(tuple)
    schedule = st.sampled_from([Constant(), OneCycle(), SlantedTriangular(cut=0.3), LinearDecay()])
    phase = st.builds(Phase, st.text(max_size=8), st.integers(0, 9), values, values, schedule)
    return Plan(groups, tuple(draw(st.lists(phase, max_size=4))))


def learning(plan: Plan) -> list[str]:
    """Which groups learn in each phase, a letter each."""
    return ["".join("x" if rate > 0 else "." for rate in phase.peak_rates) for phase in plan.phases]


# ── builders ────────────────────────────────────────────────────────────────────────


def test_discriminative_rates_of_ulmfit() -> None:
    assert discriminative(0.01, 4, 2.6) == pytest.approx((0.01 / 17.576, 0.01 / 6.76, 0.01 / 2.6, 0.01))
    assert discriminative(0.01, 3, 1.0) == (0.01, 0.01, 0.01)


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan])
def test_a_factor_that_cannot_be(factor: float) -> None:
    with pytest.raises(tg.ParameterError, match="above 0"):
        discriminative(0.01, 3, factor)


def test_one_cycle() -> None:
    plan = one_cycle(GROUPS, 3, 1e-3)
    assert plan.epochs == 3
    assert plan.phases == (Phase("all layers", 3, (1e-3,) * 4, (0.01,) * 4, OneCycle()),)


def test_slanted_triangular() -> None:
    (phase,) = slanted_triangular(GROUPS, 2, 0.01).phases
    assert phase.schedule == SlantedTriangular()
    assert phase.peak_rates == discriminative(0.01, 4, 2.6)


def test_head_first() -> None:
    plan = head_first(GROUPS, 1, 4, 1e-4, head_rate=1e-2)
    assert learning(plan) == ["...x", "xxxx"]
    assert [phase.epochs for phase in plan.phases] == [1, 4]
    assert plan.phases[0].peak_rates[-1] == 1e-2
    assert plan.phases[1].peak_rates[-1] == 1e-4


def test_gradual_unfreezing_thaws_one_group_a_phase_from_the_output() -> None:
    plan = gradual_unfreezing(GROUPS, 0.01, epochs_each=2, last_epochs=5)
    assert learning(plan) == ["...x", "..xx", ".xxx", "xxxx"]
    assert [phase.epochs for phase in plan.phases] == [2, 2, 2, 5]
    assert [phase.name for phase in plan.phases] == ["last 1", "last 2", "last 3", "all layers"]
    # what learns, learns at the rate it has in the whole plan
    whole = discriminative(0.01, 4, 2.6)
    for phase in plan.phases:
        assert all(rate in (0.0, full) for rate, full in zip(phase.peak_rates, whole, strict=True))


def test_gradual_unfreezing_of_one_group_is_one_phase() -> None:
    assert learning(gradual_unfreezing(["all"], 0.01)) == ["x"]


# ── cutting ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "xxxx"), (1, ".xxx"), (3, "...x"), (4, "...."), (9, "...."),
        (-1, "...x"), (-2, "..xx"), (-4, "xxxx"), (-9, "xxxx"),
    ],
)  # fmt: skip
def test_freeze_to(n: int, said: str) -> None:
    assert learning(one_cycle(GROUPS, 1, 1e-3).freeze_to(n)) == [said]


def test_freeze_all_but() -> None:
    plan = gradual_unfreezing(GROUPS, 0.01)
    assert learning(plan.freeze_all_but(["head", "embeddings"])) == ["...x", "...x", "...x", "x..x"]
    with pytest.raises(tg.ParameterError, match="layer groups tail, top: expected some of embeddings"):
        plan.freeze_all_but({"top", "tail", "head"})


def test_then() -> None:
    first, second = one_cycle(GROUPS, 1, 1e-3).freeze_to(-1), one_cycle(GROUPS, 2, 1e-4)
    assert learning(first.then(second)) == ["...x", "xxxx"]
    assert first.then(second).epochs == 3
    with pytest.raises(tg.ParameterError, match="same layer groups"):
        first.then(one_cycle(["head"], 1, 1e-3))


@given(plans())
def test_freezing_changes_nothing_but_rates(plan: Plan) -> None:
    frozen = plan.freeze_to(1)
    assert [(p.name, p.epochs, p.weight_decay, p.schedule) for p in frozen.phases] == [
        (p.name, p.epochs, p.weight_decay, p.schedule) for p in plan.phases
    ]
    assert plan.freeze_to(0) == plan
    assert frozen.freeze_to(1) == frozen


# ── storing and printing ────────────────────────────────────────────────────────────


@given(plans())
def test_json_and_back_is_the_same(plan: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"groups": ["a"]},
        {"groups": 3, "phases": []},
        {"groups": ["a"], "phases": [{"name": "x"}]},
    ],
)
def test_values_that_are_no_plan_are_one_line(plain: dict[str, object]) -> None:
    with pytest.raises(tg.ParameterError, match="no plan"):
        plan_from_json(plain)


def test_the_table() -> None:
    plan = head_first(("body", "head"), 1, 2, 1e-4, head_rate=0.01, factor=2.0)
    assert plan_table(plan, {"body": 22_000_000, "head": 385}).splitlines() == [
        "1. head: 1 epoch, one-cycle, 385 of 22,000,385 parameters learn",
        "   body     22,000,000  frozen",
        "   head            385  rate 1.00e-02  weight decay 0.01",
        "2. all layers: 2 epochs, one-cycle, 22,000,385 of 22,000,385 parameters learn",
        "   body     22,000,000  rate 5.00e-05  weight decay 0.01",
        "   head            385  rate 1.00e-04  weight decay 0.01",
    ]


# ── faults ──────────────────────────────────────────────────────────────────────────


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(tg.ParameterError) as caught:
        Plan(
            ("a", "a", "b"),
            (
                Phase("one", -1, (1.0,), (0.0, 0.0, 0.0), Constant()),
                Phase("two", 1, (1.0, math.nan, -1.0), (0.0, 0.0, math.inf), Constant()),
            ),
        )
    said = str(caught.value)
    for fault in (
        "layer groups named twice: a",
        "phase 'one' has 1 peak_rates for 3 groups",
        "phase 'one' has -1 epochs",
        "phase 'two' has a number among its peak_rates",
        "phase 'two' has a number among its weight_decay",
    ):
        assert fault in said
    assert "\n" not in said


def test_a_plan_without_groups_or_with_half_an_epoch() -> None:
    with pytest.raises(tg.ParameterError, match="no layer groups"):
        Plan((), ())
    with pytest.raises(tg.ParameterError, match=r"has 1\.5 epochs"):
        one_cycle(GROUPS, 1.5, 1e-3)  # type: ignore[arg-type]
