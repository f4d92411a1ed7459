"""``textgraft adapt``: what it says, what it keeps, how it goes on, and what it refuses."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from textgraft.language.folder import open_language_model
from textgraft.language.pretraining import Pretraining, pretrain
from textgraft.text.documents import Documents
from textgraft.text.word_tokens import train_words

CORPUS = [f"the cat number {n} sat on the mat and looked at dog {n % 7}" for n in range(60)]
LINES = [f"parcel {n % 3} for the dog is late , refund number {n % 7}" for n in range(40)]
FAST = ("--batch-size", 4, "--window", 16)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = train_words(CORPUS)
    documents = Documents.of(tokenizer.ids(CORPUS))
    how = Pretraining(embedding=8, hidden=16, layers=2, batch_size=4, window=16, rate=2e-2)
    path = tmp_path_factory.mktemp("models") / "english.lm"
    pretrain(*documents.held_out(0.1), tokenizer, how).save(path)
    return path


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Rows with and without a label."""
    path = tmp_path / "tickets.csv"
    rows = (f'"{line}",{"late" if n % 2 else ""}\n' for n, line in enumerate(LINES))
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path


def test_a_model_learns_the_language_of_a_file(run, english, texts, tmp_path):
    code, out, err = run("adapt", texts, *FAST, "--from", english, "--to", tmp_path / "a.lm", "--epochs", 2)
    assert code == 0
    assert "of 36 texts." in out
    assert "words kept, 6 new." in out
    assert "Perplexity of 4 held-out texts: " in out
    assert "a.lm.run may be removed" in out
    # a slow machine has lines of progress between them
    epochs = [line.split(":")[0] for line in err.splitlines() if line.startswith("Epoch")]
    assert epochs == ["Epoch 1 of 2", "Epoch 2 of 2"]
    model = open_language_model(tmp_path / "a.lm")
    assert "parcel" in model.tokenizer.vocabulary
    assert model.settings.hidden == 16
    assert (tmp_path / "a.lm.run" / "log.jsonl").is_file()


def test_json_for_machines_and_options_that_reach_the_training(run, english, texts, tmp_path):
    code, out, _ = run(
        "adapt", texts, *FAST, "--from", english, "--to", tmp_path / "a.lm", "--json", "--rate", 0.01,
        "--epochs", 1, "--seed", 3, "--dropout", 0.2,
    )  # fmt: skip
    told = json.loads(out)
    assert (code, told["documents"], told["held_out_documents"], told["epochs"]) == (0, 36, 4, 1)
    assert told["perplexity"] > 1
    assert told["vocabulary"] == len(open_language_model(english).tokenizer.vocabulary) + 6
    assert open_language_model(tmp_path / "a.lm").training.plan.phases[0].peak_rates[-1] == 0.01


def test_few_texts_and_several_files(run, english, tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "b.jsonl"
    first.write_text("the cat sat\n\nthe dog sat\n", encoding="utf-8")
    second.write_text('{"text": "the dog looked at the cat"}\n', encoding="utf-8")
    code, out, _ = run("adapt", first, second, "--from", english, "--to", tmp_path / "a.lm", "--json")
    told = json.loads(out)
    assert (code, told["documents"], told["held_out_documents"], told["perplexity"]) == (0, 3, 0, None)
    code, out, _ = run("adapt", first, "--from", english, "--to", tmp_path / "b.lm", "--part", "file")
    assert code == 0
    assert "of 1 text." in out
    assert "Perplexity was not measured" in out


def test_standard_input_has_texts(run, english, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(LINES).encode())))
    code, out, _ = run("adapt", "-", *FAST, "--from", english, "--to", tmp_path / "a.lm", "--json")
    assert (code, json.loads(out)["documents"]) == (0, 36)


def test_the_same_command_again_learns_nothing_twice(run, english, texts, tmp_path):
    command = ("adapt", texts, *FAST, "--from", english, "--to", tmp_path / "a.lm", "--json")
    first = json.loads(run(*command)[1])
    texts.touch()
    code, out, err = run(*command)
    assert (code, json.loads(out)["perplexity"]) == (0, first["perplexity"])
    assert "Epoch" not in err
    code, _, err = run(*command, "--seed", 1)
    assert code == 2
    assert "another run" in err
    assert run(*command, "--seed", 1, "--run", tmp_path / "other.run")[0] == 0


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", (), "no text"),
        ("hi\n", (), "two tokens or more"),
        ("a b\n", ("--part", "page"), "'page'"),
        ("a b\n", ("--rate", 0), "rate must be"),
        ("a b\n", ("--epochs", 0), "epochs must be"),
        ("a b\n", ("--text", "body"), "no columns"),
        ("a b\n", ("--from", "nowhere.lm"), "nowhere.lm"),
    ],
)
def test_mistakes_are_one_clear_line(run, english, tmp_path, text, options, said):
    path = tmp_path / "texts.txt"
    path.write_text(text, encoding="utf-8")
    code, out, err = run("adapt", path, "--from", english, *options, "--to", tmp_path / "a.lm")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a.lm").exists()
    assert not (tmp_path / "a.lm.run").exists()
