"""What training tells: a record an epoch, and all of them together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from textgraft.core.plan import Plan, plan_from_json, plan_to_json


@dataclass(frozen=True)
class EpochReport:
    """One epoch.

    Attributes:
        phase: name of its phase.
        epoch: number among all epochs of the plan, from 1.
        epochs: how many the plan has.
        train_loss: mean over the epoch's rows, dropout at work.
        valid_loss: mean over held-out rows; ``None`` without any.
        rates: rate of each layer group at the epoch's end.
        rows: rows learned from.
        seconds: of the epoch, held-out rows included.
    """

    phase: str
    epoch: int
    epochs: int
    train_loss: float
    valid_loss: float | None
    rates: tuple[float, ...]
    rows: int
    seconds: float


WatchEpochs = Callable[[EpochReport], None]


@dataclass(frozen=True)
class Training:
    """How a network came to be.

    Attributes:
        plan: what was to be done.
        reports: what was done, an epoch each.
        best_epoch: the epoch whose weights were kept, from 1.
        notes: what a person should know, a sentence each.
    """

    plan: Plan
    reports: tuple[EpochReport, ...]
    best_epoch: int
    notes: tuple[str, ...] = ()


def training_to_json(training: Training) -> dict[str, Any]:
    """A training as JSON values."""
    return {
        "plan": plan_to_json(training.plan),
        "reports": [asdict(report) for report in training.reports],
        "best_epoch": training.best_epoch,
        "notes": list(training.notes),
    }


def training_from_json(plain: dict[str, Any]) -> Training:
    """The inverse of :func:`training_to_json`."""
    return Training(
        plan_from_json(plain["plan"]),
        tuple(report_from_json(report) for report in plain["reports"]),
        plain["best_epoch"],
        tuple(plain["notes"]),
    )


def report_from_json(plain: dict[str, Any]) -> EpochReport:
    """One epoch from JSON values."""
    return EpochReport(**(plain | {"rates": tuple(plain["rates"])}))


def append_to_log(path: Path, event: str, fields: dict[str, Any]) -> None:
    """Add one JSON line to a log."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"event": event} | fields) + "\n")
