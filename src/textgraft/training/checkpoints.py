"""A training run on disk, so that a killed one goes on where it was.

    run/
    ├── checkpoint.safetensors   weights, optimiser and place, replaced in one step
    └── log.jsonl                an epoch a line

One file holds all of a checkpoint, tensors and place alike, so it is whole or not there.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its checkpoint and its log.

    Attributes:
        path: the folder; made when first written to.
        run: fingerprint of everything that decides what is learned; another run's checkpoint
            is refused.
        seconds: least time between two checkpoints within an epoch.
    """

    path: Path
    run: str
    seconds: float = 60.0

    @property
    def log(self) -> Path:
        return self.path / LOG

    def write(self, place: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Replace the checkpoint; the old one stays whole if the disk refuses.

        Raises:
            TrainingError: it cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        fresh = self.path / f".{CHECKPOINT}.new"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            save_file(
                {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
                fresh,
                {"run": self.run, "place": json.dumps(place)},
            )
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
            fresh.replace(self.path / CHECKPOINT)
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            kept = "; the checkpoint before it is kept" if (self.path / CHECKPOINT).is_file() else ""
            raise TrainingError(f"{self.path} cannot take a checkpoint ({error}){kept}.") from error

    def read(self) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """Place and tensors of the checkpoint, or None where there is none.

        Raises:
            TrainingError: it is another run's, or damaged.
        """
        from safetensors import SafetensorError, safe_open

        path = self.path / CHECKPOINT
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            run, place = about["run"], json.loads(about["place"])
            if not isinstance(place, dict):
                raise ValueError("its place is no place")
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            raise TrainingError(f"{path} is damaged ({error}). Remove the folder to begin anew.") from error
        if run != self.run:
            raise TrainingError(
                f"{self.path} holds the checkpoint of another run (other texts, parameters or plan). "
                "Name another folder with --run, or remove it to begin anew."
            )
        return place, tensors

    def remove_checkpoint(self) -> None:
        """Leave the log alone: what was learned is kept elsewhere."""
        (self.path / CHECKPOINT).unlink(missing_ok=True)


@dataclass(frozen=True)
class FitFolder:
    """Where a fit keeps the runs of its stages, each in a folder of its own.

    Attributes:
        path: the folder; others may lie in it as well.
        runs: those that the fit has asked for, in folds too.
    """

    path: Path
    runs: list[RunFolder] = field(default_factory=list)

    def stage(self, name: str, run: str) -> RunFolder:
        """Where a stage of that fingerprint is kept."""
        self.runs.append(RunFolder(self.path / name, run))
        return self.runs[-1]

    def fold(self, number: int) -> FitFolder:
        """Where a fit without one fold of the rows keeps its stages."""
        return FitFolder(self.path / f"fold-{number}", self.runs)

    def remove_checkpoints(self) -> None:
        """Remove those of this fit, and no other's."""
        for run in self.runs:
            run.remove_checkpoint()
