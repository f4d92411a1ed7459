"""Where a page that a command writes comes from."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textgraft.experiments.report.origin import Origin


def origin_of_command(subject: str, files: Mapping[str, Path | None]) -> Origin:
    """The origin of a page of the command that runs.

    Args:
        subject: what was measured.
        files: that were read, by what each is; ``None`` where one was not given.
    """
    from textgraft.experiments.report.origin import origin_of

    data = [(what, str(path)) for what, path in files.items() if path is not None]
    return origin_of(subject, data, shlex.join(["textgraft", *sys.argv[1:]]))
