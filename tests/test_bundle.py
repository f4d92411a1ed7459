"""A model folder: what goes in comes out, and damage is never read as a model."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import textgraft.bundle
from textgraft.bundle import FORMAT_VERSION, MANIFEST, NAMES, Bundle, read_bundle, write_bundle
from textgraft.errors import ModelFolderError

ARRAYS, TEXTS = NAMES["arrays"][0], NAMES["texts"][0]

SMALL = Bundle(
    {"name": "small", "number": 0.1, "nested": {"list": [1, None, True]}},
    {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([], dtype=np.int64)},
    {"texts": ["one", "zwei", "три", "😀\n\u2028", ""], "none": []},
)

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
STRINGS = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=8,
)
DTYPES = st.sampled_from(
    [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, np.bool_]
)
ARRAY = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
BUNDLES = st.builds(
    Bundle,
    st.dictionaries(STRINGS, JSON, max_size=3),
    st.dictionaries(NAMES, ARRAY, max_size=3),
    st.dictionaries(STRINGS, st.lists(STRINGS, max_size=4), max_size=3),
)


def _assert_same(found: Bundle, expected: Bundle) -> None:
    assert found.about == expected.about
    assert found.texts == expected.texts
    assert found.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape
        assert np.array_equal(found.arrays[name], array, equal_nan=array.dtype.kind == "f")


def _litter(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_model_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    one, other = Bundle({"method": "tfidf"}, {}, {}), Bundle({"kind": "language model"}, {}, {})
    for _ in range(2):
        write_bundle(tmp_path / "a.model", one)
    with pytest.raises(ModelFolderError, match="is a classifier, which a language model would replace"):
        write_bundle(tmp_path / "a.model", other)
    _assert_same(read_bundle(tmp_path / "a.model"), one)
    # a damaged model is of no kind
    (tmp_path / "a.model" / MANIFEST).write_text("torn", encoding="utf-8")
    write_bundle(tmp_path / "a.model", other)
    with pytest.raises(ModelFolderError, match="is a language model, which a classifier would replace"):
        write_bundle(tmp_path / "a.model", one)


@given(BUNDLES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out(tmp_path: Path, bundle: Bundle) -> None:
    write_bundle(tmp_path / "a.model", bundle)
    _assert_same(read_bundle(tmp_path / "a.model"), bundle)
    assert os.listdir(tmp_path) == ["a.model"]


@pytest.mark.parametrize(
    "array",
    [np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(10)[::-2], np.float32(3.5) * np.ones(())],
    ids=["fortran", "strided", "scalar"],
)
def test_arrays_of_any_memory_order_and_shape_come_back(tmp_path: Path, array: np.ndarray) -> None:
    bundle = Bundle({}, {"array": array}, {})
    write_bundle(tmp_path / "a.model", bundle)
    _assert_same(read_bundle(tmp_path / "a.model"), bundle)


def test_the_folder_holds_three_readable_files_and_no_pickle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "deep" / "er" / "a.model", SMALL)
    folder = tmp_path / "deep" / "er" / "a.model"
    assert sorted(os.listdir(folder)) == [ARRAYS, MANIFEST, TEXTS]
    assert json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["about"] == SMALL.about
    assert json.loads((folder / TEXTS).read_text(encoding="utf-8")) == SMALL.texts


def test_an_older_model_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.model"
    write_bundle(target, SMALL)
    newer = Bundle({"name": "newer"}, {}, {})
    write_bundle(target, newer)
    _assert_same(read_bundle(target), newer)
    assert os.listdir(tmp_path) == ["a.model"]


@pytest.mark.parametrize("kind", ["file", "folder", "empty folder"])
def test_what_is_no_model_is_never_replaced(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "precious"
    if kind == "file":
        target.write_text("keep me")
    else:
        target.mkdir()
    if kind == "folder":
        (target / "thesis.txt").write_text("keep me")
    with pytest.raises(ModelFolderError, match="no textgraft model"):
        write_bundle(target, SMALL)
    assert target.read_text() == "keep me" if kind == "file" else target.is_dir()
    assert kind != "folder" or (target / "thesis.txt").read_text() == "keep me"
    assert os.listdir(tmp_path) == ["precious"]


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "link.model").symlink_to(tmp_path / "gone")
    with pytest.raises(ModelFolderError, match="no textgraft model"):
        write_bundle(tmp_path / "link.model", SMALL)
    assert os.listdir(tmp_path) == ["link.model"]


def test_a_link_to_a_model_is_replaced_without_litter(tmp_path: Path) -> None:
    write_bundle(tmp_path / "real.model", SMALL)
    (tmp_path / "link.model").symlink_to(tmp_path / "real.model")
    newer = Bundle({"name": "newer"}, {}, {})
    write_bundle(tmp_path / "link.model", newer)
    _assert_same(read_bundle(tmp_path / "link.model"), newer)
    assert _litter(tmp_path) == []


def test_a_place_below_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelFolderError, match="could not be written") as caught:
        write_bundle(tmp_path / "file" / "a.model", SMALL)
    assert "\n" not in str(caught.value)


def _names_for(name: str) -> tuple[str, ...]:
    return textgraft.bundle.NAMES["texts"] if name == TEXTS else (f".{MANIFEST}.new",)


@pytest.mark.parametrize("fails_at", [TEXTS, MANIFEST])
@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk_leaves_the_old_model_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str, exists: bool
) -> None:
    target = tmp_path / "a.model"
    if exists:
        write_bundle(target, SMALL)
    write = textgraft.bundle._write_json

    def full(path: Path, value: Any, indent: int | None = None) -> None:
        if path.name in _names_for(fails_at):
            path.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, value, indent)

    monkeypatch.setattr(textgraft.bundle, "_write_json", full)
    with pytest.raises(ModelFolderError, match="No space left"):
        write_bundle(target, Bundle({"name": "newer"}, {}, {}))
    assert os.listdir(tmp_path) == (["a.model"] if exists else [])
    if exists:
        _assert_same(read_bundle(target), SMALL)


@pytest.mark.skipif(os.name == "nt", reason="limits are of POSIX")
@pytest.mark.parametrize("exists", [True, False])
def test_arrays_that_do_not_fit_leave_the_old_model_and_no_litter(tmp_path: Path, exists: bool) -> None:
    import resource

    target = tmp_path / "a.model"
    if exists:
        write_bundle(target, SMALL)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # no file of this process may be longer, so writing stops within the arrays
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ModelFolderError, match="nothing was changed"):
            write_bundle(target, Bundle({"name": "newer"}, {"large": np.ones(100_000)}, {}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == (["a.model"] if exists else [])
    if exists:
        assert sorted(os.listdir(target)) == [ARRAYS, MANIFEST, TEXTS]
        _assert_same(read_bundle(target), SMALL)


def test_a_move_that_fails_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.model"
    write_bundle(target, SMALL)

    def failing(self: Path, to: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(ModelFolderError, match="Input/output error"):
        write_bundle(target, Bundle({}, {}, {}))
    _assert_same(read_bundle(target), SMALL)
    assert sorted(os.listdir(target)) == [ARRAYS, MANIFEST, TEXTS]
    assert os.listdir(tmp_path) == ["a.model"]


def test_replacing_again_and_again_keeps_three_files(tmp_path: Path) -> None:
    target = tmp_path / "a.model"
    for number in range(4):
        bundle = Bundle({"number": number}, {"a": np.full(3, number)}, {})
        write_bundle(target, bundle)
        _assert_same(read_bundle(target), bundle)
        assert len(os.listdir(target)) == 3


@pytest.mark.parametrize("about", [{"value": float("inf")}, {"value": float("nan")}, {"value": object()}])
def test_what_is_no_json_leaves_nothing_behind(tmp_path: Path, about: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, ModelFolderError)):
        write_bundle(tmp_path / "a.model", Bundle(about, {}, {}))
    assert os.listdir(tmp_path) == []


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "a.model", SMALL)
    return tmp_path / "a.model"


def _change_manifest(model: Path, **changes: Any) -> None:
    manifest = json.loads((model / MANIFEST).read_text(encoding="utf-8"))
    (model / MANIFEST).write_text(json.dumps(manifest | changes), encoding="utf-8")


def test_a_newer_format_is_refused_with_the_way_out(model: Path) -> None:
    _change_manifest(model, format_version=FORMAT_VERSION + 1)
    with pytest.raises(ModelFolderError, match=r"newer textgraft.*pip install -U"):
        read_bundle(model)


def test_another_format_is_refused_and_named(model: Path) -> None:
    _change_manifest(model, format="other-tool")
    with pytest.raises(ModelFolderError, match="'other-tool'"):
        read_bundle(model)


@pytest.mark.parametrize("name", [ARRAYS, TEXTS])
@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "longer"])
def test_a_damaged_file_is_named(model: Path, name: str, damage: str) -> None:
    path = model / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-3])
    elif damage == "longer":
        path.write_bytes(content + b" ")
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=f"damaged: {name}"):
        read_bundle(model)


def test_a_changed_setting_is_found(model: Path) -> None:
    _change_manifest(model, about=SMALL.about | {"number": 0.2})
    with pytest.raises(ModelFolderError, match="checksum"):
        read_bundle(model)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"format": 1}'])
def test_a_broken_manifest_is_one_clear_error(model: Path, content: bytes) -> None:
    (model / MANIFEST).write_bytes(content)
    with pytest.raises(ModelFolderError) as caught:
        read_bundle(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["format", "format_version", "files", "about", "about_sha256"])
@pytest.mark.parametrize("value", [None, [], "x", "missing"])
def test_a_manifest_that_lacks_or_twists_a_part_is_damaged(model: Path, key: str, value: Any) -> None:
    manifest = json.loads((model / MANIFEST).read_text(encoding="utf-8"))
    del manifest[key]
    if value != "missing":
        manifest[key] = value
    (model / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelFolderError):
        read_bundle(model)


@given(st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flipped_byte_is_read_as_another_model(tmp_path: Path, data: st.DataObject) -> None:
    model = tmp_path / "a.model"
    shutil.rmtree(model, ignore_errors=True)  # hypothesis comes with many examples to one folder
    write_bundle(model, SMALL)
    path = model / data.draw(st.sampled_from([ARRAYS, MANIFEST, MANIFEST, TEXTS]))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = read_bundle(model)
    except ModelFolderError:
        return
    _assert_same(found, SMALL)


@pytest.mark.parametrize("kind", ["nothing", "file", "empty folder"])
def test_what_is_no_model_is_not_read(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("x")
    elif kind == "empty folder":
        place.mkdir()
    said = r"no manifest\.json" if kind == "empty folder" else "is no folder"
    with pytest.raises(ModelFolderError, match=said):
        read_bundle(place)


@pytest.mark.skipif(os.name == "nt", reason="modes are of POSIX")
def test_who_may_read_one_file_may_read_all(tmp_path: Path) -> None:
    write_bundle(tmp_path / "a.model", Bundle({}, {"x": np.zeros(3)}, {"t": ["a"]}))
    modes = {path.stat().st_mode for path in (tmp_path / "a.model").iterdir()}
    assert len(modes) == 1
