"""A model folder on disk: JSON and safetensors, nothing executable. Knows no method.

    cards.model/
    ├── manifest.json        what it is, how it was made, checksums of the other files
    ├── arrays.safetensors   every number
    └── texts.json           every string that is not a setting

It is written beside its place and moved there in one step, so a reader sees the old model
or the new one; a full disk leaves the old one as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.errors import ModelFolderError

FORMAT = "textgraft-model"
FORMAT_VERSION = 1
"""Raised when an older textgraft could misread what this one writes."""

MANIFEST, ARRAYS, TEXTS = "manifest.json", "arrays.safetensors", "texts.json"


@dataclass(frozen=True)
class Bundle:
    """What a folder holds.

    Attributes:
        about: settings and small facts; JSON values, no infinities.
        arrays: named arrays of any safetensors type.
        texts: named lists of strings.
    """

    about: dict[str, Any]
    arrays: dict[str, np.ndarray]
    texts: dict[str, list[str]]


def write_bundle(path: str | Path, bundle: Bundle) -> None:
    """Write a model folder, replacing an older model but nothing else.

    Raises:
        ModelFolderError: something that is no model is in the way, or the disk refuses.
    """
    from safetensors import SafetensorError

    target = Path(path)
    if target.exists() and not (target / MANIFEST).is_file():
        raise ModelFolderError(f"{target} exists and is no textgraft model; name another folder.")
    try:
        with _folder_in_waiting(target) as fresh:
            _write_files(fresh, bundle)
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"{target} could not be written ({error}); nothing was changed.") from error


def read_bundle(path: str | Path) -> Bundle:
    """Read a model folder, checking format and checksums.

    Raises:
        ModelFolderError: not a model, of a newer format, or damaged; says which and why.
    """
    folder = Path(path)
    manifest = _read_manifest(folder)
    for name, expected in manifest["files"].items():
        found = _sha256(folder / name) if (folder / name).is_file() else "no such file"
        if found != expected:
            raise ModelFolderError(
                f"{folder} is damaged: {name} should have SHA-256 {expected[:12]}…, "
                f"found {found[:12]}. Restore it from a copy or fit again."
            )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(folder / ARRAYS)
        texts = json.loads((folder / TEXTS).read_text(encoding="utf-8"))
    except (SafetensorError, ValueError, OSError) as error:
        raise ModelFolderError(f"{folder} is damaged: {error}.") from error
    return Bundle(manifest["about"], arrays, texts)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        what = "has no manifest.json, so it is no textgraft model" if folder.is_dir() else "is no folder"
        raise ModelFolderError(f"{folder} {what}. Make one with: textgraft fit FILE --to {folder}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        stated, version, _ = manifest["format"], int(manifest["format_version"]), manifest["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{folder} is damaged: {path.name} cannot be read ({error!r}).") from error
    if stated != FORMAT:
        raise ModelFolderError(f"{folder} holds {stated!r}, expected {FORMAT!r}.")
    if version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder} has format {version}, written by a newer textgraft; this one reads up to "
            f"format {FORMAT_VERSION}. Upgrade: pip install -U textgraft."
        )
    if manifest.get("about_sha256") != _digest_of_json(manifest["about"]):
        raise ModelFolderError(f"{folder} is damaged: {path.name} does not match its own checksum.")
    checked: dict[str, Any] = manifest
    return checked


def _write_files(folder: Path, bundle: Bundle) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in bundle.arrays.items()}, folder / ARRAYS)
    _write_json(folder / TEXTS, bundle.texts)
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "files": {name: _sha256(folder / name) for name in (ARRAYS, TEXTS)},
        "about_sha256": _digest_of_json(bundle.about),
        "about": bundle.about,
    }
    _write_json(folder / MANIFEST, manifest, indent=1)
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _write_json(path: Path, value: Any, indent: int | None = None) -> None:
    path.write_text(
        json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent) + "\n", encoding="utf-8"
    )


@contextmanager
def _folder_in_waiting(target: Path) -> Iterator[Path]:
    """A new folder beside ``target`` that takes its place if all goes well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    fresh, old = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in ("new", "old"))
    fresh.mkdir()
    try:
        yield fresh
        if target.exists():
            target.rename(old)
            try:
                fresh.rename(target)
            except OSError:
                old.rename(target)
                raise
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
