"""The commands, through the entry point that people run."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from textgraft.cli.files import read_rows

ROOT = Path(__file__).resolve().parents[2]
TICKETS = ROOT / "examples" / "support_tickets.csv"
MORE_TICKETS = ROOT / "examples" / "support_tickets_test.csv"
TEXTGRAFT = Path(sys.executable).with_name("textgraft")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model with a coverage rule, fitted by the console script itself."""
    folder = tmp_path_factory.mktemp("models") / "tickets.model"
    arguments = ["fit", TICKETS, "-m", "tfidf", "--oos-label", "oos", "--to", folder]
    done = subprocess.run([TEXTGRAFT, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder


def test_fit_says_what_it_found_used_and_chose(run, tmp_path):
    code, out, _ = run("fit", TICKETS, "-m", "tfidf", "--oos-label", "oos", "--to", tmp_path / "a.model")
    assert code == 0
    for expected in (
        "312 rows",
        "'text' as text",
        "learned 9 classes from 280 rows",
        "2 rows with an empty text: skipped",
        "3 rows without a label",
        "27 rows out of scope",
        "1 row repeating an earlier row",
        "C 30.0",
        "estimate, not a guarantee",
        "Of the 27 out-of-scope rows given,",
    ):
        assert expected in out


def test_fit_says_how_a_blend_is_weighed(run, tmp_path):
    code, out, _ = run(
        *("fit", TICKETS, "-m", "blend", "-e", "hashing", "-o", "parts", "tfidf+knn", "--oos-label", "oos"),
        *("--to", tmp_path / "a.model"),
    )
    assert code == 0
    assert "Weights of the parts, fitted on 280 rows not learned from: tfidf " in out
    assert "parts tfidf+knn" in out


def test_fit_json_is_json(run, tmp_path):
    code, out, _ = run("fit", TICKETS, "-m", "tfidf", "--to", tmp_path / "a.model", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["classes"] == 10
    assert told["threshold"]["source"] == "cross-fit"


def test_fit_with_method_options_and_a_validation_file(run, tmp_path):
    code, out, _ = run(
        *("fit", TICKETS, "-m", "knn", "-e", "hashing", "-o", "k", "3", "--option", "temperature=none"),
        *(
            "--oos-label",
            "oos",
            "--valid",
            MORE_TICKETS,
            "--reject",
            "coverage:0.9",
            "--to",
            tmp_path / "a.model",
        ),
    )
    assert code == 0
    assert "k 3" in out
    assert "temperature none" in out
    assert "81 rows of the validation file" in out
    assert "finite-sample guarantee" in out


def test_predict_gives_one_json_line_a_text_in_order(run, model, tmp_path):
    texts = ["where is my parcel", "", "i want a refund 💸", "قهوة", 'a "quoted" text, with commas']
    (tmp_path / "queries.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    code, out, _ = run("predict", model, tmp_path / "queries.txt", "--top", "2")
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [record["text"] for record in records] == texts
    assert records[1]["label"] == "<rejected>"
    assert records[1]["confidence"] == -1
    assert [len(record["top"]) for record in records] == [2, 1, 2, 2, 2]
    assert "قهوة" in out


def test_predict_reads_stdin_and_tables(model, run):
    piped = subprocess.run(
        [TEXTGRAFT, "predict", model],
        input="where is my parcel\nlast line without end",
        capture_output=True,
        text=True,
    )
    assert [json.loads(line)["text"] for line in piped.stdout.splitlines()] == [
        "where is my parcel",
        "last line without end",
    ]
    code, out, _ = run("predict", model, MORE_TICKETS)
    assert code == 0
    assert len(out.splitlines()) == 95


def test_next_says_what_to_label(run, model, tmp_path):
    code, out, _ = run("next", model, MORE_TICKETS, "-k", 3)
    assert code == 0
    assert "stands for" in out
    code, out, _ = run("next", model, MORE_TICKETS, "-k", 3, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 3
    with open(MORE_TICKETS, encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert [texts[row["row"]] for row in rows] == [row["text"] for row in rows]
    (tmp_path / "blank.txt").write_text("\n  \n")
    code, _, err = run("next", model, tmp_path / "blank.txt")
    assert (code, err.count("\n")) == (2, 1)
    assert "Expected texts to choose from" in err


def test_evaluate_writes_a_report(run, model, tmp_path):
    page = tmp_path / "tickets & co.html"
    more = ["--train", TICKETS, "--unlabelled", MORE_TICKETS, "--json"]
    code, out, _ = run("evaluate", model, MORE_TICKETS, "--report", page, *more)
    assert code == 0
    html = page.read_text(encoding="utf-8")
    assert f"{100 * json.loads(out)['accuracy']:.1f} %" in html
    assert f"textgraft evaluate {model} {MORE_TICKETS} --report &#39;" in html
    for file, what in ((TICKETS, "training rows"), (MORE_TICKETS, "test rows"), (MORE_TICKETS, "unlabelled")):
        n_rows = len(read_rows(file, text=None, label=None, need_labels=True).texts)
        told = f"{file} ({n_rows} rows, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()})"
        assert f"<dt>{what}</dt><dd><bdi>{told}</bdi></dd>" in html
    for heading in ("Surest errors", "What to label next", "Most suspicious labels first", "tickets.model"):
        assert heading in html
    plain = run("evaluate", model, MORE_TICKETS)[1]
    _, out, _ = run("evaluate", model, MORE_TICKETS, "--report", page)
    assert out == f"{plain}Report: {page}\n"
    html = page.read_text(encoding="utf-8")
    assert "What to label next" not in html
    assert "name the training file with --train" in html


def test_reports_that_cannot_be_are_refused_in_one_line(run, model, tmp_path):
    for arguments, said in (
        (["--report", tmp_path / "page.pdf"], "Expected a file ending in .html, found 'page.pdf'."),
        (["--report", tmp_path / "none" / "page.html"], "there is no folder"),
        (["--train", TICKETS, "--no-suspects"], "--train and --suspects add to the HTML report"),
        (["--report", tmp_path / "page.html", "--train", tmp_path / "none.csv"], "none.csv"),
    ):
        code, out, err = run("evaluate", model, MORE_TICKETS, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
    assert not list(tmp_path.iterdir())


def test_the_rule_of_a_saved_model_can_be_changed(run, model):
    def kept(rule: str) -> int:
        _, out, _ = run("predict", model, MORE_TICKETS, "--reject", rule)
        return sum(json.loads(line)["label"] != "<rejected>" for line in out.splitlines())

    assert kept("none") == 95
    assert kept("coverage:0.95") > kept("coverage:0.5") > kept("similarity:1")


def test_evaluate_reports_all_it_promises(run, model):
    code, out, _ = run("evaluate", model, MORE_TICKETS)
    assert code == 0
    for word in ("precision", "recall", "f1", "accuracy", "macro", "micro", "coverage", "auroc", "fpr"):
        assert word in out.lower()
    code, out, _ = run("evaluate", model, MORE_TICKETS, "--json")
    result = json.loads(out)
    assert 0.5 < result["accuracy"] <= 1
    assert 0.5 < result["auroc"] <= 1


def test_evaluate_draws_belief_beside_truth(run, model, tmp_path):
    picture = tmp_path / "belief.png"
    code, out, _ = run("evaluate", model, MORE_TICKETS, "--reliability", picture)
    assert code == 0
    assert "calibration error" in out
    assert str(picture) in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    _, out, _ = run("evaluate", model, MORE_TICKETS, "--json")
    result = json.loads(out)
    assert 0 <= result["calibration_error"] <= 1
    assert sum(group["rows"] for group in result["reliability"]) == result["in_scope"]
    code, _, err = run("evaluate", model, MORE_TICKETS, "--reliability", tmp_path / "belief.gif")
    assert code == 2
    assert ".png, .svg or .pdf" in err


def test_explain_shows_training_texts_and_draws(run, model, tmp_path):
    picture = tmp_path / "map.png"
    code, out, _ = run(
        "explain", model, "my parcel is late", "refund please", "-k", "2", "--heatmap", picture
    )
    assert code == 0
    assert out.count("confidence") == 2
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, out, _ = run("explain", model, "my parcel is late", "--json")
    (told,) = json.loads(out)
    assert [n["similarity"] for n in told["neighbours"]] == sorted(
        (n["similarity"] for n in told["neighbours"]), reverse=True
    )


def test_suspects_are_shown_to_people_and_to_machines(run, tmp_path):
    rows = tmp_path / "rows.csv"
    lines = [
        f"{word} {word} {n},{label}"
        for label, word in (("fruit", "plum"), ("tool", "saw"))
        for n in range(12)
    ]
    rows.write_text("\n".join(["text,label", *lines, "plum plum,tool"]) + "\n", encoding="utf-8")
    code, out, _ = run("suspects", rows, "-m", "tfidf")
    assert code == 0
    assert "row 25: plum plum" in out
    assert "labelled tool" in out
    assert "rather fruit" in out
    code, out, _ = run("suspects", rows, "-m", "tfidf", "--most", 1, "--json")
    (one,) = json.loads(out)["suspects"]
    assert (code, one["row"], one["suggested"]) == (0, 24, "fruit")


def test_inspect_finds_what_is_in_the_example(run):
    code, out, _ = run("inspect", TICKETS, "--oos-label", "oos", "-e", "hashing", "--test", TICKETS)
    assert code == 0
    for line in (
        "classes +9",
        "duplicate rows +1 exact",
        "conflicting texts +1 exact",
        "tokens a text",
        "en 8",
    ):
        assert re.search(line, out), line
    assert "test texts seen         0 exact" not in out
    code, out, _ = run("inspect", TICKETS, "-e", "none", "--json")
    assert code == 0
    assert json.loads(out)


def test_methods_and_encoders_list_what_there_is(run):
    from textgraft.methods import METHODS

    _, out, _ = run("methods")
    assert [line.split()[0] for line in out.splitlines()] == list(METHODS)
    _, out, _ = run("methods", "knn")
    assert "temperature" in out
    _, out, _ = run("methods", "knn", "--json")
    assert json.loads(out)["parameters"]["k"] == 30
    _, out, _ = run("encoders")
    assert "minilm" in out
    _, out, _ = run("encoders", "--json")
    assert set(json.loads(out)) == {"minilm", "use", "hashing"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("fit", "nowhere.csv", "--to", "a.model"), "nowhere.csv"),
        (("fit", TICKETS, "-m", "blend", "-o", "parts", "tfidf,knn", "--to", "a.model"), "joined by +"),
        (("fit", TICKETS, "-m", "svm", "--to", "a.model"), "expected one of tfidf, linear, knn"),
        (
            ("fit", TICKETS, "-m", "knn", "-o", "K", "3", "-o", "k", "x", "--to", "a.model"),
            "k expects a whole number",
        ),
        (("fit", TICKETS, "-m", "knn", "-o", "K", "3", "-o", "k", "x", "--to", "a.model"), "no option 'K'"),
        (
            ("fit", TICKETS, "-m", "knn", "-o", "k", "0", "-e", "hashing", "--to", "a.model"),
            "from 1, found 0",
        ),
        (("fit", TICKETS, "-m", "knn", "-o", "seed", "1", "--to", "a.model"), "--seed"),
        (("fit", TICKETS, "-m", "knn", "-o", "k", "--to", "a.model"), "k lacks its value"),
        (("fit", TICKETS, "-m", "tfidf", "-e", "minilm", "--to", "a.model"), "needs no encoder"),
        (("fit", TICKETS, "-e", "minlm", "--to", "a.model"), "Unknown encoder 'minlm'"),
        (("fit", TICKETS, "--reject", "often", "--to", "a.model"), "coverage:0.95"),
        (("fit", TICKETS, "--reject", "coverage:95", "--to", "a.model"), "between 0 and 1"),
        (("fit", TICKETS, "--text", "body", "--to", "a.model"), "body"),
        (("predict", "no.model"), "no.model"),
        (("explain", "no.model"), "found none"),
        (("methods", "svm"), "expected one of"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("textgraft: ")
    assert expected in err
    assert list(tmp_path.iterdir()) == []


def test_fit_replaces_a_model_but_nothing_else(run, tmp_path):
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.txt").write_text("years of work")
    code, _, err = run("fit", TICKETS, "-m", "tfidf", "--to", precious)
    assert code == 2
    assert "no textgraft model" in err
    assert [path.name for path in precious.iterdir()] == ["chapter.txt"]
    for _ in range(2):
        assert run("fit", TICKETS, "-m", "tfidf", "--to", tmp_path / "a.model")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.model", "thesis"]


def test_usage_errors_exit_with_2_and_versions_print(run):
    assert run("fit")[0] == 2
    assert run("unheard-of")[0] == 2
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("textgraft ")


def test_help_of_every_command_shows_examples(run):
    for command in ("fit", "predict", "evaluate", "explain", "inspect", "suspects", "next", "methods"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert f"textgraft {command}" in out
        assert "Examples" in out


def test_help_loads_no_heavy_library():
    code = (
        "import sys; sys.argv = ['textgraft', '--help']\n"
        "from textgraft.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'sklearn', 'transformers', 'numpy', 'scipy', 'pyarrow', 'matplotlib'}\n"
        "sys.exit(f'loaded {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_interrupt_leaves_whole_lines_and_exit_code_1(model):
    with subprocess.Popen(
        [TEXTGRAFT, "predict", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        # whoever runs the tests in the background has Ctrl-C ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        lines = "".join(f"where is parcel number {number}\n" for number in range(20_000))
        os.set_blocking(process.stdin.fileno(), False)
        sent = lines.encode()
        while sent:
            try:
                sent = sent[os.write(process.stdin.fileno(), sent[:65536]) :]
            except BlockingIOError:
                break
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    out = (first + rest).decode()
    assert out.endswith("\n"), out[-200:]
    numbers = [int(json.loads(line)["text"].split()[-1]) for line in out.splitlines()]
    assert numbers == list(range(len(numbers)))


def test_a_closed_pipe_ends_predict_quietly(model):
    command = f"yes 'where is my parcel' | '{TEXTGRAFT}' predict '{model}' | head -n 3"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert len(done.stdout.splitlines()) == 3
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_memory_of_predict_stays_flat(model, tmp_path):
    def peak_kib(lines: int) -> int:
        source = tmp_path / f"{lines}.txt"
        with source.open("w") as file:
            file.writelines(f"where is my parcel number {number}\n" for number in range(lines))
        code = (
            "import resource, subprocess, sys\n"
            "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, TEXTGRAFT, "predict", model, source], capture_output=True, text=True
        )
        return int(done.stdout)

    assert peak_kib(200_000) < peak_kib(20_000) + 30_000


def test_a_slow_producer_is_answered_line_by_line(model):
    with subprocess.Popen(
        [TEXTGRAFT, "predict", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for number in range(2):
            process.stdin.write(f"question {number}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == f"question {number}"
            time.sleep(0.05)
        process.stdin.close()
        assert process.wait(timeout=30) == 0
