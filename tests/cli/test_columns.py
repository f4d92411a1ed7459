"""Columns are found by name or not at all."""

from __future__ import annotations

import itertools

import pytest

from textgraft.cli.columns import LABEL_NAMES, TEXT_NAMES, choose_columns, choose_text
from textgraft.errors import DataError


def chosen(
    *columns: str, text: str | None = None, label: str | None = None, need_labels: bool = True
) -> list[str]:
    return choose_columns(columns, text=text, label=label, need_labels=need_labels, name="train.csv")


def fault(*columns: str, text: str | None = None, label: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        chosen(*columns, text=text, label=label)
    return str(caught.value)


def test_no_name_could_be_both() -> None:
    assert not set(TEXT_NAMES) & set(LABEL_NAMES)


@pytest.mark.parametrize("role", [TEXT_NAMES, LABEL_NAMES])
def test_names_are_in_order_of_preference(role: tuple[str, ...]) -> None:
    for earlier, later in itertools.pairwise(role):
        other = "label" if role is TEXT_NAMES else "text"
        assert earlier in chosen(later, earlier, other)


def test_columns_are_found_as_they_are_written() -> None:
    assert chosen("id", "INTENT ", " Query", "title") == [" Query", "INTENT "]
    assert chosen("id", "text", need_labels=False) == ["text"]
    assert chosen("", "text", "", "label") == ["text", "label"]


def test_columns_may_be_named() -> None:
    assert chosen("a", "b", text="b", label="a") == ["b", "a"]
    assert chosen("Text", "text", "label", text="Text") == ["Text", "label"]
    assert chosen(" My Text ", "label", text="my text") == [" My Text ", "label"]
    assert chosen("text", "label", "title", label="text") == ["title", "text"]
    assert chosen("label", "class", text="label") == ["label", "class"]
    assert choose_text(["Label", "LABEL", "query"], text=None, name="x") == "query"


def test_a_missing_column_is_told_with_those_that_are_there() -> None:
    assert (
        fault("text", "intentx")
        == "train.csv has no column 'label' (it has: text, intentx). Pass --label intentx."
    )
    assert fault("text", "a", "b") == (
        "train.csv has no column 'label' (it has: text, a, b). Pass --label with one of these names."
    )
    assert fault("text") == "train.csv has no column 'label' (it has: text). Add a column 'label'."
    assert fault("my words", "label") == (
        "train.csv has no column 'text' (it has: my words, label). Pass --text 'my words'."
    )
    assert fault("text", "intent", "id", label="intnt") == (
        "train.csv has no column 'intnt' (it has: text, intent, id). Pass --label intent."
    )
    assert fault("", " ") == (
        "train.csv has no column 'text' (it has none with a name). Add a column 'text'. "
        "The first line must name the columns."
    )


def test_messages_stay_short_and_on_one_line() -> None:
    message = fault(*(f"column\nnumber {place} " + "x" * 1000 for place in range(500)))
    assert "\n" not in message
    assert "500 in all" in message
    assert len(message) < 800


def test_nothing_ambiguous_is_chosen() -> None:
    assert fault("Text", "TEXT", "label") == (
        "train.csv has 2 columns that could be 'text' ('Text', 'TEXT'). Pass --text with the exact name."
    )
    assert fault("a", "a", "text", "label") == "train.csv has two columns named 'a'. Rename one of them."
    assert fault("text", "label", text="label", label="label") == (
        "--text and --label both name 'label' of train.csv. Name two columns."
    )
