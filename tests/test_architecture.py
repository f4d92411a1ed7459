"""The layer contract holds, and would notice if it did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)


def copy_of_house(folder: Path) -> Path:
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_the_contract_holds(tmp_path):
    done = lint(copy_of_house(tmp_path))
    assert done.returncode == 0, done.stdout


def test_the_contract_fails_when_it_is_broken_on_purpose(tmp_path):
    house = copy_of_house(tmp_path)
    for file, line in (
        ("core/scores.py", "import textgraft.methods.knn"),
        ("methods/knn.py", "import textgraft.methods.linear"),
        ("methods/rejection/judging.py", "import textgraft.methods.base"),
        ("methods/confidence/fusion.py", "import textgraft.methods.rejection.judging"),
        ("text/batches.py", "import torch"),
    ):
        path = house / "src" / "textgraft" / file
        before = path.read_text(encoding="utf-8")
        path.write_text(f"{before}\n{line}\n", encoding="utf-8")
        done = lint(house)
        path.write_text(before, encoding="utf-8")
        assert done.returncode == 1, f"{file}: {line}\n{done.stdout}"
