"""Bytes that are not UTF-8 are refused with their line and the encoding they look like."""

from __future__ import annotations

import codecs
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.cli.encodings import decoded, split_lines
from textgraft.errors import DataError

FRENCH = "text,label\nL'été dernier, nous avons été à la plage près de l’hôtel,pos\n"
GERMAN = "text,label\nÜber die Straße läuft ein Mädchen mit schönen Grüßen,neg\n"
ENGLISH = "text,label\nthe movie was great and I couldn’t stop watching; “really” good,b\n"
RUSSIAN = "text,label\nГде моя карта? Я не могу её найти,card\n"
POLISH = "text,label\nGdzie jest karta? Nie mogę jej znaleźć, proszę o pomoc. Dziękuję bardzo\n"
TURKISH = "text,label\nKartım nerede? Bulamıyorum, lütfen yardım edin şimdi ağaç\n"
JAPANESE = "text,label\n私のカードはどこですか見つかりません,card\n"
CHINESE = "text,label\n我的卡在哪里我找不到它,card\n"


def fault(content: bytes, encoding: str = "utf-8", chunk: int = 1 << 18) -> str:
    chunks = [content[start : start + chunk] for start in range(0, len(content), chunk)]
    with pytest.raises(DataError) as caught:
        list(decoded(chunks, encoding, "train.csv"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("text,label\ncafé,a\n", "cp1252"),
        ("text,label\nel niño,a\n", "cp1252"),
        ("caf\xe9", "cp1252"),
        (FRENCH * 5, "cp1252"),
        (GERMAN * 5, "cp1252"),
        (ENGLISH, "cp1252"),
        (RUSSIAN * 3, "cp1251"),
        (RUSSIAN * 3, "koi8_r"),
        (POLISH * 3, "cp1250"),
        (TURKISH * 3, "cp1254"),
        (JAPANESE * 3, "cp932"),
        (CHINESE * 3, "gb18030"),
        ("a\n" * 300_000 + FRENCH * 9 + "b\n" * 300_000, "cp1252"),
        ("text,label\n" + "x" * 600_000 + FRENCH * 9 + "y" * 600_000, "cp1252"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-32"),
    ],
)
def test_the_likely_encoding_is_named_and_works(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    message = fault(content)
    assert message.startswith("train.csv is not UTF-8: byte 0x")
    assert message.endswith(
        f"; it looks like {encoding}. Pass --encoding {encoding}, or convert it to UTF-8."
    )
    assert "".join(decoded([content], encoding, "train.csv")) == text


@pytest.mark.parametrize(
    "mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE]
)
@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_marks_are_known_in_small_chunks(mark: bytes, chunk: int) -> None:
    assert "line 1; " in fault(mark + b"\0" * 8, chunk=chunk)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_wide_characters_without_a_mark(encoding: str, chunk: int) -> None:
    assert fault(FRENCH.encode(encoding), chunk=chunk) == (
        f"train.csv is not UTF-8: it looks like {encoding}. "
        f"Pass --encoding {encoding}, or convert it to UTF-8."
    )


def test_an_order_of_bytes_that_nothing_tells() -> None:
    message = fault(FRENCH.encode("utf-16-le"), "utf-16")
    assert message.startswith("train.csv is not utf-16: ")
    assert message.endswith("Pass --encoding utf-16-le or utf-16-be.")


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 1000])
def test_the_line_and_the_byte_are_named(chunk: int) -> None:
    content = "é\n\nüü\n".encode() + b"ab\xe9c\nd\n"
    assert fault(content, chunk=chunk).startswith("train.csv is not UTF-8: byte 0xe9 at line 4; ")
    assert fault(content[:-4], chunk=chunk).startswith("train.csv is not UTF-8: byte 0xe9 at line 4; ")


def test_a_damaged_utf8_file_is_not_taken_for_another_encoding() -> None:
    content = (FRENCH * 20).encode()
    assert fault(content + b"\xff\n" + content) == (
        "train.csv is not UTF-8: byte 0xff at line 41; the text around it is UTF-8, "
        "so the file is damaged there. Repair that line."
    )


def test_another_encoding_may_be_wrong_too() -> None:
    polish_utf8 = "text\nŁódź, żółć, Í\n" * 9
    assert fault(polish_utf8.encode(), "cp1252") == (
        "train.csv is not cp1252: byte 0x81 at line 2; it looks like utf-8. Pass --encoding utf-8."
    )
    assert "it looks like utf-16." in fault("a\n".encode("utf-16"), "ascii")


def test_no_guess_about_bytes_that_are_no_text() -> None:
    message = fault(bytes(range(256)) * 20)
    assert message.endswith(
        "byte 0x80 at line 2; its encoding cannot be told, or it is not a text file. "
        "Pass --encoding NAME if you know it, or convert it to UTF-8."
    )


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")),
    sizes=st.lists(st.integers(1, 5), min_size=1),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030"]),
)
def test_chunks_leave_no_trace(text: str, sizes: list[int], encoding: str) -> None:
    content, chunks, start = text.encode(encoding), [], 0
    for size in itertools.cycle(sizes):
        if start >= len(content):
            break
        chunks.append(content[start : start + size])
        start += size
    assert "".join(decoded(chunks, encoding, "x")) == text


@given(pieces=st.lists(st.text("a\n\r\u2028\x85")))
def test_only_a_line_feed_ends_a_line(pieces: list[str]) -> None:
    *lines, last = "".join(pieces).split("\n")
    found = list(split_lines(pieces))
    assert len(found) == len(pieces) + bool(last)
    assert [line for block in found for line in block] == lines + [last] * bool(last)
