"""What the commands say and do about methods that train a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROWS = "text,label\n" + "\n".join(
    f"{text} {number},{label}"
    for number in range(6)
    for text, label in (("red apple", "fruit"), ("pear", "fruit"), ("saw", "tool"), ("old drill", "tool"))
)  # fmt: skip
FAST = ("-o", "contrast", 1, "-o", "epochs", 2, "-o", "rate", 0.003)


@pytest.fixture
def bert(tiny_models: Callable[[str], Path]) -> Path:
    return tiny_models("bert")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_plan_prints_phases_groups_rates_and_counts(run, bert, rows):
    code, out, _ = run("plan", "finetune", rows, "-e", bert, *FAST)
    assert code == 0
    assert "finetune on 24 rows of 2 classes" in out
    assert "contrastive warm-up" in out
    assert "1. fine-tuning: 2 epochs, one-cycle" in out
    (frozen,) = {line.split("  ")[-1] for line in out.splitlines() if line.strip().startswith("embeddings")}
    assert frozen == "frozen"
    assert "rate 1.50e-02" in next(line for line in out.splitlines() if line.strip().startswith("head"))


def test_plan_shows_a_head_that_no_epoch_trains(run, bert):
    head = "logistic regression\n   head             66  computed at once, in no epochs"
    few = "-o", "holdout", 0.2, "--rows", 50, "--classes", 2
    code, out, _ = run("plan", "finetune", "-e", bert, *few)
    assert (code, "1. warm-up: 8 epochs" in out, "all layers" in out) == (0, True, False)
    assert out.rstrip().endswith(head)
    code, out, _ = run("plan", "finetune", "-e", bert, *few, "-o", "train", "head")
    assert (code, out.rstrip()) == (0, f"finetune on 50 rows of 2 classes:\n\n{head}")


@pytest.mark.parametrize("method", ["finetune", "transformer-gru", "siamese", "pair", "ulmfit"])
def test_every_trained_method_has_a_plan(run, bert, tiny_english, method):
    model = ("-o", "language_model", tiny_english) if method == "ulmfit" else ("-e", bert)
    code, out, _ = run("plan", method, *model, "--rows", 50, "--classes", 3, "--json")
    told = json.loads(out)
    assert (code, told["rows"], told["classes"]) == (0, 50, 3)
    for stage in told["stages"]:
        assert set(stage["parameters"]) == set(stage["plan"]["groups"])
    assert told["stages"][0]["plan"]["phases"]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "words.vec"
    path.write_text("red 1 0\nsaw 0 1\nold 1 1\npear 0 0.5\n", encoding="utf-8")
    return path


def test_word_gru_has_a_plan_by_its_vectors(run, vectors):
    options = ("-o", "vectors", vectors, "-o", "max_words", 10)
    code, out, _ = run("plan", "word-gru", *options, "--rows", 50, "--classes", 3, "--json")
    (stage,) = json.loads(out)["stages"]
    assert (code, stage["parameters"]["embeddings"]) == (0, 12 * 2)


def test_fit_says_which_words_are_kept_and_which_have_vectors(run, rows, vectors, tmp_path):
    options = ("-o", "vectors", vectors, "-o", "epochs", 1, "-o", "max_words", 4)
    code, out, _ = run(
        "fit", rows, "-m", "word-gru", *options, "--reject", "none", "--to", tmp_path / "a.model"
    )
    assert code == 0
    assert (
        "The vocabulary has 4 of 12 distinct words of the training texts, 40.0 % of the running ones "
        "(max_words 4, min_count 1)."
    ) in out
    assert (
        f"{vectors} knows 50.0 % of the vocabulary's running words and 2 of its 4 distinct ones; most "
        "frequent unknown: apple, drill."
    ) in out


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--rows", 999), True), (("--rows", 1_000), False), (("-o", "holdout", 0.2), False)],
)
def test_the_plan_says_how_often_a_fit_of_few_rows_learns_it(run, bert, options, said):
    code, out, _ = run("plan", "transformer-gru", "-e", bert, "--rows", 50, *options)
    assert code == 0
    assert ("fit learns all of this 6 times to fit its threshold" in out) is said


@pytest.fixture
def tiny_english(tiny_language_model: Callable[..., Path]) -> Path:
    return tiny_language_model(["red", "apple", "pear", "saw", "old", "drill"])


def test_the_plan_of_ulmfit_is_what_its_fit_does(run, tiny_english, rows, tmp_path):
    # enough texts without a label for another number of epochs
    with rows.open("a", encoding="utf-8") as file:
        file.write("".join(f"\nred drill {n}," for n in range(500)))
    chosen = ("-o", "language_model", tiny_english)
    code, out, _ = run("plan", "ulmfit", rows, *chosen)
    assert code == 0
    assert "ulmfit on 24 rows of 2 classes and 500 texts without a label:" in out
    assert "adapting: 6 epochs" in out
    code, out, err = run(
        "fit", rows, "-m", "ulmfit", *chosen, "-o", "thaw", 0, "-o", "epochs", 1, "--reject", "none",
        "--to", tmp_path / "a.model",
    )  # fmt: skip
    assert code == 0, err
    assert "For 24 rows and 500 texts without a label: epochs 6 of adapting" in out


def test_texts_without_a_label_are_counted_where_they_are_learned_from(run, bert, tiny_english):
    chosen = ("-o", "language_model", tiny_english)
    told = {}
    for unlabelled in (0, 20_000):
        counts = ("--rows", 40, "--unlabelled", unlabelled, "--json")
        code, out, _ = run("plan", "ulmfit", *chosen, *counts)
        told[unlabelled] = json.loads(out)
        assert (code, told[unlabelled]["unlabelled"]) == (0, unlabelled)
    adapting = [said["stages"][0]["plan"]["phases"][0]["epochs"] for said in told.values()]
    assert adapting == [10, 2]
    assert told[0]["stages"][1] == told[20_000]["stages"][1]
    code, out, err = run("plan", "finetune", "-e", bert, "--unlabelled", 5)
    assert (code, out) == (2, "")
    assert "does not learn from texts without a label" in err


def test_a_method_without_training_has_no_plan(run):
    code, out, err = run("plan", "knn")
    assert (code, out) == (2, "")
    assert "knn has no plan" in err
    assert "finetune" in err


def test_fit_keeps_a_log_draws_the_loss_and_removes_the_checkpoint(run, bert, rows, tmp_path):
    folder, plot = tmp_path / "a.run", tmp_path / "pictures" / "loss.png"
    code, out, _ = run(
        "fit", rows, "-m", "finetune", "-e", bert, *FAST, "--reject", "none", "--run", folder, "--plot", plot,
        "--to", tmp_path / "a.model",
    )  # fmt: skip
    assert code == 0
    assert "For 24 rows" in out
    assert plot.read_bytes().startswith(b"\x89PNG")
    epochs = [json.loads(line) for line in (folder / "tuning" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in epochs if line["event"] == "epoch"] == [1, 2]
    assert not list(folder.rglob("checkpoint.safetensors"))
    code, out, _ = run("predict", tmp_path / "a.model", rows)
    assert code == 0
    assert len(out.splitlines()) == 24


def test_a_plot_of_a_method_without_training_is_refused_before_anything_is_learned(run, rows, tmp_path):
    arguments = ("fit", rows, "-m", "tfidf", "--plot", tmp_path / "a.png", "--to", tmp_path / "a.model")
    code, _, err = run(*arguments)
    assert code == 2
    assert "tfidf trains no network" in err
    assert not (tmp_path / "a.model").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "notes"), "notes exists and is no textgraft model"),
        (("--to", "rows.csv/a.model"), "--to rows.csv/a.model cannot be written"),
        (("--to", "m" * 250), "cannot be written (File name too long)"),
        (("--to", "a.model", "--run", "rows.csv"), "--run rows.csv cannot be written"),
        (("--to", "a.model", "--run", "a.model/run"), "outside of the model's folder a.model"),
        (("--to", "a.model", "--plot", "loss.txt"), ".png, .svg or .pdf, found 'loss.txt'"),
        (("--to", "a.model", "--plot", "rows.csv/loss.png"), "cannot be written"),
        (("--to", "a.model", "--plot", "folder.png"), "folder.png is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_row_is_read(run, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    for name in ("notes", "folder.png"):
        (tmp_path / name).mkdir()
    (tmp_path / "rows.csv").write_text("neither text nor label", encoding="utf-8")
    code, out, err = run("fit", "rows.csv", "-m", "finetune", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder.png", "notes", "rows.csv"]


def test_a_plot_without_an_epoch_is_a_sentence_of_the_summary(run, bert, rows, tmp_path):
    nothing, plot = ("-o", "contrast", 0, "-o", "epochs", 0), tmp_path / "loss.png"
    code, out, err = run(
        "fit", rows, "-m", "finetune", "-e", bert, *nothing, "--reject", "none", "--plot", plot,
        "--to", tmp_path / "a.model",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert f"No epoch was trained, so {plot} was not drawn." in out
    assert not plot.exists()


def test_only_checkpoints_of_this_fit_are_removed(run, bert, rows, tmp_path):
    others = [tmp_path / name / "checkpoint.safetensors" for name in ("b.run/tuning", "fold-9/tuning", ".")]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious")
    code, _, _ = run(
        "fit", rows, "-m", "finetune", "-e", bert, *FAST, "--run", tmp_path, "--to", tmp_path / "a.model"
    )
    assert code == 0
    assert {path.parent.name for path in tmp_path.glob("fold-*/tuning/log.jsonl")} == {"tuning"}
    assert sorted(tmp_path.rglob("checkpoint.safetensors")) == sorted(others)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-m", "finetune", "-e", "hashing"), "has none to train"),
        (("-m", "finetune", "-o", "epochs", "many"), "epochs must be"),
        (("-m", "finetune", "-o", "max_tokens", "9999"), "can read"),
        (("-m", "word-gru", "-o", "vectors", "nowhere.vec"), "Unknown word vectors"),
        (("-m", "word-gru", "-e", "minilm"), "needs no encoder"),
    ],
)
def test_mistakes_are_one_clear_line(run, rows, tmp_path, options, said):
    code, out, err = run("fit", rows, *options, "--to", tmp_path / "a.model")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a.model").exists()


def test_find_rate_says_what_to_add_and_draws(run, bert, rows, tmp_path):
    plot = tmp_path / "rates.png"
    code, out, _ = run("find-rate", rows, "-e", bert, *FAST, "--plot", plot)
    assert code == 0
    assert "In the contrastive warm-up, the loss falls fastest at rate" in out
    assert "a fit would use 3.0e-03" in out
    assert "-o rate " in out
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_find_rate_prints_json(run, bert, rows):
    code, out, _ = run("find-rate", rows, "-m", "siamese", "-e", bert, "--json")
    told = json.loads(out)
    assert (code, told["parameter"], told["stage"]) == (0, "rate", "training")
    assert len(told["rates"]) == len(told["losses"]) == len(told["smoothed"])
    assert told["rates"][0] < told["suggestion"] < told["rates"][-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [(("-m", "tfidf"), "trains no network"), (("-m", "finetune", "--plot", "rates.txt"), ".png")],
)
def test_find_rate_refuses_in_one_line(run, rows, options, said):
    code, out, err = run("find-rate", rows, *options)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
