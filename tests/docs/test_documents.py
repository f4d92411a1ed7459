"""README and docs say what is so: their commands and code run, their generated parts are fresh."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = ROOT / "src" / "textgraft" / "weights" / "README.md"
DOCUMENTS = [ROOT / "README.md", CARD, *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_the_readme_run(empty_folder):
    commands = [
        line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")
    ]
    assert len(commands) == 7
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=os.environ | {"PATH": path}
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip() or ">" in command
    assert (empty_folder / "answers.jsonl").read_text().count("\n") == 95


def test_the_python_of_the_readme_runs_and_prints_what_it_says(empty_folder, capsys):
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    claimed = re.search(r"# (\[.*?\])$", code, re.M)
    assert claimed is not None
    assert claimed[1] in printed


def test_the_demo_of_the_makefile_is_what_the_readme_shows():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "textgraft fit examples/support_tickets.csv --oos-label oos" in makefile
    assert "make test" in README
    assert "make demo" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("script", ["command_line", "benchmarks", "costs", "language_model_card"])
def test_generated_pages_are_fresh(script):
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check", script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_method_and_error_is_documented():
    from textgraft.methods import METHODS

    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `(.+)`$", page, re.M) == list(METHODS)
