"""Where a report comes from: what was measured, with what, and how to make it again."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass

PACKAGES = ("textgraft", "torch", "transformers", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Origin:
    """What stands at the head and the foot of a report.

    Attributes:
        subject: what was measured, such as the name of a model folder.
        data: the files that were read, by what each is.
        command: how to make it again, as one types it; ``None`` when it was made in Python.
        created: when, in universal time.
        versions: of Python and of packages, by name.
    """

    subject: str
    data: tuple[tuple[str, str], ...]
    command: str | None
    created: str
    versions: tuple[tuple[str, str], ...]


def origin_of(subject: str, data: Sequence[tuple[str, str]] = (), command: str | None = None) -> Origin:
    """The origin of a report that is made now, on this machine."""
    versions = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            # asked of the package's own papers, since importing torch takes seconds
            versions.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    now = datetime.datetime.now(datetime.UTC).isoformat(sep=" ", timespec="minutes")
    return Origin(subject, tuple(data), command, now.removesuffix("+00:00") + " UTC", tuple(versions))
