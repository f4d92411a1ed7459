"""Rows with any number of labels, checked at the door."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from textgraft.core.label_sets import check_label_sets, has_lists, indicators, label_rows
from textgraft.errors import DataError


def test_each_kind_of_row_is_told_from_the_others():
    texts = ["a", "b", "c", "d", "e", " ", "a"]
    labels = [["y", "x", "y"], [], None, "", ["oos"], ["x"], ("x", " y ")]
    found = check_label_sets(texts, labels, ["oos"])
    assert found.texts == ("a", "b", "a")
    assert found.labels == (("x", "y"), (), ("x", "y"))
    assert found.rows == (0, 1, 6)
    assert found.out_of_scope == ("e",)
    assert found.unlabelled == ("c", "d")
    report = found.report
    assert (report.rows, report.in_scope, report.empty) == (7, 3, 1)
    assert (report.duplicates, report.conflicts) == (1, 0)


def test_one_text_under_two_sets_is_a_conflict():
    assert check_label_sets(["a", "a", "b"], [["x"], ["x", "y"], []]).report.conflicts == 2


def test_labels_are_numbered_in_order_and_whole_numbers_as_numbers():
    classes, targets = check_label_sets(["a", "b"], [[10, 2.0], ["2", 1]]).coded()
    assert list(classes) == ["1", "2", "10"]
    assert targets.tolist() == [[0, 1, 1], [1, 1, 0]]
    assert targets.dtype == np.uint8


def test_indicators_of_rows_without_labels_are_empty():
    assert indicators([(), ("b",), ()], ["a", "b"]).tolist() == [[0, 0], [0, 1], [0, 0]]
    assert indicators([], ["a"]).shape == (0, 1)


@pytest.mark.parametrize("kind", [np.array, sp.csr_matrix, lambda rows: np.array(rows, dtype=bool)])
def test_a_table_of_ones_becomes_lists_of_its_columns(kind):
    assert label_rows(kind([[0, 1], [1, 1], [0, 0]])) == [(1,), (0, 1), ()]
    assert label_rows(pd.DataFrame({"x": [0, 1], "y": [1, 1]})) == [("y",), ("x", "y")]


def test_a_table_of_words_is_a_list_of_lists():
    found = check_label_sets(["a", "b"], np.array([["x", "y"], ["y", "y"]]))
    assert found.labels == (("x", "y"), ("y",))


def test_one_label_a_row_is_no_list():
    assert not has_lists(["x", None, 3, "a|b"])
    assert not has_lists("ab")
    assert has_lists([None, []])
    assert label_rows(pd.Series(["x", "y"])) == ["x", "y"]


def test_more_cells_than_memory_is_meant_for_are_refused(monkeypatch):
    monkeypatch.setattr("textgraft.core.label_sets.MOST_CELLS", 3)
    with pytest.raises(DataError, match="2 rows with 2 labels are more than 3 cells"):
        check_label_sets(["a", "b"], [["x"], ["y"]]).coded()


@pytest.mark.parametrize(
    "labels",
    [np.array([[0], [1]]), np.array([["x"], ["y"]]), pd.DataFrame({"label": ["x", "y"]})],
)
def test_a_table_of_one_column_is_a_column_that_was_not_taken_out(labels):
    with pytest.raises(DataError, match="Pass the column itself"):
        label_rows(labels)


@pytest.mark.parametrize("labels", [np.array([[0, 2], [1, 1]]), pd.DataFrame({"a": ["x", "y"], "b": [0, 1]})])
def test_a_table_of_anything_but_zero_and_one_is_refused(labels):
    with pytest.raises(DataError, match="0 and 1"):
        label_rows(labels)
