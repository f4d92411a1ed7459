"""The one training loop: the only place where an optimiser steps.

Generic in the batch and the loss, so that classifiers, pairs and triplets share it. It runs on
a CPU, a GPU or several processes (``accelerate``), steps through the phases of a plan, keeps the
best weights where there are held-out rows, and goes on after a kill where it was.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from textgraft.core.plan import Phase, Plan, plan_to_json
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.errors import TrainingError
from textgraft.training.checkpoints import RunFolder
from textgraft.training.groups import optimizer_groups, thaw
from textgraft.training.records import EpochReport, Training, append_to_log, report_from_json

B = TypeVar("B")

Rows = np.ndarray
"""(b,) row numbers of a batch."""


class Batches(Protocol[B]):
    """Rows in batches, by number; the same numbers always give the same batches."""

    def steps(self, epoch: int) -> Sequence[list[Rows]]:
        """What each step of an epoch learns from: one batch, in one part or several.

        Parts of a step are computed one after the other and their gradients added, so that
        texts of unlike length need no padding to one another.
        """

    def take(self, rows: Rows, epoch: int) -> B:
        """The batch of some rows, on the CPU."""


LossOf = Callable[[Any, Any], Tensor]
"""(network, batch on the device) -> mean loss over the batch's rows."""


@dataclass(frozen=True)
class Settings:
    """How to train, as far as a plan does not say.

    Attributes:
        seed: of dropout and everything else random; the order of rows is the batches' own.
        device: ``cpu``, ``cuda``, ``cuda:1``, …
        bf16: matrix products in bf16, weights in fp32.
        clip: longest gradient; longer ones are shortened to it.
        accumulate: steps whose gradients are added before the optimiser moves.
        patience: epochs without a better held-out loss before training stops; ``None`` never stops
            early. With held-out rows the best weights are kept either way.
        betas: of Adam.
        run: where to keep checkpoints and the log; ``None`` keeps none.
    """

    seed: int = 0
    device: str = "cpu"
    bf16: bool = False
    clip: float = 1.0
    accumulate: int = 1
    patience: int | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    run: RunFolder | None = None


@dataclass
class _Place:
    """How far a run has come; what a checkpoint knows beside tensors."""

    phase: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_rows: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf
    best_epoch: int = 0
    parts: int = 1
    reports: tuple[EpochReport, ...] = ()


def train(
    network: Any,
    plan: Plan,
    batches: Batches[B],
    loss_of: LossOf,
    *,
    valid: Batches[B] | None = None,
    settings: Settings | None = None,
    watch: Watch = unwatched,
    watch_epoch: Callable[[EpochReport], None] | None = None,
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
        TrainingError: the loss became no number (the weights of the last checkpoint are kept), one
            row alone does not fit in memory, or the run's folder holds another run.
        ParameterError: the plan is for another network.
    """
    settings = settings or Settings()
    with _accelerator(settings.device) as accelerator, _own_random_state(settings.device):
        run = _Run(network, plan, batches, loss_of, valid, settings, accelerator, watch, watch_epoch)
        return run.through()


class _Run(Generic[B]):
    """One call of :func:`train`."""

    def __init__(
        self,
        network: Any,
        plan: Plan,
        batches: Batches[B],
        loss_of: LossOf,
        valid: Batches[B] | None,
        settings: Settings,
        accelerator: Any,
        watch: Watch,
        watch_epoch: Callable[[EpochReport], None] | None,
    ) -> None:
        self.network, self.plan, self.batches, self.loss_of = network, plan, batches, loss_of
        self.valid, self.settings, self.accelerator = valid, settings, accelerator
        self.watch, self.watch_epoch = watch, watch_epoch
        self.place = _Place()
        self.best: dict[str, Tensor] = {}
        self.wrapped: Any = network
        self.optimizer: Any = None
        self.last_written = time.monotonic()
        self.notes: list[str] = []
        self.device = accelerator.device
        self.learns = _ever_learns(network, plan)

    # ── the plan ────────────────────────────────────────────────────────────────────

    def through(self) -> Training:
        self.network.to(self.device)
        state = self._resume()
        stopped = False
        for number in range(self.place.phase, len(self.plan.phases)):
            phase = self.plan.phases[number]
            if phase.epochs and not stopped and any(phase.peak_rates):
                self._begin(phase, state)
                stopped = self._through_phase(number, phase)
            state = None
            self.place = replace(self.place, phase=number + 1, step=0)
        reports, best_epoch = self.place.reports, self.place.best_epoch or len(self.place.reports)
        if self.best:
            _restore(self.network, self.best)
        self.network.eval()
        if self.place.parts > 1:
            self.notes.append(
                f"A batch did not fit in memory; batches were computed in {self.place.parts} parts, "
                "which changes time but not what a batch weighs."
            )
        return Training(self.plan, reports, best_epoch, tuple(self.notes))

    def _begin(self, phase: Phase, state: dict[str, Tensor] | None) -> None:
        thaw(self.network, phase)
        groups = optimizer_groups(self.network, self.plan, phase)
        self.optimizer = torch.optim.AdamW(groups, betas=self.settings.betas, fused=True)
        self.wrapped = self.network
        if self.accelerator.num_processes > 1:
            self.wrapped = self.accelerator.prepare(self.network)
        if state is not None:
            _load_optimizer(self.optimizer, state)

    def _through_phase(self, number: int, phase: Phase) -> bool:
        """Whether training should stop here for good."""
        first = sum(earlier.epochs for earlier in self.plan.phases[:number])
        for epoch in range(self.place.epoch - first, phase.epochs):
            self._through_epoch(phase, first + epoch, epoch)
            report = self._report(phase, first + epoch, phase.schedule.at((epoch + 1) / phase.epochs))
            self.place = replace(
                self.place, epoch=first + epoch + 1, step=0, loss_sum=0.0, loss_rows=0, seconds=0.0,
                reports=(*self.place.reports, report),
            )  # fmt: skip
            stop = self._judge(report)
            self._tell(report)
            self._write()
            if stop:
                return True
        return False

    # ── an epoch ────────────────────────────────────────────────────────────────────

    def _through_epoch(self, phase: Phase, epoch: int, epoch_of_phase: int) -> None:
        steps = self.batches.steps(epoch)
        began = time.monotonic() - self.place.seconds
        size = self.settings.accumulate
        self.wrapped.train()
        for at in range(self.place.step, len(steps), size):
            _seed_step(self.settings.seed, epoch, at)
            share = phase.schedule.at((epoch_of_phase + at / len(steps)) / phase.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = group["peak_rate"] * share
            taken = [part for step in steps[at : at + size] for part in step]
            loss, rows = self._step(taken, epoch, at)
            self.place.loss_sum += loss * rows
            self.place.loss_rows += rows
            self.place.step = min(at + size, len(steps))
            self.place.seconds = time.monotonic() - began
            done = epoch * len(steps) + self.place.step
            self.watch(Progress("training", done, self.plan.epochs * len(steps)))
            self._write_now_and_then()

    def _step(self, taken: list[Rows], epoch: int, at: int) -> tuple[float, int]:
        """One move of the optimiser; mean loss and rows."""
        while True:
            try:
                loss, rows = self._add_gradients(taken, epoch)
                break
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                self._halve(taken)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip, foreach=True)
        if not math.isfinite(loss) or not bool(torch.isfinite(norm)):
            self._refuse(loss, epoch, at)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, rows

    def _add_gradients(self, taken: list[Rows], epoch: int) -> tuple[float, int]:
        parts = [piece for part in taken for piece in np.array_split(part, self.place.parts) if len(piece)]
        total, world = sum(map(len, parts)), self.accelerator.num_processes
        loss_sum = torch.zeros((), device=self.device)
        for number, part in enumerate(parts):
            with self._unsynchronised(number < len(parts) - 1):
                mine = self._share_of_process(part)
                batch = _to_device(self.batches.take(mine, epoch), self.device)
                with torch.autocast(self.device.type, torch.bfloat16, self.settings.bf16):
                    loss = self.loss_of(self.wrapped, batch) * (len(part) / total)
                loss.backward()  # type: ignore[no-untyped-call]
                loss_sum += loss.detach()
        if world > 1:
            loss_sum = self.accelerator.reduce(loss_sum, "mean")
        return float(loss_sum), total

    def _share_of_process(self, rows: Rows) -> Rows:
        """Every process takes as many rows as any other, so some are seen twice in a small rest."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        if world == 1:
            return rows
        each = -(-len(rows) // world)
        return np.resize(rows, each * world)[rank::world]

    @contextmanager
    def _unsynchronised(self, more: bool) -> Iterator[None]:
        if more and self.accelerator.num_processes > 1:
            with self.accelerator.no_sync(self.wrapped):
                yield
        else:
            yield

    def _halve(self, taken: list[Rows]) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        if all(self.place.parts >= len(part) for part in taken):
            raise TrainingError(
                "One row alone does not fit in memory. Read fewer tokens of a text "
                "(-o max_tokens 128), or use a smaller encoder."
            )
        self.place.parts *= 2
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _refuse(self, loss: float, epoch: int, at: int) -> None:
        kept = ""
        run = self.settings.run
        if run is not None and (run.path / "checkpoint.safetensors").is_file():
            kept = f" The last good checkpoint is in {run.path}."
        what = "The loss" if not math.isfinite(loss) else "The gradient"
        rate = max(group["lr"] for group in self.optimizer.param_groups)
        raise TrainingError(
            f"{what} is no number at step {at + 1} of epoch {epoch + 1} (highest rate {rate:.1e}). "
            f"Use a lower rate (-o rate …) or look for texts that break the encoder.{kept}"
        )

    # ── after an epoch ──────────────────────────────────────────────────────────────

    def _report(self, phase: Phase, epoch: int, share: float) -> EpochReport:
        began = time.monotonic()
        valid_loss = self._valid_loss() if self.valid is not None else None
        return EpochReport(
            phase=phase.name,
            epoch=epoch + 1,
            epochs=self.plan.epochs,
            train_loss=self.place.loss_sum / max(1, self.place.loss_rows),
            valid_loss=valid_loss,
            rates=tuple(rate * share for rate in phase.peak_rates),
            rows=self.place.loss_rows,
            seconds=round(self.place.seconds + time.monotonic() - began, 3),
        )

    def _valid_loss(self) -> float:
        assert self.valid is not None
        self.network.eval()
        total, rows = 0.0, 0
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, self.settings.bf16):
            for step in self.valid.steps(0):
                for part in step:
                    batch = _to_device(self.valid.take(part, 0), self.device)
                    total += float(self.loss_of(self.network, batch)) * len(part)
                    rows += len(part)
        return total / max(1, rows)

    def _judge(self, report: EpochReport) -> bool:
        """Keep the weights if they are the best so far; say whether patience is over."""
        if report.valid_loss is None:
            return False
        if report.valid_loss < self.place.best_loss:
            self.place = replace(self.place, best_loss=report.valid_loss, best_epoch=report.epoch)
            self.best = self._copied()
        waited = report.epoch - self.place.best_epoch
        patience = self.settings.patience
        if patience is not None and waited > patience and report.epoch < self.plan.epochs:
            self.notes.append(
                f"Stopped after epoch {report.epoch} of {self.plan.epochs}: the held-out loss was best "
                f"after epoch {self.place.best_epoch}, whose weights are kept."
            )
            return True
        return False

    def _tell(self, report: EpochReport) -> None:
        if self.watch_epoch is not None:
            self.watch_epoch(report)
        run = self.settings.run
        if run is not None and self.accelerator.is_main_process:
            run.path.mkdir(parents=True, exist_ok=True)
            append_to_log(run.log, "epoch", asdict(report))

    # ── checkpoints ─────────────────────────────────────────────────────────────────

    def _write_now_and_then(self) -> None:
        run = self.settings.run
        if run is not None and time.monotonic() - self.last_written >= run.seconds:
            self._write()

    def _write(self) -> None:
        run = self.settings.run
        if run is None or not self.accelerator.is_main_process:
            return
        place = asdict(self.place) | {"plan": plan_to_json(self.plan)}
        place["best_loss"] = None if math.isinf(self.place.best_loss) else self.place.best_loss
        tensors = {f"network.{name}": tensor for name, tensor in self._copied().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in _optimizer_state(self.optimizer).items()}
        run.write(place, tensors)
        self.last_written = time.monotonic()

    def _copied(self) -> dict[str, Tensor]:
        state = self.network.state_dict()
        return {name: state[name].detach().cpu().clone() for name in self.learns}

    def _resume(self) -> dict[str, Tensor] | None:
        """Take up the run where its checkpoint is; the optimiser's state, if any."""
        found = self.settings.run.read() if self.settings.run is not None else None
        if found is None:
            return None
        place, tensors = found
        if place.pop("plan") != plan_to_json(self.plan):
            raise TrainingError(
                "The checkpoint was written under another plan. Name another folder, or remove it."
            )
        place["best_loss"] = math.inf if place["best_loss"] is None else place["best_loss"]
        place["reports"] = tuple(report_from_json(report) for report in place["reports"])
        self.place = _Place(**place)
        _restore(self.network, _under("network.", tensors))
        self.best = _under("best.", tensors)
        self.notes.append(f"Resumed in epoch {self.place.epoch + 1}, after step {self.place.step}.")
        return _under("optimizer.", tensors)


# ── parts ───────────────────────────────────────────────────────────────────────────


@contextmanager
def _accelerator(device: str) -> Iterator[Any]:
    """An accelerator that leaves no state behind, unless somebody else had made one."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    was_there = bool(PartialState._shared_state)
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no")
    try:
        if device.startswith("cuda:") and accelerator.num_processes == 1:
            # accelerate takes the current device
            with torch.cuda.device(device):
                yield _on(accelerator, device)
        else:
            yield accelerator
    finally:
        accelerator.free_memory()
        if not was_there and accelerator.num_processes == 1:
            AcceleratorState._reset_state(True)


def _on(accelerator: Any, device: str) -> Any:
    accelerator.state.device = torch.device(device)
    return accelerator


@contextmanager
def _own_random_state(device: str) -> Iterator[None]:
    """Leave the caller's random state as it was."""
    devices = [torch.device(device)] if device.startswith("cuda:") else None
    with torch.random.fork_rng(devices if device != "cpu" else []):
        yield


def _seed_step(seed: int, epoch: int, step: int) -> None:
    """Make what a step draws depend on its place alone, so that a resumed run draws the same."""
    torch.manual_seed(int(np.random.SeedSequence([seed, epoch, step]).generate_state(1, np.uint64)[0] >> 1))


def _to_device(batch: Any, device: torch.device) -> Any:
    """A tensor, or a dataclass or tuple or dict of them, on the device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple):
        moved = [_to_device(value, device) for value in batch]
        return type(batch)(*moved) if hasattr(batch, "_fields") else tuple(moved)
    return batch


def _is_out_of_memory(error: BaseException) -> bool:
    said = str(error)
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or "DefaultCPUAllocator" in said
        or "out of memory" in said
    )


def _ever_learns(network: Any, plan: Plan) -> list[str]:
    """Names of the tensors that a plan changes: parameters of groups with a rate, and all buffers."""
    groups = zip(network.layer_groups().values(), zip(*(p.peak_rates for p in plan.phases), strict=True), strict=True)  # fmt: skip
    learning = {id(p) for modules, rates in groups if any(rates) for m in modules for p in m.parameters()}
    named = [name for name, parameter in network.named_parameters() if id(parameter) in learning]
    return named + [name for name, _ in network.named_buffers() if name in network.state_dict()]


def _restore(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    network.load_state_dict(tensors, strict=False)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _optimizer_state(optimizer: Any) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"] if optimizer is not None else {}
    return {f"{number}.{name}": value for number, values in state.items() for name, value in values.items()}


def _load_optimizer(optimizer: Any, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    if state:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
