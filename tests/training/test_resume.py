"""A killed run goes on to the same weights; a checkpoint is whole, or refused in one line."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import killed_run
import pytest
import torch
from small import TwoLayers, loss_of, plan_of, same, some_batches, weights_of

from textgraft.core.plan import Plan
from textgraft.errors import TrainingError
from textgraft.training.checkpoints import CHECKPOINT, RunFolder
from textgraft.training.loop import Settings, train
from textgraft.training.records import append_to_log, cut_log

STEPS_AN_EPOCH = 5


def in_a_process(what: Callable[..., None], *given: Any) -> Any:
    """What a process of its own answers; None if it was killed."""
    # a server that has imported what takes longer than all else here; an optimiser needs torch._dynamo
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch._dynamo", "safetensors.torch", "textgraft.training.loop", "textgraft.training.batches"]
    )
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=what, args=(its, *given))
    process.start()
    its.close()
    try:
        found = mine.recv()
    except EOFError:
        found = None
    process.join()
    assert process.exitcode == (0 if found is not None else -signal.SIGKILL)
    return found


def run_in_a_process(folder: Path, die: str, seconds: float = 0.0, patience: int | None = None) -> Any:
    return in_a_process(killed_run.in_a_process, str(folder), die, seconds, patience)


def learned(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("weights", "reports", "best")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run that nobody killed."""
    found = run_in_a_process(tmp_path_factory.mktemp("whole"), "never")
    # the best epoch lies in the middle, so that kills fall before and after it
    assert 1 < found["best"] < 6
    return dict(found)


@pytest.mark.parametrize(
    ("die", "repeated"),
    [
        ("1", 1),  # before there is any checkpoint
        ("3", 1),  # amid an epoch
        ("5", 1),  # after an epoch's last step, before it was measured
        ("6", 1),
        ("10", 1),  # between two phases
        ("11", 1),
        ("23", 1),
        ("30", 1),  # at the very end
        ("e1", 0),
        ("e2", 0),
        ("e4", 0),
        ("e6", 0),
    ],
)
def test_a_killed_run_ends_with_the_same_weights_and_losses(
    whole: dict[str, Any], tmp_path: Path, die: str, repeated: int
) -> None:
    assert run_in_a_process(tmp_path, die) is None
    resumed = run_in_a_process(tmp_path, "never")
    assert learned(resumed) == learned(whole)
    done = int(die) if die.isdigit() else int(die[1:]) * STEPS_AN_EPOCH
    # at most the step at which it was killed is done again
    assert resumed["steps"] == 6 * STEPS_AN_EPOCH - done + repeated
    assert bool(resumed["notes"]) == (die != "1")
    log = [json.loads(line) for line in RunFolder(tmp_path, "").log.read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in log] == [1, 2, 3, 4, 5, 6]


def test_many_kills_with_checkpoints_after_epochs_only(whole: dict[str, Any], tmp_path: Path) -> None:
    for die in ("7", "9", "7", "6"):
        assert run_in_a_process(tmp_path, die, 1000.0) is None
    assert learned(run_in_a_process(tmp_path, "never", 1000.0)) == learned(whole)


def test_a_run_that_stopped_early_stays_stopped(tmp_path: Path) -> None:
    stopped = run_in_a_process(tmp_path / "one", "never", 0.0, 1)
    assert len(stopped["reports"]) < 6
    again = run_in_a_process(tmp_path / "one", "never", 0.0, 1)
    assert again == stopped | {"steps": 0}
    last = f"e{len(stopped['reports'])}"
    assert run_in_a_process(tmp_path / "two", last, 0.0, 1) is None
    assert learned(run_in_a_process(tmp_path / "two", "never", 0.0, 1)) == learned(stopped)


# ── in this process ─────────────────────────────────────────────────────────────────


def fit(run: RunFolder, network: TwoLayers | None = None, plan: Plan | None = None, **rest: Any) -> Any:
    network = network or TwoLayers(dropout=0.2)
    plan = plan or plan_of((0.05, 0.1), epochs=3)
    training = train(network, plan, some_batches(40, 10), loss_of, settings=Settings(run=run), **rest)
    return weights_of(network), training


def test_a_finished_run_is_taken_up_at_once_until_it_is_removed(tmp_path: Path) -> None:
    run, steps = RunFolder(tmp_path, "x"), []
    weights, training = fit(run, watch=steps.append)
    again, same_training = fit(run, TwoLayers(seed=5), watch=steps.append)
    assert same(weights, again)
    assert same_training == training
    assert len(steps) == 12
    (run.path / CHECKPOINT).unlink()
    fit(run, watch=steps.append)
    assert len(steps) == 24
    assert run.log.is_file()


def test_frozen_tensors_are_not_stored(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, "x")
    fit(run, plan=plan_of((0.0, 0.1)))
    found = run.read()
    assert found is not None
    assert {name for name in found[1] if name.startswith("network")} == {
        "network.head.weight",
        "network.head.bias",
    }


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_torn_checkpoint_is_one_line(tmp_path: Path, keep: int) -> None:
    run = RunFolder(tmp_path, "x")
    fit(run)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TrainingError, match="is damaged") as caught:
        fit(run)
    assert "\n" not in str(caught.value)
    assert "Remove the folder" in str(caught.value)


def write_foreign(path: Path, about: dict[str, str] | None) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, path / CHECKPOINT, about)


@pytest.mark.parametrize(
    "about", [None, {}, {"run": "x"}, {"run": "x", "place": "{"}, {"run": "x", "place": "[]"}]
)
def test_a_foreign_file_is_one_line(tmp_path: Path, about: dict[str, str] | None) -> None:
    write_foreign(tmp_path, about)
    with pytest.raises(TrainingError, match="is damaged"):
        fit(RunFolder(tmp_path, "x"))


def test_another_runs_plans_networks_or_versions_checkpoint_is_one_line(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, "x")
    fit(run)
    with pytest.raises(TrainingError, match="another run"):
        fit(RunFolder(tmp_path, "y"))
    with pytest.raises(TrainingError, match="another plan"):
        fit(run, plan=plan_of((0.05, 0.1), epochs=4))
    with pytest.raises(TrainingError, match="another network"):
        fit(run, TwoLayers(norm=True))
    found = run.read()
    assert found is not None
    place, tensors = found
    run.write({name: value for name, value in place.items() if name != "step"} | {"pace": 1}, tensors)
    with pytest.raises(TrainingError, match="another version"):
        fit(run)


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    said = in_a_process(killed_run.on_a_full_disk, str(tmp_path), 50_000)
    assert "cannot take a checkpoint" in said
    assert "the checkpoint before it is kept" in said
    assert "\n" not in said
    found = RunFolder(tmp_path, "x").read()
    assert found is not None
    assert found[0] == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot take"):
        fit(RunFolder(tmp_path / "file" / "run", "x"))
    with pytest.raises(TrainingError, match="cannot take a checkpoint") as caught:
        RunFolder(tmp_path / "file" / "run", "x").write({}, {})
    assert "kept" not in str(caught.value)


def test_a_log_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    cut_log(log, 1)
    assert not log.exists()
    for epoch in (1, 2, 3):
        append_to_log(log, "epoch", {"epoch": epoch})
        append_to_log(log, "note", {"said": epoch})
    with log.open("a", encoding="utf-8") as file:
        file.write('{"event": "epo')
    cut_log(log, 2)
    kept = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(line["event"], line.get("epoch", line.get("said"))) for line in kept] == [
        ("epoch", 1), ("note", 1), ("epoch", 2), ("note", 2), ("note", 3),
    ]  # fmt: skip
