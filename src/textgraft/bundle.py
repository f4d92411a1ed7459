"""A model folder on disk: JSON and safetensors, nothing executable. Knows no method.

    cards.model/
    ├── manifest.json        what it is, how it was made, checksums of the other files
    ├── arrays.safetensors   every number
    └── texts.json           every string that is not a setting

A new folder is written beside its place and moved there in one step. A model that is there
already is replaced by its manifest alone: the new files are written next to the old ones under
the other of two names, then the manifest is replaced in one step. So at any moment, also after
a kill or on a full disk, the folder holds the old model or the new one, whole.
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
from typing import Any, TypeVar

import numpy as np

from textgraft.errors import ModelFolderError

T = TypeVar("T")

FORMAT = "textgraft-model"
FORMAT_VERSION = 1
"""Raised when an older textgraft could misread what this one writes."""

CLASSIFIER = "classifier"
"""What a folder holds that names no other kind."""

MANIFEST = "manifest.json"
NAMES = {
    "arrays": ("arrays.safetensors", "arrays-2.safetensors"),
    "texts": ("texts.json", "texts-2.json"),
}
"""What each file may be called: the first name, or the second while the first is in use."""


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


def with_prefix(prefix: str, named: dict[str, T]) -> dict[str, T]:
    """The same under longer names, so that several parts can lie in one bundle."""
    return {prefix + name: value for name, value in named.items()}


def without_prefix(prefix: str, named: dict[str, T]) -> dict[str, T]:
    """The inverse of :func:`with_prefix`, of what has the prefix."""
    return {name[len(prefix) :]: value for name, value in named.items() if name.startswith(prefix)}


def in_half(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Matrices of fp32 as float16, in half the space; all else, such as biases and statistics, as it is."""
    return {
        name: array.astype(np.float16) if array.ndim > 1 and array.dtype == np.float32 else array
        for name, array in arrays.items()
    }


def in_full(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """float16 as fp32; all else as it is."""
    return {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in arrays.items()
    }


def write_bundle(path: str | Path, bundle: Bundle) -> None:
    """Write a model folder, replacing an older model of its kind but nothing else.

    Raises:
        ModelFolderError: something else is in the way, or the disk refuses.
    """
    from safetensors import SafetensorError

    target = Path(path)
    check_place(target, kind_of(bundle.about))
    try:
        if target.exists():
            _write_files(target, bundle, in_use=_names_in_use(target))
        else:
            with _folder_in_waiting(target) as fresh:
                _write_files(fresh, bundle, in_use=set())
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"{target} could not be written ({error}); nothing was changed.") from error


def check_place(path: str | Path, kind: str = CLASSIFIER) -> None:
    """Refuse a place that something else than a model of a kind has, before long work for it.

    Args:
        path: where a model is to go.
        kind: of that model; a damaged one there is of any.

    Raises:
        ModelFolderError: something else is there.
    """
    # also a link that leads nowhere
    if os.path.lexists(path) and not os.path.isfile(Path(path) / MANIFEST):
        raise ModelFolderError(f"{path} exists and is no textgraft model; name another folder.")
    try:
        there = kind_of(_read_manifest(Path(path))["about"])
    except ModelFolderError:
        # nothing is there, or nothing whole
        return
    if there != kind:
        raise ModelFolderError(f"{path} is a {there}, which a {kind} would replace; name another folder.")


def kind_of(about: dict[str, Any]) -> str:
    """What a folder holds, by what is written about it."""
    return str(about.get("kind", CLASSIFIER))


def read_bundle(path: str | Path) -> Bundle:
    """Read a model folder, checking format and checksums.

    Raises:
        ModelFolderError: not a model, of a newer format, or damaged; says which and why.
    """
    folder = Path(path)
    manifest = _read_manifest(folder)
    paths = {}
    for role, (name, expected) in manifest["files"].items():
        paths[role] = folder / name
        found = _sha256(paths[role]) if paths[role].is_file() else "no such file"
        if found != expected:
            raise ModelFolderError(
                f"{folder} is damaged: {name} should have SHA-256 {expected[:12]}…, "
                f"found {found[:12]}. Restore it from a copy or fit again."
            )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(paths["arrays"])
        texts = json.loads(paths["texts"].read_text(encoding="utf-8"))
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
        stated, version = manifest["format"], int(manifest["format_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{folder} is damaged: {path.name} cannot be read ({error!r}).") from error
    if stated != FORMAT:
        raise ModelFolderError(f"{folder} holds {stated!r}, expected {FORMAT!r}.")
    if version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder} has format {version}, written by a newer textgraft; this one reads up to "
            f"format {FORMAT_VERSION}. Upgrade: pip install -U textgraft."
        )
    if not _is_sound(manifest):
        raise ModelFolderError(f"{folder} is damaged: {path.name} lacks a part or fails its checksum.")
    checked: dict[str, Any] = manifest
    return checked


def _is_sound(manifest: dict[str, Any]) -> bool:
    files = manifest.get("files")
    return (
        isinstance(files, dict)
        and files.keys() == NAMES.keys()
        # only names of ours: a manifest must not lead out of its folder
        and all(
            isinstance(pair, list) and len(pair) == 2 and pair[0] in NAMES[role] and isinstance(pair[1], str)
            for role, pair in files.items()
        )
        and isinstance(manifest.get("about"), dict)
        and manifest.get("about_sha256") == _digest_of_json(manifest["about"])
    )


def _names_in_use(folder: Path) -> set[str]:
    """Files of the model that is there; of a damaged one, none."""
    try:
        return {name for name, _ in _read_manifest(folder)["files"].values()}
    except ModelFolderError:
        return set()


def _write_files(folder: Path, bundle: Bundle, in_use: set[str]) -> None:
    """Write a model into a folder; the manifest last, and in one step."""
    from safetensors.numpy import save_file

    names = {role: next(name for name in both if name not in in_use) for role, both in NAMES.items()}
    waiting = f".{MANIFEST}.new"
    written = [*names.values(), waiting]
    try:
        arrays = {name: np.require(array, requirements="C") for name, array in bundle.arrays.items()}
        save_file(arrays, folder / names["arrays"])
        _write_json(folder / names["texts"], bundle.texts)
        # safetensors writes for the owner alone; who may read the other files may read the numbers
        (folder / names["arrays"]).chmod((folder / names["texts"]).stat().st_mode & 0o777)
        manifest = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "files": {role: [name, _sha256(folder / name)] for role, name in names.items()},
            "about_sha256": _digest_of_json(bundle.about),
            "about": bundle.about,
        }
        _write_json(folder / waiting, manifest, indent=1)
        for name in written:
            _flush(folder / name)
        (folder / waiting).replace(folder / MANIFEST)
    except BaseException:  # Ctrl-C too must leave no half-written file
        for name in written:
            (folder / name).unlink(missing_ok=True)
        raise
    for name in {name for both in NAMES.values() for name in both} - set(names.values()):
        (folder / name).unlink(missing_ok=True)


def _write_json(path: Path, value: Any, indent: int | None = None) -> None:
    path.write_text(
        json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent) + "\n", encoding="utf-8"
    )


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _folder_in_waiting(target: Path) -> Iterator[Path]:
    """A new folder beside ``target`` that takes its place if all goes well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
    fresh.mkdir()
    try:
        yield fresh
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
