"""Finished cells on disk, so that a comparison that was killed goes on where it was.

    run/cells.jsonl    first what the rows are, then a cell a line, appended when it is finished

A line that a kill cut short is no cell. Cells are known again by what decides them, so the same rows
can be compared with more methods, sizes or seeds, and only those are measured. Failures are not kept:
the next call tries them again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgraft.errors import DataError
from textgraft.experiments.comparing.draws import Draw
from textgraft.experiments.ladder import Candidate

FORMAT = "textgraft cells 1"
FILE = "cells.jsonl"


@dataclass(frozen=True)
class CellStore:
    """Where finished cells lie.

    Attributes:
        path: the file; ``None`` keeps nothing.
        rows: digest of all rows.
    """

    path: Path | None
    rows: str

    def read(self) -> dict[str, dict[str, Any]]:
        """Finished cells by their keys.

        Raises:
            DataError: the file is of other rows, or none of ours.
        """
        if self.path is None or not self.path.is_file():
            return {}
        lines = self._whole_lines(self.path)
        head: Any = {}
        with suppress(ValueError):
            head = json.loads(lines[0]) if lines else {}
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            if not lines:
                return {}
            raise DataError(
                f"{self.path} holds no cells of a comparison. Name another folder, or remove it to begin "
                "anew."
            )
        if head["rows"] != self.rows:
            raise DataError(
                f"{self.path} holds cells of other rows. Name another folder, or remove it to begin anew."
            )
        found = {}
        for line in lines[1:]:
            with suppress(ValueError, KeyError, TypeError):
                cell = json.loads(line)
                found[cell["key"]] = cell["cell"]
        return found

    def append(self, key: str, cell: dict[str, Any]) -> None:
        """Keep a finished cell.

        Raises:
            DataError: the disk refuses.
        """
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                if not file.tell():
                    file.write(json.dumps({"format": FORMAT, "rows": self.rows}).encode() + b"\n")
                file.write(json.dumps({"key": key, "cell": cell}).encode() + b"\n")
        except OSError as error:
            raise DataError(f"{self.path} cannot be written ({error}). Name another folder.") from error

    @staticmethod
    def _whole_lines(path: Path) -> list[bytes]:
        """All lines but one that a kill cut short, which is taken off the file, too."""
        whole = path.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            os.truncate(path, end)
        return whole[:end].splitlines()


def digest_of(*parts: Sequence[object]) -> str:
    """Hexadecimal; equal for equal sequences of strings and numbers."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(list(part)).encode() + b"\n")
    return digest.hexdigest()


def cell_key(candidate: Candidate, draw: Draw, version: str) -> str:
    """Digest of everything that decides a cell, beside the rows themselves."""
    parameters = {
        name: value if isinstance(value, str | int | float | bool | None) else _told(value)
        for name, value in candidate.parameters.items()
    }
    decides = json.dumps([version, candidate.method, parameters, draw.seed], sort_keys=True)
    return digest_of([decides], draw.learn.tolist(), draw.score.tolist())


def _told(value: Any) -> str:
    """An encoder by its fingerprint; anything else as it prints."""
    return str(getattr(value, "fingerprint", value))
