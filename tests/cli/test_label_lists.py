"""Several labels a text on the command line: found, asked for, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from textgraft.cli.files import Rows
from textgraft.cli.label_lists import with_label_lists
from textgraft.errors import DataError, ParameterError

ROWS = [
    ("apple pear plum", ["fruit"]),
    ("hammer saw drill", ["tool"]),
    ("apple saw pear hammer", ["fruit", "tool"]),
    ("robin eagle crow", ["bird"]),
    ("robin apple plum crow", ["bird", "fruit"]),
    ("drill eagle saw robin", ["bird", "tool"]),
    ("the of and", []),
] * 4


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The same rows in every format that can say several labels."""
    paths = {name: tmp_path / f"rows.{name}" for name in ("csv", "jsonl", "parquet")}
    lines = [f"{text},{'|'.join(labels) or '|'}" for text, labels in ROWS]
    paths["csv"].write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    records = [json.dumps({"text": text, "label": labels}) for text, labels in ROWS]
    paths["jsonl"].write_text("\n".join(records) + "\n", encoding="utf-8")
    table = pa.table({"text": [text for text, _ in ROWS], "label": [labels for _, labels in ROWS]})
    pq.write_table(table, paths["parquet"])
    return paths


def test_a_model_is_fitted_measured_and_asked(run, files, tmp_path):
    model = tmp_path / "a.model"
    code, out, err = run("fit", files["csv"], "-m", "tfidf", "--to", model)
    assert code == 0, err
    assert "learned 3 labels from 28 rows" in out
    assert "3 of 7 labels are lists such as 'bird|fruit'" in out
    assert "--single-label takes them as they are" in out
    assert "reject none" in out
    assert "Thresholds were fitted on 28 rows, each scored by a model that did not see it" in out

    code, out, _ = run("evaluate", model, files["csv"], "--json")
    told = json.loads(out)
    assert code == 0
    assert told["micro_f1"] == 1.0
    assert told["without_label"] == pytest.approx(1 / 7)
    assert "LRAP" in run("evaluate", model, files["jsonl"])[1]

    code, out, _ = run("predict", model, files["csv"], "--top", 3)
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [set(answer["labels"]) for answer in answers] == [set(labels) for _, labels in ROWS]
    assert list(answers[2]) == ["text", "labels", "belief", "top"]
    assert list(answers[2]["belief"]) == answers[2]["labels"]
    assert answers[6]["belief"] == {}
    believed = [one["belief"] for one in answers[0]["top"]]
    assert believed == sorted(believed, reverse=True)
    assert len(believed) == 3

    code, out, _ = run("explain", model, "apple pear saw hammer", "-k", 1)
    assert code == 0
    assert "fruit, tool: apple saw pear hammer" in out
    told = json.loads(run("explain", model, "apple pear saw hammer", "--json")[1])
    assert told[0]["neighbours"][0]["labels"] == ["fruit", "tool"]


def test_every_format_gives_the_same_model(run, files, tmp_path):
    told = {}
    for name, path in files.items():
        code, out, err = run("fit", path, "-m", "tfidf", "--to", tmp_path / name, "--json")
        assert code == 0, err
        told[name] = json.loads(out)
        assert told[name].pop("multilabel")
        _, told[name]["answers"], _ = run("predict", tmp_path / name, files["csv"])
    same = ("rows", "classes", "rejection", "answers")
    assert [told["csv"][key] for key in same] == [told["jsonl"][key] for key in same]
    assert [told["csv"][key] for key in same] == [told["parquet"][key] for key in same]


def test_labels_are_taken_as_they_are_where_that_is_asked_for(run, files, tmp_path):
    code, out, _ = run("fit", files["csv"], "-m", "tfidf", "--single-label", "--to", tmp_path / "a", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["classes"] == 7
    assert "multilabel" not in told
    assert told["parameters"]["reject"] == "coverage:0.95"
    code, _, err = run("fit", files["jsonl"], "-m", "tfidf", "--single-label", "--to", tmp_path / "b")
    assert code == 2
    assert "Leave --single-label out" in err


def test_another_separator_has_to_be_named(run, tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f'"{text}","{"; ".join(labels)}"' for text, labels in ROWS if labels]
    path.write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    plain = json.loads(run("fit", path, "-m", "tfidf", "--to", tmp_path / "a", "--json")[1])
    assert plain["classes"] == 6
    # inspect says what fit would not guess
    assert "look multi-label" in run("inspect", path, "-e", "none")[1]
    split = ("--multilabel", "--separator", ";")
    code, out, _ = run("fit", path, "-m", "tfidf", *split, "--to", tmp_path / "b")
    assert code == 0
    assert "learned 3 labels" in out
    assert "Labels are split at ';', as asked for." in out
    told = json.loads(run("evaluate", tmp_path / "b", path, "--separator", ";", "--json")[1])
    assert told["micro_f1"] == 1.0


def test_validation_rows_are_split_alike(run, files, tmp_path):
    code, out, _ = run(
        "fit", files["csv"], "-m", "tfidf", "--valid", files["jsonl"], "--to", tmp_path / "a.model"
    )
    assert code == 0
    assert "28 rows of the validation file" in out


def test_inspect_counts_labels(run, files):
    told = json.loads(run("inspect", files["parquet"], "-e", "none", "--json")[1])
    assert told["label_sets"] == {"mean": pytest.approx(9 / 7), "most": 2, "none": 4, "distinct": 7}
    assert {one["name"] for one in told["classes"]} == {"bird", "fruit", "tool"}
    code, out, _ = run("inspect", files["csv"], "--test", files["jsonl"], "-e", "none")
    assert code == 0
    assert "lists such as 'bird|fruit'" in out


def test_plan_counts_labels(run, files):
    told = json.loads(run("plan", "transformer-gru", files["csv"], "--json")[1])
    assert (told["rows"], told["classes"]) == (28, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "pair", "-e", "hashing"), "Use tfidf, linear, knn"),
        (("-m", "tfidf", "--reject", "risk:0.1"), "reject None"),
        (("-m", "tfidf", "--separator", ""), "a sign between labels"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_no_model(run, files, tmp_path, arguments, said):
    code, out, err = run("fit", files["csv"], *arguments, "--to", tmp_path / "a.model")
    assert code == 2
    assert not out
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a.model").exists()


def test_commands_for_one_label_refuse(run, files, tmp_path):
    run("fit", files["csv"], "-m", "tfidf", "--to", tmp_path / "a.model")
    for arguments, said in (
        (("predict", tmp_path / "a.model", files["csv"], "--reject", "coverage:0.9"), "empty set"),
        (("suspects", files["jsonl"], "-m", "tfidf"), "Expected one label a row"),
    ):
        code, _, err = run(*arguments)
        assert code == 2
        assert said in err


def test_a_report_is_a_page(run, files, tmp_path):
    model, page = tmp_path / "a.model", tmp_path / "a.html"
    run("fit", files["csv"], "-m", "tfidf", "--to", model)
    code, out, err = run("evaluate", model, files["jsonl"], "--report", page, "--train", files["csv"])
    assert code == 0, err
    assert f"Report: {page}" in out
    text = page.read_text("utf-8")
    assert "several labels a text" in text
    assert "The training file has 28 rows of 3 labels" in text
    assert "28 test texts" in text
    code, _, err = run("evaluate", model, files["csv"], "--report", page, "--unlabelled", files["csv"])
    assert code == 2
    assert "cannot be asked for --unlabelled" in err
    assert page.read_text("utf-8") == text


def _rows(*labels: object) -> Rows:
    return Rows([f"text {at}" for at in range(len(labels))], list(labels), "text", "label", "rows.csv")


def test_an_empty_field_is_unlabelled_and_a_separator_alone_is_the_empty_list():
    found, said = with_label_lists(_rows("a | b", "", None, float("nan"), "|", "a", 3), True)
    assert found.labels == [["a", "b"], None, None, None, [], ["a"], ["3"]]
    assert said == "Labels are split at '|', as asked for."


def test_what_may_be_a_name_is_not_split_unasked():
    for labels in (("yes|no", "on|off", "yes|no"), ("a", "b", "a|b"), (1, 2.0, None)):
        found, said = with_label_lists(_rows(*labels), None)
        assert (found.labels, said) == (list(labels), None)
    with pytest.raises(ParameterError):
        with_label_lists(_rows("a"), None, "")
    with pytest.raises(DataError, match=r"rows\.csv has lists"):
        with_label_lists(_rows(["a"]), False)


@pytest.mark.parametrize("name", ["compare", "suspects"])
def test_commands_for_one_label_a_row_refuse_lists(run, files, name):
    options = ["-m", "tfidf", "--sizes", "all"] if name == "compare" else ["-m", "tfidf"]
    for kind, said in [
        ("csv", "3 of 7 labels are lists such as 'bird|fru"),
        ("jsonl", "Labels are lists, so"),
    ]:
        code, out, err = run(name, files[kind], *options)
        assert (code, out) == (2, "")
        assert f"Expected one label a row in {files[kind]}. {said}" in err
        assert "several are for textgraft fit and textgraft evaluate" in err
        assert len(err.strip().splitlines()) == 1
    code, out, _ = run(name, files["csv"], *options, "--single-label", "--json")
    assert code == 0
    assert json.loads(out)["rows"] in (24, 28)


def test_a_test_file_of_lists_is_refused_too(run, files, tmp_path):
    plain = tmp_path / "plain.csv"
    plain.write_text("text,label\n" + "apple,fruit\nsaw,tool\n" * 5, encoding="utf-8")
    code, _, err = run("compare", plain, "--test", files["csv"], "-m", "tfidf")
    assert code == 2
    assert f"Expected one label a row in {files['csv']}" in err
