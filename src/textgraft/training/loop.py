"""The one training loop.

Generic in the batch and the loss, so that classifiers, pairs and triplets share it. It runs on
a CPU, a GPU or several processes, goes through the phases of a plan, keeps the best weights
where there are held-out rows, and goes on after a kill where it was, to the same weights.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from textgraft.core.memory import FreedMemory
from textgraft.core.plan import Phase, Plan
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.errors import TrainingError
from textgraft.training.checkpoints import CHECKPOINT
from textgraft.training.groups import check_groups
from textgraft.training.processes import Processes, join_processes, own_random_state
from textgraft.training.records import EpochReport, Training, WatchEpochs, append_to_log, cut_log
from textgraft.training.settings import Batches, LossOf, Rows, Settings
from textgraft.training.state import (
    Place,
    Saved,
    changing,
    copied,
    load_optimizer,
    optimizer_tensors,
    restore,
    resume,
    save_state,
)
from textgraft.training.step import Stepper

__all__ = ["Batches", "LossOf", "Rows", "Settings", "train"]

B = TypeVar("B")


def train(
    network: Any,
    plan: Plan,
    batches: Batches[B],
    loss_of: LossOf,
    *,
    valid: Batches[B] | None = None,
    settings: Settings | None = None,
    watch: Watch = unwatched,
    watch_epoch: WatchEpochs | None = None,
) -> Training:
    """Train a network in place, phase by phase.

    Args:
        network: a torch module with ``layer_groups()``.
        plan: what learns, how fast, for how long.
        batches: training rows.
        loss_of: the loss of one batch.
        valid: held-out rows; epoch 0's steps are used.
        settings: everything else.
        watch: told of every step.
        watch_epoch: told of every epoch.

    Raises:
        TrainingError: the loss became no number (the weights of the last checkpoint are kept), the
            fewest rows that have a loss do not fit in memory, or the run's folder holds another run.
        ParameterError: the plan is for another network.
    """
    settings = settings or Settings()
    check_groups(network, plan)
    processes = join_processes(settings.device)
    # a caller may be measuring, without gradients
    with own_random_state(processes.device), torch.inference_mode(False), torch.enable_grad():
        try:
            return _Run(
                network, plan, batches, loss_of, valid, settings, processes, watch, watch_epoch
            ).through()
        finally:
            network.zero_grad(set_to_none=True)
            network.eval()


@dataclass(eq=False)
class _Run(Generic[B]):
    """One call of :func:`train`."""

    network: Any
    plan: Plan
    batches: Batches[B]
    loss_of: LossOf
    valid: Batches[B] | None
    settings: Settings
    processes: Processes
    watch: Watch
    watch_epoch: WatchEpochs | None

    def __post_init__(self) -> None:
        self.place = Place()
        self.best: dict[str, Tensor] = {}
        self.last_written = time.monotonic()
        self.notes: list[str] = []
        self.names = changing(self.network, self.plan)
        self.freed = FreedMemory()

    # ── the plan ────────────────────────────────────────────────────────────────────

    def through(self) -> Training:
        self.network.to(self.processes.device)
        self.processes.take_from_main(list(self.network.state_dict().values()))
        remembered = self._resume()
        end = 0
        for phase in self.plan.phases:
            first, end = end, end + phase.epochs
            if any(phase.peak_rates) and self.place.epoch < end and not self.place.stopped:
                within = self.place.epoch > first or self.place.step > 0
                self._through_phase(phase, first, remembered if within else {})
                remembered = {}
        if self.best:
            restore(self.network, self.best)
        if self.settings.run is not None:
            # none may read the folder again before the main one has written it
            self.processes.wait()
        reports = self.place.reports
        best_epoch = self.place.best_epoch or max((report.epoch for report in reports), default=0)
        said = self.place.sentences(self.plan, self.batches.fewest)
        return Training(self.plan, reports, best_epoch, (*self.notes, *said))

    def _through_phase(self, phase: Phase, first: int, remembered: dict[str, Tensor]) -> None:
        """Train one phase, whose first epoch is number ``first`` of all."""
        stepper: Stepper[B] = Stepper(
            self.network, self.plan, phase, self.loss_of, self.settings, self.processes, self.place.parts
        )
        load_optimizer(stepper.optimizer, remembered)
        # a phase in which nothing learns was passed over
        self.place.epoch = max(self.place.epoch, first)
        while self.place.epoch < first + phase.epochs and not self.place.stopped:
            self._through_epoch(stepper, first)
            report = self._report(stepper, first)
            self.place = replace(
                self.place, epoch=report.epoch, step=0, loss_sum=0.0, loss_rows=0, seconds=0.0,
                parts=stepper.parts, reports=(*self.place.reports, report),
            )  # fmt: skip
            self._judge(report)
            self._tell(report)
            self._write(stepper)

    # ── an epoch ────────────────────────────────────────────────────────────────────

    def _through_epoch(self, stepper: Stepper[B], first: int) -> None:
        phase, epoch, size = stepper.phase, self.place.epoch, self.settings.accumulate
        steps = self.batches.steps(epoch)
        if not any(len(part) for step in steps for part in step):
            raise TrainingError(f"Epoch {epoch + 1} has no rows to learn from.")
        began = time.monotonic() - self.place.seconds
        for at in range(self.place.step, len(steps), size):
            taken = steps[at : at + size]
            # the middle of the step: a phase of one step would else have the rate of its very start
            middle = (at + len(taken) / 2) / len(steps)
            share = phase.schedule.at((epoch - first + middle) / phase.epochs)
            step = stepper.step(self.batches, [part for parts in taken for part in parts], epoch, at, share)
            if not step.is_finite:
                self._refuse("loss" if not math.isfinite(step.loss) else "gradient", stepper, at)
            self.place.loss_sum += step.loss * step.rows
            self.place.loss_rows += step.rows
            self.place.step = at + len(taken)
            self.place.seconds = time.monotonic() - began
            self.place.parts = stepper.parts
            self.freed.after_a_batch()
            if self.processes.is_main:
                total = self.plan.epochs * len(steps)
                told = self.place.reports[-1].losses if self.place.reports else ""
                self.watch(Progress("training", epoch * len(steps) + self.place.step, total, found=told))
            run = self.settings.run
            if run is not None and time.monotonic() - self.last_written >= run.seconds:
                self._write(stepper)

    def _refuse(self, what: str, stepper: Stepper[B], at: int) -> None:
        run, kept = self.settings.run, ""
        if run is not None and (run.path / CHECKPOINT).is_file():
            kept = f" The checkpoint in {run.path} is of this rate: another one needs another run folder."
        raise TrainingError(
            f"The {what} is no number at step {at + 1} of epoch {self.place.epoch + 1} (highest rate "
            f"{stepper.highest_rate:.1e}). Use a lower rate{self.settings.option('rate')} or look for texts "
            f"that break the encoder.{kept}"
        )

    # ── after an epoch ──────────────────────────────────────────────────────────────

    def _report(self, stepper: Stepper[B], first: int) -> EpochReport:
        began, phase, place = time.monotonic(), stepper.phase, self.place
        valid_loss = None if self.valid is None else stepper.mean_loss(self.valid)
        if valid_loss is not None and not math.isfinite(valid_loss):
            raise TrainingError(
                f"The loss of held-out rows is no number after epoch {place.epoch + 1}. "
                f"Use a lower rate{self.settings.option('rate')} or look for texts that break the encoder."
            )
        share = phase.schedule.at((place.epoch + 1 - first) / phase.epochs)
        return EpochReport(
            phase=phase.name,
            epoch=place.epoch + 1,
            epochs=self.plan.epochs,
            train_loss=place.loss_sum / place.loss_rows,
            valid_loss=valid_loss,
            rates=tuple(rate * share for rate in phase.peak_rates),
            rows=place.loss_rows,
            seconds=round(place.seconds + time.monotonic() - began, 3),
        )

    def _judge(self, report: EpochReport) -> None:
        """Keep the weights if they are the best so far; see whether patience is over."""
        if report.valid_loss is None:
            return
        if report.valid_loss < self.place.best_loss:
            self.place.best_loss, self.place.best_epoch = report.valid_loss, report.epoch
            self.best = copied(self.network, self.names)
        patience, waited = self.settings.patience, report.epoch - self.place.best_epoch
        if patience is not None and waited >= max(patience, 1) and report.epoch < self.plan.epochs:
            self.place.stopped = True

    def _tell(self, report: EpochReport) -> None:
        if not self.processes.is_main:
            return
        if self.watch_epoch is not None:
            self.watch_epoch(report)
        if self.settings.run is not None:
            append_to_log(self.settings.run.log, "epoch", asdict(report))

    # ── checkpoints ─────────────────────────────────────────────────────────────────

    def _write(self, stepper: Stepper[B]) -> None:
        run = self.settings.run
        if run is None or not self.processes.is_main:
            return
        tensors = copied(self.network, self.names)
        save_state(
            run, self.plan, Saved(self.place, tensors, self.best, optimizer_tensors(stepper.optimizer))
        )
        self.last_written = time.monotonic()

    def _resume(self) -> dict[str, Tensor]:
        """Take up the run where its checkpoint is; what the optimiser remembers, if anything."""
        if self.settings.run is None:
            return {}
        saved = resume(self.settings.run, self.plan, self.network, self.names, self.processes)
        self.place, self.best = saved.place, saved.best
        if self.place.reports or self.place.step:
            if self.processes.is_main:
                cut_log(self.settings.run.log, self.place.epoch)
            if not self.place.stopped and self.place.epoch < self.plan.epochs:
                self.notes.append(f"Resumed in epoch {self.place.epoch + 1}, after step {self.place.step}.")
        return saved.optimizer
