"""The door for data: what each format gives, and that each fault is one helpful line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textgraft.cli.files import Rows, read_rows, stream_texts
from textgraft.cli.readers import LONGEST_FIELD
from textgraft.errors import DataError

# One file is written anew for every example, so the shared folder does no harm.
on_disk = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
unicode_texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=6)


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path: Path, **options: object) -> Rows:
    return read_rows(path, **{"text": None, "label": None, "need_labels": True} | options)  # type: ignore[arg-type]


def streamed(path: Path | str | None, **options: object) -> list[str | None]:
    blocks = stream_texts(path, **{"text": None} | options)  # type: ignore[arg-type]
    return [text for block in blocks for text in block]


def fault(path: Path, **options: object) -> str:
    """The message of the error, without the folder; always one line."""
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return one_line(caught, path)


def stream_fault(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        streamed(path, **options)
    return one_line(caught, path)


def one_line(caught: pytest.ExceptionInfo[DataError], path: Path) -> str:
    message = str(caught.value)
    assert "\n" not in message
    assert "\r" not in message
    assert message.endswith(".")
    return message.replace(f"{path.parent}{os.sep}", "")


# ------------------------------------------------------------------ formats


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    texts, labels = ["where is my card?", 'naïve, “quoted” "text"\nof two lines', ""], ["a", "b", ""]
    table = list(zip(texts, labels, strict=True))
    for name, delimiter in [("x.csv", ","), ("x.tsv", "\t"), ("X.CSV", ",")]:
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows([("text", "label"), *table])
    lines = [json.dumps({"text": text, "label": label}) for text, label in table]
    for name in ("x.jsonl", "x.ndjson"):
        write(tmp_path / name, "\n".join(lines))
    pq.write_table(pa.table({"text": texts, "label": labels}), tmp_path / "x.parquet")
    for path in sorted(tmp_path.iterdir()):
        assert read(path) == Rows(texts, labels, "text", "label", str(path))
        assert streamed(path) == texts


def test_plain_lines_have_no_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.txt", "one\n\ntwo")
    assert read(path, need_labels=False) == Rows(["one", "", "two"], None, "text", None, str(path))
    assert fault(path) == "corpus.txt has plain lines without labels. Give a file with a column of labels."
    assert fault(path, label="y") == "corpus.txt has plain lines and no columns. Leave out --label."
    assert fault(path, text="y", need_labels=False).endswith("Leave out --text.")
    assert stream_fault(path, text="y").endswith("Leave out --text.")
    assert (
        fault(write(tmp_path / "e.txt", ""), need_labels=False) == "e.txt is empty. Expected one text a line."
    )


def test_values_pass_as_they_are(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl", '{"text": 3, "label": null}\n\n  \n{"label": [1]}\n{"text": "\\ud800"}\n'
    )
    assert read(path).texts == [3, None, "\ud800"]
    assert read(path).labels == [None, [1], None]
    pq.write_table(
        pa.table({"text": pa.array([1.5, None]), "label": pa.array([1, 2])}), tmp_path / "x.parquet"
    )
    assert read(tmp_path / "x.parquet").texts == [1.5, None]
    assert read(tmp_path / "x.parquet").labels == [1, 2]
    assert streamed(tmp_path / "x.parquet") == ["1.5", None]


def test_labels_are_none_where_there_are_none(tmp_path: Path) -> None:
    rows = read(write(tmp_path / "x.csv", "id,text\n1,a\n"), need_labels=False)
    assert rows.labels is None
    assert rows.label_column is None
    assert read(write(tmp_path / "x.csv", "id,text,class\n1,a,b\n"), need_labels=False).labels == ["b"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_blocks_are_full_and_in_order(tmp_path: Path, suffix: str) -> None:
    texts = [f"text {row}" for row in range(2500)]
    path = tmp_path / f"x.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table({"text": texts, "other": texts}), path)
    elif suffix == "jsonl":
        write(path, "\n".join(json.dumps({"text": text}) for text in texts))
    else:
        write(path, "text\n" + "\n".join(texts))
    for block_rows in (7, 1024, 5000):
        blocks = list(stream_texts(path, text=None, block_rows=block_rows))
        assert [len(block) for block in blocks[:-1]] == [block_rows] * (len(blocks) - 1)
        assert [text for block in blocks for text in block] == texts


def test_no_rows_are_a_fault_in_training_and_no_blocks_in_prediction(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())}),
                   tmp_path / "x.parquet")  # fmt: skip
    for path in (write(tmp_path / "x.csv", "text,label\n\n"), write(tmp_path / "x.jsonl", "\n"),
                 tmp_path / "x.parquet"):  # fmt: skip
        assert fault(path) == f"{path.name} has no rows. Expected at least one text."
        assert streamed(path) == []
    for content in ("", "\n\n", "\ufeff"):
        empty = write(tmp_path / "empty.csv", content)
        assert fault(empty) == "empty.csv is empty. Its first line must name the columns."
        assert stream_fault(empty) == "empty.csv is empty. Its first line must name the columns."


# ------------------------------------------------------------------ files that are not there, or not ours


def test_files_that_cannot_be_read_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    expected = {
        tmp_path / "no.csv": "There is no file no.csv. Give one that exists, or - for standard input.",
        tmp_path / "folder.csv": "folder.csv is a folder. "
        "Give one file (.csv, .tsv, .jsonl, .ndjson, .parquet, .txt).",
        write(tmp_path / "x.csv.gz", b""): "x.csv.gz is compressed. Unpack it first; textgraft reads .csv, "
        ".tsv, .jsonl, .ndjson, .parquet, .txt.",
        write(tmp_path / "x.xlsx", b""): "x.xlsx has the extension '.xlsx'; textgraft reads .csv, .tsv, "
        ".jsonl, .ndjson, .parquet, .txt. Convert or rename it.",
        write(tmp_path / "data", b""): "data has no extension; textgraft reads .csv, .tsv, .jsonl, "
        ".ndjson, .parquet, .txt. Convert or rename it.",
    }
    for path, message in expected.items():
        assert fault(path) == message
        with pytest.raises(DataError):
            stream_texts(path, text=None)  # before the first block is asked for


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "text\na\n")
    path.chmod(0)
    assert fault(path) == "x.csv cannot be read: no permission. Change its permissions."


def test_a_read_that_fails_is_a_fault_of_the_file() -> None:
    path = Path("/proc/self/mem")
    if not path.exists():
        pytest.skip("needs a file that opens and cannot be read")
    from textgraft.cli.encodings import file_line_blocks

    with pytest.raises(
        DataError, match=r"^/proc/self/mem cannot be read: Input/output error\. Check the file\.$"
    ):
        list(file_line_blocks(path, "utf-8", 1))


def test_unknown_encodings(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "text,label\na,b\n")
    for encoding in ("utf-9", "hex", "a\0b", "undefined", ""):
        for message in (fault(path, encoding=encoding), stream_fault(path, encoding=encoding)):
            assert message.startswith("Expected a text encoding, found --encoding ")


# ------------------------------------------------------------------ CSV


@given(texts=unicode_texts)
@on_disk
def test_csv_round_trip(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "label"), *((text, text[::-1]) for text in texts)])
    rows = read(path)
    assert rows.texts == texts
    assert rows.labels == [text[::-1] for text in texts]
    assert streamed(path) == texts


@given(texts=unicode_texts)
@on_disk
def test_csv_round_trip_of_one_column(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("text",), *((text,) for text in texts)])
    assert streamed(path, block_rows=2) == texts


def test_long_fields_leave_the_limit_as_it_was(tmp_path: Path) -> None:
    long = "word, " * 100_000
    path = write(tmp_path / "x.csv", f'text,label\n"{long}",a\nb,c\n')
    before = csv.field_size_limit(1000)
    try:
        assert read(path).texts == [long, "b"]
        assert csv.field_size_limit() == 1000
        for _ in stream_texts(path, text=None, block_rows=1):
            assert csv.field_size_limit() == 1000
        path.write_text("text,label\na,b,c\n")
        fault(path)
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("text;label\nwell, yes;a\n", ["well, yes"]),
        ("text\tlabel\nwell, yes\ta\n", ["well, yes"]),
        ("text,label;x\na,b\n", ["a"]),
        ("\ufefftext,label\r\na,b\r\n", ["a"]),
        (" Text , LABEL \na,b", ["a"]),
        ("\n\ntext,label\n\na,b\n\n", ["a"]),
        ("text,label,,\na,b,,\n", ["a"]),
        ("text,label\na\n", ["a"]),
        ("label,text\na\n", [None]),
        ("text,label\na\0b,c\n", ["a\0b"]),
        ("text,label\na\u2028b\x0b\x1c\x85,c\n", ["a\u2028b\x0b\x1c\x85"]),
        ('text,label\n"a\r\nb",c\n', ["a\r\nb"]),
        ('text,label\nthe "end",c\n', ['the "end"']),
    ],
)
def test_csv_as_it_is_found(tmp_path: Path, content: str, texts: list[str | None]) -> None:
    path = write(tmp_path / "x.csv", content)
    assert read(path, need_labels=False).texts == texts
    assert streamed(path) == texts


def test_a_tsv_keeps_its_commas(tmp_path: Path) -> None:
    assert read(write(tmp_path / "x.tsv", "text\tlabel\na,b;c\td\n")).texts == ["a,b;c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            'text,label\n"a\nb",c\nwell, yes,d\n',
            "x.csv line 4 has 3 fields, but the header names 2 (text, label). "
            "Quote a text that contains ','.",
        ),
        (
            'text,label\na,b\n\n"c,d\n' + "e,f\n" * 99,
            'x.csv: the record that starts at line 4 is broken: a quote " is opened and never closed. '
            'Quote such a field, and double the quotes inside it: "".',
        ),
        (
            'text,label\n"so" he said,b\n',
            "x.csv: the record that starts at line 2 is broken: ',' expected after '\"'. "
            'Quote such a field, and double the quotes inside it: "".',
        ),
        (
            "text,label\ra,b\rc,d\r",
            "x.csv: the record that starts at line 1 is broken: a carriage return stands outside quotes. "
            'Quote such a field, and double the quotes inside it: "".',
        ),
        ("text,label,text \na,b,c\n", "x.csv has two columns named 'text'. Rename one of them."),
        (
            "where is my card,card\nI lost it,lost\n",
            "x.csv has no column 'text' (it has: where is my card, card). Pass --text with one of these "
            "names. The first line must name the columns.",
        ),
    ],
)
def test_broken_csv(tmp_path: Path, content: str, message: str) -> None:
    path = write(tmp_path / "x.csv", content)
    assert fault(path) == message
    assert stream_fault(path) == message


def test_a_quote_that_is_never_closed_does_not_take_the_whole_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.csv", 'text,label\n"a,b\n' + ("c" * 1023 + "\n") * (LONGEST_FIELD // 1024 + 100)
    )
    assert 'starts at line 2 is broken: a quote " is opened and never closed' in stream_fault(path)


# ------------------------------------------------------------------ JSON lines


@given(texts=unicode_texts, escaped=st.booleans())
@on_disk
def test_json_round_trip(tmp_path: Path, texts: list[str], escaped: bool) -> None:
    objects = [json.dumps({"label": text[::-1], "text": text}, ensure_ascii=escaped) for text in texts]
    path = write(tmp_path / "x.jsonl", "\r\n".join(objects))
    assert read(path).texts == texts
    assert read(path).labels == [text[::-1] for text in texts]
    assert streamed(path) == texts
    write(path, "".join(json.dumps(text, ensure_ascii=escaped) + "\n" for text in texts))
    assert streamed(path, block_rows=2) == texts


def test_keys_may_differ_from_line_to_line(tmp_path: Path) -> None:
    lines = ['{"text": "a"}'] * 2000 + ['{"label": "x", "text": "b"}', '{"label": "y"}']
    path = write(tmp_path / "x.jsonl", "\n".join(lines))
    assert read(path).labels == [None] * 2000 + ["x", "y"]
    assert streamed(path) == ["a"] * 2000 + ["b", None]


def test_strings_and_objects_may_be_mixed_in_a_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", '"a"\n' * 1500 + '{"query": "b"}\n"c"\n')
    assert streamed(path) == ["a"] * 1500 + ["b", "c"]
    message = "x.jsonl line 1: expected a JSON object, found str. Write one JSON object a line."
    assert fault(path, need_labels=False) == message


def test_broken_json(tmp_path: Path) -> None:
    deep = "[" * 100_000
    for line, found in [("{'text': 1}", "is not JSON: Expecting"), (deep, "is not JSON: "),
                        ("[1]", ": expected a JSON object, found list"), ("null", "found NoneType"),
                        ("9" * 5000, "is not JSON: Exceeds")]:  # fmt: skip
        path = write(tmp_path / "x.jsonl", f'{{"text": "a", "label": "b"}}\n\n{line}\n')
        for message in (fault(path), stream_fault(path)):
            assert message.startswith("x.jsonl line 3")
            assert found in message
            assert message.endswith("Write one JSON object a line.")


def test_a_stream_names_the_line_of_a_value_that_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", '{"text": 1}\n\n{"text": NaN}\n{"text": ["a"]}\n')
    assert (
        stream_fault(path) == "x.jsonl line 4: expected a text, found list. Pass --text with another column."
    )
    assert streamed(write(path, '{"text": 1}\n\n{"text": NaN}\n')) == ["1", None]


# ------------------------------------------------------------------ Parquet


def test_parquet_categories_and_bytes_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    columns = {
        "a.b": pa.array(["é".encode(), None], pa.binary()),
        "label": pa.array(["x", "x"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path)
    rows = read(path, text="a.b")
    assert rows.texts == ["é", None]
    assert rows.labels == ["x", "x"]


def test_only_the_wanted_columns_of_parquet_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "image": ["c" * 100, "d"]}), path, compression="none")
    place = pq.read_metadata(path).row_group(0).column(1).dictionary_page_offset
    content = path.read_bytes()
    write(path, content[:place] + b"\xff" * 20 + content[place + 20 :])
    with pytest.raises(OSError, match="page header"):
        pq.read_table(path)
    assert streamed(path) == ["a", "b"]


def test_broken_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": ["a" * 10_000, "b"], "label": ["c", "d"]}), path, compression="none")
    assert fault(path, text="txt") == "x.parquet has no column 'txt' (it has: text, label). Pass --text text."
    content = path.read_bytes()
    for broken in (b"", b"text,label\na,b\n", content[:-20], content[:4] + b"\xff" * 60 + content[64:]):
        write(path, broken)
        for message in (fault(path), stream_fault(path)):
            assert message.startswith("x.parquet cannot be read as Parquet: ")
    pq.write_table(pa.table({"text": pa.array([b"\xff"], pa.binary())}), path)
    assert "cannot be read as Parquet: " in stream_fault(path)
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), path)
    assert fault(path) == "x.parquet has two columns named 'text'. Rename one of them."


# ------------------------------------------------------------------ plain lines and standard input


@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\ufeff")), max_size=9
    )
)
@on_disk
def test_every_line_is_one_text(tmp_path: Path, texts: list[str]) -> None:
    path = write(tmp_path / "x.txt", "".join(text + "\n" for text in texts))
    assert streamed(path, block_rows=4) == texts
    write(path, "".join(text + "\r\n" for text in texts))
    assert streamed(path, block_rows=4) == texts
    if texts and texts[-1]:
        write(path, "\ufeff" + "\n".join(texts))
        assert streamed(path, block_rows=4) == texts


def test_lines_longer_than_a_chunk(tmp_path: Path) -> None:
    texts = ["é" * 400_000, "", "b" * 300_000]
    assert streamed(write(tmp_path / "x.txt", "\n".join(texts))) == texts


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BufferedWriter]:
    """The writing end of a pipe of which stdin is the reading end."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as producer, os.fdopen(reading) as consumer:
        monkeypatch.setattr(sys, "stdin", consumer)
        stuck = threading.Timer(30, producer.close)  # a reader that waits for more fails, and does not hang
        stuck.start()
        yield producer  # type: ignore[misc]
        stuck.cancel()


@pytest.mark.parametrize("path", [None, "-"])
def test_a_slow_producer_is_answered_at_once(stdin: io.BufferedWriter, path: str | None) -> None:
    blocks = stream_texts(path, text=None)
    stdin.write(b"\xef\xbb\xbffirst\r\nsec")
    assert next(blocks) == ["first"]
    stdin.write(b"ond\n\nthird\n\xc3")
    assert next(blocks) == ["second", "", "third"]
    stdin.write(b"\xa9")
    stdin.close()
    assert list(blocks) == [["é"]]


def test_a_fast_producer_fills_blocks(stdin: io.BufferedWriter) -> None:
    stdin.write(b"a\n" * 2500)
    stdin.close()
    assert [len(block) for block in stream_texts(None, text=None)] == [1024, 1024, 452]


def test_a_pipe_from_another_process() -> None:
    """What ``tail -f | textgraft predict`` does, with nothing of this process in between."""
    program = (
        "from textgraft.cli.files import stream_texts\n"
        "for block in stream_texts('-', text=None): print(block, flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stuck = threading.Timer(60, process.kill)
        stuck.start()
        process.stdin.write(b"first\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"['first']\n"
        process.stdin.write(b"last")
        process.stdin.close()
        assert process.stdout.read() == b"['last']\n"
        stuck.cancel()


def test_stdin_in_memory_closed_or_of_another_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n\nb\xe9")))
    assert streamed("-", encoding="latin-1", block_rows=2) == ["a", "", "bé"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n\ncaf\xe9\n")))
    with pytest.raises(
        DataError, match=r"^Standard input is not UTF-8: byte 0xe9 at line 3; it looks like cp1252\."
    ):
        streamed("-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb")))
    assert read_rows("-", text=None, label=None, need_labels=False).texts == ["a", "b"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert streamed("-") == []
    with pytest.raises(DataError, match=r"^Standard input has plain lines without labels\."):
        read_rows("-", text=None, label=None, need_labels=True)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match=r"^Standard input is closed\."):
        stream_texts(None, text=None)


# ------------------------------------------------------------------ memory and start


@pytest.mark.parametrize("suffix", ["txt", "csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    lines = 200_000 if suffix == "txt" else 40_000  # tracemalloc makes the slower readers crawl
    line = "a sentence of some length that is repeated many times over, and over; " * (200_000 // lines)
    if suffix == "parquet":
        pq.write_table(pa.table({"text": [f"{line} {row}" for row in range(lines)]}), path)
    else:
        form = {"txt": "{}\n", "csv": '"{}",x\n', "jsonl": '{{"text": "{}"}}\n'}[suffix]
        with path.open("w") as file:
            file.write("text,label\n" if suffix == "csv" else "")
            file.writelines(form.format(f"{line} {row}") for row in range(lines))
        assert path.stat().st_size > 14e6
    blocks = stream_texts(path, text=None)
    tracemalloc.start()
    try:
        count = sum(len(block) for block in blocks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == lines
    assert peak < 8e6


def test_importing_is_cheap() -> None:
    heavy = "{'pyarrow', 'numpy', 'charset_normalizer'}"
    program = f"import sys, textgraft.cli.files; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
