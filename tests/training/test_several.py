"""Two processes learn what one learns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import several
from safetensors.torch import load_file
from small import close, same, weights_of

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left behind."""
    folder = tmp_path_factory.mktemp("two")
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
            "--local-addr", "127.0.0.1", str(HERE / "several.py"), str(folder),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def said(folder: Path, rank: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"said-{rank}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_both_processes_have_the_same_weights_those_that_one_would_have(two: Path, tmp_path: Path) -> None:
    first, second = (load_file(two / f"weights-{rank}.safetensors") for rank in (0, 1))
    assert same(first, second)
    network, training = several.learn(tmp_path, "alone", [])
    assert close(first, weights_of(network))
    losses = [loss for report in training.reports for loss in (report.train_loss, report.valid_loss)]
    for rank in (0, 1):
        assert [loss for pair in said(two, rank)["losses"] for loss in pair] == pytest.approx(
            losses, rel=1e-4
        )


@pytest.mark.slow
def test_only_the_main_process_tells_and_both_take_up_its_checkpoint(two: Path) -> None:
    assert [said(two, rank)["told"] for rank in (0, 1)] == [12, 0]
    for rank in (0, 1):
        assert same(
            load_file(two / f"weights-{rank}.safetensors"), load_file(two / f"again-{rank}.safetensors")
        )
    log = (two / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_dropout_and_batch_norm_leave_both_processes_with_the_same_tensors(two: Path) -> None:
    assert same(*(load_file(two / f"noisy-{rank}.safetensors") for rank in (0, 1)))
