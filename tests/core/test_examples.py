"""Rows at the door: every kind is told apart, nothing disappears uncounted."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.core.decision import REJECTED
from textgraft.core.examples import (
    LONG_TEXT,
    check_examples,
    clean_label,
    clean_label_set,
    clean_labels,
    clean_texts,
    count_conflicts,
)
from textgraft.errors import DataError

MISSING = [None, float("nan"), np.nan, np.float32("nan"), np.float16("nan"), pd.NA, pd.NaT]


@pytest.mark.parametrize("value", MISSING, ids=lambda value: f"{type(value).__name__}")
def test_a_missing_text_is_empty_and_a_missing_label_is_none(value: object) -> None:
    assert clean_texts([value, "kept"]) == ["", "kept"]
    assert clean_label(value) is None


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\0", " \0 ", None, float("nan"), "\u2003"])
def test_a_text_without_content_is_skipped_and_counted(text: object) -> None:
    examples = check_examples([text, "full"], ["a", "b"])
    assert examples.texts == ("full",)
    assert examples.labels == ("b",)
    assert examples.report.empty == 1


@pytest.mark.parametrize("blank", ["", "  ", "\t", "\0", None, float("nan"), pd.NA])
def test_a_row_without_a_label_is_unlabelled_text(blank: object) -> None:
    examples = check_examples(["one", "two"], ["a", blank])
    assert examples.unlabelled == ("two",)
    assert examples.texts == ("one",)
    assert examples.report.unlabelled == 1


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1", "1"),
        (np.int64(1), "1"),
        (np.float32(1.0), "1"),
        (-1.0, "-1"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (2**53 + 1, "9007199254740993"),
        (True, "True"),
        (np.bool_(False), "False"),
        ("  spaced  ", "spaced"),
        ("1.0", "1.0"),
        (np.str_("word"), "word"),
        (float("inf"), "inf"),
        (datetime.date(2024, 2, 3), "2024-02-03"),
    ],
)
def test_labels_of_any_single_type_become_strings(label: object, name: str) -> None:
    found = clean_label(label)
    assert found == name
    assert type(found) is str


def test_a_column_of_zeros_and_ones_keeps_its_names_when_a_missing_value_made_it_float() -> None:
    column = pd.Series([0, 1, None])
    assert column.dtype == float
    assert clean_labels(column) == ["0", "1", None]


@pytest.mark.parametrize("label", [["a", "b"], ("a",), {"a"}, np.array(["a"]), b"bytes", {"a": 1}])
def test_several_labels_or_bytes_are_refused(label: object) -> None:
    with pytest.raises(DataError, match="one label"):
        clean_label(label)


def test_nul_becomes_a_space_and_is_counted() -> None:
    examples = check_examples(["a\0b", "plain"], ["x", "y"])
    assert examples.texts == ("a b", "plain")
    assert examples.report.cleaned == 1


@pytest.mark.parametrize("broken", ["\ud800", "x\udc00", "a\udfffb", "\udc00\ud800", "\ud83dx"])
def test_lone_surrogates_are_replaced_so_that_the_text_can_be_written(broken: str) -> None:
    (clean,) = clean_texts([broken])
    clean.encode()
    assert "\ufffd" in clean
    assert [c for c in clean if c != "\ufffd"] == [c for c in broken if not 0xD800 <= ord(c) <= 0xDFFF]


def test_a_split_surrogate_pair_becomes_the_character_it_meant() -> None:
    assert clean_texts(["\ud83d\ude00!"]) == ["😀!"]


@pytest.mark.parametrize(
    "text",
    [
        "😀 👩‍👩‍👧‍👦",
        "مرحبا بالعالم",
        "שלום",
        "汉字かな",
        "e\u0301",
        "\u202eabc",
        "a\r\nb",
        "\ufeffx",
        "\u2028",
    ],
)
def test_sound_unicode_is_kept_to_the_letter(text: str) -> None:
    assert clean_texts([text]) == [text]


def test_a_very_long_text_is_kept_whole_and_counted() -> None:
    examples = check_examples(["x" * LONG_TEXT, "x" * (LONG_TEXT - 1)], ["a", "b"])
    assert [len(text) for text in examples.texts] == [LONG_TEXT, LONG_TEXT - 1]
    assert examples.report.very_long == 1


def test_numbers_are_texts() -> None:
    assert clean_texts([3, 2.5, np.int64(7), np.float64(0.5)]) == ["3", "2.5", "7", "0.5"]


@pytest.mark.parametrize("bare", ["one text", b"bytes"])
def test_a_bare_string_is_no_list_of_texts(bare: object) -> None:
    with pytest.raises(DataError, match="list of texts"):
        clean_texts(bare)
    with pytest.raises(DataError, match="list of texts"):
        check_examples(bare, ["a"] * 8)


@pytest.mark.parametrize("bare", ["abc", b"abc"])
def test_a_bare_string_is_no_list_of_labels(bare: object) -> None:
    with pytest.raises(DataError, match="list of labels"):
        check_examples(["x", "y", "z"], bare)


@pytest.mark.parametrize("nested", [["a", ["b"]], [("a", "b")], np.array([["a", "b"]]), [{"t": 1}], [b"x"]])
def test_something_that_is_no_text_is_refused_and_its_row_named(nested: object) -> None:
    row = 1 if isinstance(nested, list) and nested[0] == "a" else 0
    with pytest.raises(DataError, match=f"row {row}"):
        clean_texts(nested)


def test_different_lengths_are_refused_and_both_said() -> None:
    with pytest.raises(DataError, match=r"3 texts and 2 labels"):
        check_examples(["a", "b", "c"], ["x", "y"])


def test_the_reserved_word_is_no_label() -> None:
    with pytest.raises(DataError, match="reserved"):
        check_examples(["a", "b"], ["x", f" {REJECTED} "])


@pytest.mark.parametrize(
    "outside", ["oos", ["oos"], ("oos",), {"oos"}, np.array(["oos"]), pd.Series(["oos"])]
)
def test_out_of_scope_rows_are_kept_apart_and_are_never_a_class(outside: object) -> None:
    examples = check_examples(["a", "b", "c"], ["x", "oos", "y"], outside)
    assert examples.out_of_scope == ("b",)
    assert list(examples.coded()[0]) == ["x", "y"]


@pytest.mark.parametrize("outside", [-1, -1.0, "-1", [-1]])
def test_a_numeric_out_of_scope_label_is_compared_like_any_label(outside: object) -> None:
    examples = check_examples(["a", "b", "c"], [0, -1, 1], outside)
    assert examples.out_of_scope == ("b",)


@pytest.mark.parametrize("outside", ["", [None], ["oos", " "], float("nan")])
def test_an_empty_out_of_scope_label_is_refused(outside: object) -> None:
    with pytest.raises(DataError, match="empty"):
        clean_label_set(outside)


def test_duplicates_and_conflicts_are_counted_and_kept() -> None:
    texts = ["same", "same", "same", "alone", "twice", "twice"]
    labels = ["a", "a", "b", "a", "b", "b"]
    examples = check_examples(texts, labels)
    assert len(examples.texts) == 6
    assert examples.report.duplicates == 2
    assert examples.report.conflicts == 3
    assert count_conflicts([("t", "a"), ("t", "a")]) == 0


def test_one_class_is_refused_and_named() -> None:
    with pytest.raises(DataError, match="one label 'only'"):
        check_examples(["a", "b"], ["only", "only"]).coded()


def test_no_class_is_refused_with_what_became_of_the_rows() -> None:
    with pytest.raises(DataError, match=r"3 rows \(1 empty, 1 without a label, 1 out of scope\)"):
        check_examples(["", "b", "c"], ["x", "", "oos"], ["oos"]).coded()
    with pytest.raises(DataError, match="0 rows"):
        check_examples([], []).coded()


def test_a_class_of_one_row_is_a_class() -> None:
    classes, codes = check_examples(["a", "b", "c"], ["x", "y", "y"]).coded()
    assert list(classes) == ["x", "y"]
    assert list(codes) == [0, 1, 1]


def test_codes_point_into_the_sorted_classes() -> None:
    examples = check_examples(["a", "b", "c", "d"], ["é", "b", "B", "b"])
    classes, codes = examples.coded()
    assert list(classes) == sorted(classes)
    assert [classes[code] for code in codes] == list(examples.labels)


def test_sentences_say_every_count_that_is_not_zero_and_no_other() -> None:
    report = check_examples(["a", "", "b\0", "c", "c"], ["x", "x", "y", None, "oos"], "oos").report
    said = " | ".join(report.sentences())
    assert "1 row with an empty text" in said
    assert "1 row without a label" in said
    assert "1 row out of scope" in said
    assert "1 row with NUL" in said
    assert "repeating" not in said
    assert check_examples(["a", "b"], ["x", "y"]).report.sentences() == []


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=5),
    st.sampled_from(["", " ", "\0", None, float("nan"), 3, "same"]),
)
LABELS = st.sampled_from(["a", "b", 1, 1.0, True, "oos", "", None, float("nan"), " a "])


@given(st.lists(st.tuples(TEXTS, LABELS), max_size=30))
def test_every_row_is_in_exactly_one_place(rows: list[tuple[object, object]]) -> None:
    examples = check_examples([text for text, _ in rows], [label for _, label in rows], ["oos"])
    report = examples.report
    assert report.rows == len(rows)
    assert report.rows == report.in_scope + report.out_of_scope + report.unlabelled + report.empty
    assert len(examples.texts) == len(examples.labels) == report.in_scope
    assert len(examples.out_of_scope) == report.out_of_scope
    assert len(examples.unlabelled) == report.unlabelled
    assert all(text.strip() for text in examples.texts + examples.out_of_scope + examples.unlabelled)
    assert "oos" not in examples.labels


@given(st.lists(TEXTS, max_size=20))
def test_cleaning_keeps_length_and_order_and_can_be_repeated(texts: list[object]) -> None:
    clean = clean_texts(texts)
    assert len(clean) == len(texts)
    assert clean_texts(clean) == clean
    for text in clean:
        assert "\0" not in text
        text.encode()
