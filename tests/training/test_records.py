"""Records of a training: stored, printed and joined."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from small import plan_of

from textgraft.core.plan import one_cycle
from textgraft.training.joining import joined
from textgraft.training.records import (
    EpochReport,
    Training,
    epochs_table,
    training_from_json,
    training_to_json,
)

TRAINING = Training(
    plan_of((0.0, 0.1), (0.1, 0.2)),
    (
        EpochReport("head", 1, 2, 1.25, 0.5, (0.0, 0.1), 1200, 3.21),
        EpochReport("all layers", 2, 2, 0.75, 0.625, (0.1, 0.2), 1200, 12.0),
    ),
    best_epoch=1,
    notes=("A note.",),
)


def test_json_and_back_is_the_same() -> None:
    assert training_from_json(json.loads(json.dumps(training_to_json(TRAINING)))) == TRAINING


def test_the_table() -> None:
    assert epochs_table(TRAINING).splitlines() == [
        "   epoch  phase       train loss  held-out loss     rate   rows  seconds",
        "*    1/2  head            1.2500         0.5000  1.0e-01  1,200      3.2",
        "     2/2  all layers      0.7500         0.6250  2.0e-01  1,200     12.0",
    ]


def test_the_table_without_held_out_rows_and_without_epochs() -> None:
    blind = replace(TRAINING, reports=(replace(TRAINING.reports[0], valid_loss=None),))
    assert " ".join(epochs_table(blind).splitlines()[1].split()) == "* 1/2 head 1.2500 - 1.0e-01 1,200 3.2"
    assert len(epochs_table(replace(TRAINING, reports=())).splitlines()) == 1


def test_two_trainings_as_one_story() -> None:
    first = Training(
        one_cycle(["body"], 3, 0.5),
        (EpochReport("all layers", 1, 3, 2.0, None, (0.5,), 8, 1.0),),
        1,
        ("First.",),
    )
    story = joined("warm-up", first, TRAINING)
    assert story.plan.groups == ("body", "head")
    assert [(p.name, p.epochs) for p in story.plan.phases] == [("warm-up", 3), ("phase 1", 1), ("phase 2", 1)]
    assert story.plan.phases[0].peak_rates == (0.5, 0.0)
    assert [(r.phase, r.epoch) for r in story.reports] == [("warm-up", 1), ("head", 4), ("all layers", 5)]
    assert {r.epochs for r in story.reports} == {5}
    assert story.reports[0].rates == pytest.approx((0.5, 0.0))
    assert story.best_epoch == 4
    assert story.notes == ("First.", "A note.")
