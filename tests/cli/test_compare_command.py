"""``textgraft compare`` and ``fit -m auto`` as people call them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TICKETS = ROOT / "examples" / "support_tickets.csv"
MORE_TICKETS = ROOT / "examples" / "support_tickets_test.csv"
TEXTGRAFT = Path(sys.executable).with_name("textgraft")


def test_compare_prints_a_table_and_advice(run):
    code, out, err = run(
        "compare", TICKETS, "-m", "tfidf", "-m", "knn:k=3,encoder=hashing:64", "--oos-label", "oos",
        "--sizes", "4,all", "--seeds", "2", "--test", MORE_TICKETS, "--in-process",
    )  # fmt: skip
    assert code == 0, err
    assert "rows of the test file are scored with each of 2 seeds" in out
    assert "knn:k=3,encoder=hashing:64" in out
    assert "What it means:" in out


def test_compare_as_json_and_resumed(run, tmp_path):
    arguments = (
        "compare", TICKETS, "-m", "tfidf", "--oos-label", "oos", "--sizes", "all", "--seeds", "1",
        "--run", tmp_path / "a.run", "--in-process", "--json",
    )  # fmt: skip
    first, second = (json.loads(run(*arguments)[1]) for _ in range(2))
    assert first["cells"] == second["cells"]
    assert first["standings"][0]["score"]["value"] == pytest.approx(first["cells"][0]["accuracy"])


def test_compare_writes_a_report(run, tmp_path):
    page = tmp_path / "tickets & co.html"
    arguments = (
        "compare", TICKETS, "-m", "tfidf", "-m", "tfidf:C=1", "--oos-label", "oos", "--sizes", "4,all",
        "--seeds", "1", "--run", tmp_path / "a.run", "--in-process",
    )  # fmt: skip
    plain = run(*arguments)[1]
    code, out, err = run(*arguments, "--report", page)
    assert code == 0, err
    assert out == f"{plain}\nReport: {page}\n"
    html = page.read_text(encoding="utf-8")
    found = json.loads(run(*arguments, "--report", page, "--json")[1])
    for one in found["standings"]:
        assert f"{100 * one['score']['value']:.1f} %" in html
    assert f"textgraft compare {TICKETS} -m tfidf -m tfidf:C=1" in html
    assert f"SHA-256 {hashlib.sha256(TICKETS.read_bytes()).hexdigest()})" in html
    assert f"--report &#39;{page.as_posix().replace('&', '&amp;')}&#39;" in html


def test_a_report_that_cannot_be_costs_nothing(run, tmp_path):
    for path, said in ((tmp_path / "page.pdf", "ending in .html"), (tmp_path / "no" / "a.html", "no folder")):
        # nor are the rows read
        code, out, err = run("compare", tmp_path / "none.csv", "--report", path)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err


def test_an_encoder_is_for_the_methods_that_have_one(run):
    code, out, _ = run(
        "compare", TICKETS, "-m", "tfidf", "-m", "linear", "-e", "hashing", "--sizes", "all", "--seeds", "1",
        "--in-process",
    )  # fmt: skip
    assert code == 0
    assert "linear" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-m", "magic"), "Unknown method 'magic'"),
        (("-m", "tfidf", "-m", "tfidf"), "named twice"),
        (("-m", "tfidf:depth=3"), "it has no option 'depth'"),
        (("-m", "tfidf:encoder=minilm"), "needs no encoder"),
        (("--sizes", "lots"), "Sizes are rows of each class"),
        (("--metric", "beauty"), "Expected the metric accuracy or macro-f1"),
    ],
)
def test_a_mistake_is_one_line(run, arguments, expected):
    code, out, err = run("compare", TICKETS, *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1


def test_ctrl_c_stops_the_processes_and_the_same_command_goes_on(tmp_path):
    arguments = [
        TEXTGRAFT, "compare", TICKETS, "-m", "tfidf", "--oos-label", "oos", "--sizes", "4,all", "--seeds",
        "40", "--run", tmp_path / "a.run",
    ]  # fmt: skip
    cells = tmp_path / "a.run" / "cells.jsonl"
    started = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # where tests run in a background job the signal is ignored, and children would inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and not (cells.is_file() and cells.read_bytes().count(b"\n") > 2):
        time.sleep(0.05)
    servers = _children(started.pid)
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=30)
    assert started.returncode == 1
    assert err.splitlines()[-1] == "textgraft: interrupted."
    assert "Traceback" not in err
    assert out == ""
    assert servers
    assert not any(Path(f"/proc/{server}").exists() for server in servers)
    assert 2 < cells.read_bytes().count(b"\n") < 80


def _children(parent: int) -> list[int]:
    if not os.path.isdir("/proc"):
        pytest.skip("processes are looked up in /proc")
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found]


def test_fit_auto_says_what_it_tried_and_why(run, tmp_path):
    code, out, err = run(
        "fit", TICKETS, "-m", "auto", "-e", "hashing", "--budget", "4s", "--oos-label", "oos", "--to",
        tmp_path / "a.model",
    )  # fmt: skip
    assert code == 0, err
    for expected in ("Tried on the training rows, in", "tfidf words", "finetune", "Chosen: ", "Method "):
        assert expected in out
    # the hashing encoder has no weights to train, if there is time to find out
    why = "The method finetune trains|the budget is spent|opening hashing may take|would"
    assert re.search(rf"finetune +skipped: ({why})", out)
    code, out, _ = run("predict", tmp_path / "a.model", MORE_TICKETS, "--text", "text")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-m", "auto", "--budget", "soon"), "such as 90s, 10m or 1h30m"),
        (("-m", "auto", "-o", "C=3"), "leave -o, --run and --plot out"),
        (("-m", "tfidf", "--budget", "10m"), "--budget 10m is for -m auto"),
    ],
)
def test_what_auto_does_not_take_is_refused(run, tmp_path, arguments, expected):
    code, out, err = run("fit", TICKETS, *arguments, "--to", tmp_path / "a.model")
    assert (code, out) == (2, "")
    assert expected in err
