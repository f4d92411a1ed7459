"""``textgraft import-lm``: fastai's files become a folder that ulmfit and adapt begin with."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from textgraft.language.folder import open_language_model

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "awd_lstm" / "lstm.safetensors"
WORDS = ["xxunk", "xxpad", "xxbos", "xxmaj", *(f"word{n}" for n in range(26))]


@pytest.fixture
def files(tmp_path):
    tensors = load_file(GOLDEN)
    named = {key.removeprefix("weights."): one for key, one in tensors.items() if key.startswith("weights.")}
    torch.save(named, tmp_path / "lm.pth")
    (tmp_path / "itos.pkl").write_bytes(pickle.dumps(WORDS))
    return tmp_path / "lm.pth", tmp_path / "itos.pkl"


def test_a_model_of_fastai_is_saved_and_learned_from(run, files, tmp_path):
    code, out, _ = run("import-lm", *files, "--to", tmp_path / "wiki.lm")
    assert code == 0
    assert "30 words kept, 3 new" in out
    assert f"Saved {tmp_path / 'wiki.lm'} (33 words, " in out
    assert not open_language_model(tmp_path / "wiki.lm").backward
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"word{n % 9} word{n % 5},{'ab'[n % 2]}\n" for n in range(24)))
    code, _, err = run(
        "fit", rows, "-m", "ulmfit", "-o", "language_model", tmp_path / "wiki.lm", "-o", "adapt", "0",
        "-o", "thaw", "0", "-o", "epochs", "1", "--reject", "none", "--to", tmp_path / "a.model",
    )  # fmt: skip
    assert code == 0, err


def test_json_and_half_the_space(run, files, tmp_path):
    _, whole, _ = run("import-lm", *files, "--to", tmp_path / "a.lm", "--json")
    _, half, _ = run("import-lm", *files, "--to", tmp_path / "b.lm", "--json", "--half", "--backward")
    assert open_language_model(tmp_path / "b.lm").backward
    whole, half = json.loads(whole), json.loads(half)
    assert whole["vocabulary"] == half["vocabulary"] == 33
    assert half["bytes"] < whole["bytes"]


def test_files_that_are_no_such_model_are_one_line(run, files, tmp_path):
    weights, words = files
    for arguments, said in (
        ((words, words), "expected a file of tensors"),
        ((weights, weights), "lm.pth"),
        ((tmp_path / "none.pth", words), "cannot be read"),
    ):
        code, out, err = run("import-lm", *arguments, "--to", tmp_path / "a.lm")
        assert code == 2
        assert not out
        assert said in err
        assert len(err.strip().splitlines()) == 1
        assert not (tmp_path / "a.lm").exists()


def test_another_folder_in_the_way_is_left_alone(run, files, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("keep", encoding="utf-8")
    code, _, err = run("import-lm", *files, "--to", tmp_path / "mine")
    assert code == 2
    assert "is no textgraft model" in err
