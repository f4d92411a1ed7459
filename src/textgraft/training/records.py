"""What training tells: a record an epoch, and all of them together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from textgraft.core.plan import Plan, plan_from_json, plan_to_json
from textgraft.errors import TrainingError


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

    @property
    def losses(self) -> str:
        """Its losses for a person."""
        held_out = "" if self.valid_loss is None else f", held-out {self.valid_loss:.3f}"
        return f"loss {self.train_loss:.3f}{held_out} in epoch {self.epoch}"


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


def epochs_table(training: Training) -> str:
    """An epoch a line: losses, the last group's rate at its end, rows and seconds; ``*`` marks the best."""
    columns = ("", "epoch", "phase", "train loss", "held-out loss", "rate", "rows", "seconds")
    rows = [columns]
    for report in training.reports:
        rows.append(
            (
                "*" if report.epoch == training.best_epoch else "",
                f"{report.epoch}/{report.epochs}",
                report.phase,
                f"{report.train_loss:.4f}",
                "-" if report.valid_loss is None else f"{report.valid_loss:.4f}",
                f"{report.rates[-1]:.1e}",
                f"{report.rows:,}",
                f"{report.seconds:.1f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            # the phase is a word, all others are numbers
            cell.ljust(width) if columns[at] == "phase" else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def append_to_log(path: Path, event: str, fields: dict[str, Any]) -> None:
    """Add one JSON line to a log.

    Raises:
        TrainingError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event} | fields) + "\n")
    except OSError as error:
        raise TrainingError(f"{path} cannot take a line ({error}).") from error


def cut_log(path: Path, epoch: int) -> None:
    """Remove what a log says of epochs after ``epoch``, which will be trained again, and a torn line."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            said = json.loads(line)
            if said["event"] != "epoch" or said["epoch"] <= epoch:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    path.write_text("".join(kept), encoding="utf-8")
