"""``textgraft fit`` in two processes at once: one of them writes and tells."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import textgraft as tg
from textgraft.training.together import WORLD_SIZES

ROWS = "text,label\n" + "\n".join(
    f"{text} {number},{label}"
    for number in range(6)
    for text, label in (("red apple", "fruit"), ("pear", "fruit"), ("saw", "tool"), ("old drill", "tool"))
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def in_two(*arguments: object) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of both; a ``RANK`` in an argument is each one's own number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "textgraft.cli.main"]
            + [str(argument).replace("RANK", rank) for argument in arguments],
            env=os.environ
            | {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": "2"}
            | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        said = [one.communicate(timeout=240) for one in both]
    finally:
        for one in both:
            one.kill()
    return [(one.returncode, *words) for one, words in zip(both, said, strict=True)]


def test_only_the_main_process_writes_the_model_and_tells(rows: Path, tmp_path: Path) -> None:
    # each has a place of its own, so that what the second one writes can be seen
    first, second = in_two("fit", rows, "-m", "tfidf", "--reject", "none", "--to", tmp_path / "RANK.model")
    assert (first[0], second) == (0, (0, "", "")), first[2]
    assert first[1].count("Saved") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.model", "rows.csv"]
    assert tg.load(tmp_path / "0.model").predict(["red apple", "old drill"]).tolist() == ["fruit", "tool"]


@pytest.mark.slow
def test_what_two_processes_train_together_replaces_an_older_model_whole(
    rows: Path, tmp_path: Path, tiny_models: Callable[[str], Path]
) -> None:
    to, run, plot = tmp_path / "a.model", tmp_path / "a.run", tmp_path / "loss.png"
    tg.TfidfClassifier(reject=None).fit(["a b", "c d"] * 3, ["x", "y"] * 3).save(to)
    (code, out, err), second = in_two(
        "fit", rows, "-m", "finetune", "-e", tiny_models("bert"), "-o", "contrast", 1, "-o", "epochs", 4,
        "-o", "rate", 0.003, "--reject", "none", "--run", run, "--plot", plot, "--to", to,
    )  # fmt: skip
    assert (code, second) == (0, (0, "", "")), err
    assert out.count("Saved") == 1
    assert tg.load(to).classes_.tolist() == ["fruit", "tool"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in run.rglob("*.*")) == ["log.jsonl", "log.jsonl"]


def test_auto_is_refused_since_seconds_differ(
    rows: Path, tmp_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WORLD_SIZES[0], "2")
    code, out, err = run("fit", rows, "-m", "auto", "--to", tmp_path / "a.model")
    assert (code, out) == (2, "")
    assert "name a method, or start one process" in err
