"""Where a page that a command writes comes from."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textgraft.experiments.report.origin import Origin


def origin_of_command(subject: str, files: Mapping[str, Path | None], rows: Mapping[str, int]) -> Origin:
    """The origin of a page of the command that runs.

    Args:
        subject: what was measured.
        files: that were read, by what each is; ``None`` where one was not given.
        rows: of those that have any, how many.
    """
    from textgraft.experiments.report.origin import origin_of

    data = [
        (what, f"{path}{_contents(path, rows.get(what))}") for what, path in files.items() if path is not None
    ]
    return origin_of(subject, data, shlex.join(["textgraft", *sys.argv[1:]]))


def _contents(path: Path, n_rows: int | None) -> str:
    """By what somebody else can tell that a file is the same one; nothing of a folder."""
    from textgraft.pretrained import file_sha256

    if not path.is_file():
        return ""
    counted = "" if n_rows is None else f"{n_rows:,} rows, "
    return f" ({counted}SHA-256 {file_sha256(path)})"
