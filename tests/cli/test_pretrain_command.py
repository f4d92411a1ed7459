"""``textgraft pretrain``: what it says, what it keeps, how it goes on, and what it refuses."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from textgraft.bundle import Bundle, write_bundle
from textgraft.errors import DataError
from textgraft.language.folder import open_language_model
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES

TEXT = "\n".join(f"the cat number {n} sat on the mat and looked at dog {n % 7}" for n in range(120)) + "\n"
SMALL = (
    "--vocabulary",
    320,
    "--embedding",
    12,
    "--hidden",
    16,
    "--layers",
    2,
    "--batch-size",
    4,
    "--window",
    16,
)


KILLED = """
import os, signal
from textgraft.cli.main import main
from textgraft.training import checkpoints

write, times = checkpoints.RunFolder.write, 0

def dying(*given):
    global times
    write(*given)
    times += 1
    if times == 40:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.RunFolder.write = dying
main()
"""
"""A command that is killed behind its fortieth checkpoint."""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_corpus_becomes_a_language_model(run, corpus, tmp_path):
    from textgraft.language.folder import open_language_model

    code, out, err = run("pretrain", corpus, *SMALL, "--epochs", 2, "--to", tmp_path / "a.lm")
    assert code == 0
    assert "119 documents" in out
    assert "Perplexity" in out
    # a slow machine also shows progress between them
    epochs = [line for line in err.splitlines() if line.startswith("Epoch")]
    assert len(epochs) == 2
    assert all("tokens/s" in line for line in epochs)
    model = open_language_model(tmp_path / "a.lm")
    assert model.settings.layers == 2
    assert len(model.tokenizer.vocabulary) <= 320
    assert (tmp_path / "a.lm.run" / "training" / "log.jsonl").is_file()


def test_json_for_machines_and_a_file_to_measure_on(run, corpus, tmp_path):
    held = tmp_path / "held.jsonl"
    held.write_text("".join(json.dumps({"text": f"the cat saw dog {n}"}) + "\n" for n in range(5)))
    code, out, _ = run(
        "pretrain", corpus, *SMALL, "--valid", held, "--tokens", "words", "--json", "--to", tmp_path / "a.lm"
    )
    told = json.loads(out)
    assert (code, told["documents"], told["held_out_documents"]) == (0, 120, 5)
    assert told["perplexity"] > 1
    assert told["parameters"] > 0


def test_a_part_of_the_corpus_is_a_corpus_of_its_own(run, corpus, tmp_path):
    command = ["pretrain", corpus, *SMALL, "--json", "--run", tmp_path / "run", "--to", tmp_path / "a.lm"]
    part = json.loads(run(*command, "--most", 500)[1])
    assert 500 <= part["tokens"] < 600
    code, _, err = run(*command)
    assert code == 2
    assert "another run" in err


def test_the_same_command_again_learns_nothing_twice(run, corpus, tmp_path):
    command = ("pretrain", corpus, *SMALL, "--json", "--to", tmp_path / "a.lm")
    first = json.loads(run(*command)[1])
    kept = (tmp_path / "a.lm.run" / "corpus.tokens").stat().st_mtime_ns
    corpus.touch()
    code, out, err = run(*command)
    assert (code, json.loads(out)["perplexity"]) == (0, first["perplexity"])
    assert "tokens/s" not in err
    assert (tmp_path / "a.lm.run" / "corpus.tokens").stat().st_mtime_ns == kept


def test_another_corpus_in_the_same_run_is_refused(run, corpus, tmp_path):
    command = ("pretrain", corpus, *SMALL, "--to", tmp_path / "a.lm")
    assert run(*command)[0] == 0
    corpus.write_text(TEXT + "one more line\n", encoding="utf-8")
    code, _, err = run(*command)
    assert code == 2
    assert "another run (other texts, parameters or plan). Name another folder with --run" in err


def test_another_file_to_measure_on_is_another_run(run, corpus, tmp_path):
    held = tmp_path / "held.txt"
    held.write_text("the cat saw dog 1\n" * 5, encoding="utf-8")
    command = ("pretrain", corpus, *SMALL, "--valid", held, "--to", tmp_path / "a.lm")
    assert run(*command)[0] == 0
    held.write_text("the dog sat on cat 2\n" * 5, encoding="utf-8")
    code, _, err = run(*command)
    assert code == 2
    assert "another run" in err


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"asked": ', b"\xff\xfe", b'{"asked": 1}'])
def test_a_damaged_tokenizer_of_a_run_is_learned_again(run, corpus, tmp_path, damage):
    command = ("pretrain", corpus, *SMALL, "--json", "--to", tmp_path / "a.lm")
    first = json.loads(run(*command)[1])
    kept = tmp_path / "a.lm.run" / "tokenizer.json"
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    code, out, err = run(*command)
    assert (code, json.loads(out)["perplexity"]) == (0, first["perplexity"])
    assert kept.read_bytes() == whole
    assert "tokens/s" not in err


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".csv"])
def test_a_table_is_a_corpus(run, tmp_path, ending):
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    path = tmp_path / f"corpus{ending}"
    table = pa.table({"body": TEXT.splitlines(), "id": range(120)})
    if ending == ".parquet":
        pyarrow.parquet.write_table(table, path)
    elif ending == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()), encoding="utf-8")
    command = ("pretrain", path, *SMALL, "--json", "--to", tmp_path / "a.lm")
    code, out, err = run(*command, "--text", "body")
    assert (code, json.loads(out)["documents"]) == (0, 119), err
    code, _, err = run(*command, "--text", "title")
    assert code == 2
    assert "title" in err


def test_a_killed_command_goes_on_to_the_same_weights(run, corpus, tmp_path):
    command = ("pretrain", corpus, *SMALL, "--epochs", 2, "--checkpoint-minutes", 0)
    assert run(*command, "--to", tmp_path / "whole.lm")[0] == 0
    # a process of its own, which kills itself after some steps of the second epoch; sums as in this one
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, command), "--to", str(tmp_path / "a.lm")],
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "a.lm.run" / "training" / "checkpoint.safetensors").is_file()
    assert not (tmp_path / "a.lm").exists()
    code, out, _ = run(*command, "--to", tmp_path / "a.lm", "--json")
    assert code == 0
    assert any("Resumed" in note for note in json.loads(out)["notes"])
    whole, resumed = (open_language_model(tmp_path / f"{name}.lm").tensors for name in ("whole", "a"))
    for name, tensor in whole.items():
        np.testing.assert_array_equal(resumed[name], tensor)


def test_standard_input_is_a_corpus(run, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    code, out, _ = run("pretrain", "-", *SMALL, "--json", "--to", tmp_path / "a.lm")
    assert (code, json.loads(out)["documents"]) == (0, 119)


def test_a_corpus_that_is_not_there_leaves_nothing_behind(run, tmp_path):
    code, _, err = run("pretrain", tmp_path / "nowhere.txt", "--to", tmp_path / "a.lm")
    assert code == 2
    assert "nowhere.txt" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("one line only\n", (), "two documents or more"),
        ("", (), "no text"),
        ("a b\nc d\n", ("--batch-size", 64), "smaller --batch-size"),
        (TEXT, ("--tokens", "letters"), "subwords or words"),
        (TEXT, ("--kind", "gru"), "kind must be"),
        (TEXT, ("--part", "page"), "'page'"),
        (TEXT, ("--rate", 0), "rate must be"),
        (TEXT, ("--valid", "nowhere.txt"), "nowhere.txt"),
    ],
)
def test_mistakes_are_one_clear_line(run, tmp_path, text, options, said):
    path = tmp_path / "corpus.txt"
    path.write_text(text, encoding="utf-8")
    code, out, err = run("pretrain", path, *SMALL, *options, "--to", tmp_path / "a.lm")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a.lm").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "notes"), "notes exists and is no textgraft model"),
        (("--to", "."), "exists and is no textgraft model"),
        (("--to", "a.model"), "a.model is a classifier, which a language model would replace"),
        (("--to", "corpus.txt/a.lm"), "--to corpus.txt/a.lm cannot be written"),
        (("--to", "a.lm", "--run", "corpus.txt"), "--run corpus.txt cannot be written (Not a directory)"),
        (("--to", "a.lm", "--run", "a.lm/run"), "outside of the model's folder a.lm"),
    ],
)
@pytest.mark.parametrize("command", [("pretrain", *SMALL), ("adapt", "--from", "english")])
def test_what_cannot_be_written_is_refused_before_a_text_is_read(
    run, corpus, tmp_path, monkeypatch, command, options, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    write_bundle(tmp_path / "a.model", Bundle({"method": "tfidf"}, {}, {}))
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run(*command, "corpus.txt", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_several_processes_are_refused_before_a_text_is_read(run, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, out, err = run("pretrain", corpus, *SMALL, "--to", tmp_path / "a.lm")
    assert (code, out) == (2, "")
    assert "learns in one process, found several" in err
    assert sorted(tmp_path.iterdir()) == [corpus]


def test_options_reach_the_training(run, corpus, tmp_path, monkeypatch):
    from textgraft.language import learning

    asked = {}

    def learn(network, plan, learns, held_out, reading, **rest):
        asked.update(rest, network=network, plan=plan, reading=reading)
        return learning.learn(network, plan, learns, held_out, reading, **rest)

    monkeypatch.setattr("textgraft.language.pretraining.learn", learn)
    code, _, err = run(
        "pretrain", corpus, *SMALL, "--backward", "--sampled", 60, "--seed", 7, "--dropout", 0.25,
        "--rate", 0.002, "--checkpoint-minutes", 0.5, "--to", tmp_path / "a.lm",
    )  # fmt: skip
    assert code == 0, err
    assert (asked["reading"].lanes, asked["reading"].window) == (4, 16)
    assert (asked["reading"].backward, asked["reading"].seed, asked["sampled"]) == (True, 7, 60)
    assert asked["run"].seconds == 30.0
    assert set(asked["plan"].phases[0].peak_rates) == {0.002}
    assert asked["network"].body.hidden_dropout.p == 0.25 * LANGUAGE_MODEL_RATES.hidden
    assert open_language_model(tmp_path / "a.lm").backward


def test_a_checkpoint_is_written_every_five_minutes_unless_told_otherwise(run, corpus, tmp_path, monkeypatch):
    runs = []

    def learn(*given, run, **rest):
        runs.append(run.seconds)
        raise DataError("enough")

    monkeypatch.setattr("textgraft.language.pretraining.learn", learn)
    assert run("pretrain", corpus, *SMALL, "--to", tmp_path / "a.lm")[0] == 2
    assert runs == [300.0]


def test_half_the_space_is_nearly_the_same_model(run, corpus, tmp_path):
    command = ("pretrain", corpus, *SMALL, "--run", tmp_path / "run")
    assert run(*command, "--to", tmp_path / "whole.lm")[0] == 0
    assert run(*command, "--half", "--to", tmp_path / "half.lm")[0] == 0
    sizes = [(tmp_path / f"{name}.lm" / "arrays.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    whole, half = (open_language_model(tmp_path / f"{name}.lm").tensors for name in ("whole", "half"))
    assert {tensor.dtype for tensor in half.values()} == {np.dtype("float32")}
    for name, tensor in whole.items():
        np.testing.assert_allclose(half[name], tensor, rtol=1e-3, atol=1e-6)
