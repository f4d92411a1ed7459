"""Labels that are probably wrong: found first, and where they stand."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.errors import DataError
from textgraft.experiments.suspicious import Suspects, suspicious_labels

WORDS = {
    "fruit": "apple pear plum cherry grape",
    "tool": "hammer saw drill wrench chisel",
    "bird": "robin crow eagle",
}


def _rows(per_class: int = 30) -> tuple[list[Any], list[Any]]:
    draw = random.Random(0)
    rows = [
        (" ".join(draw.choices(words.split(), k=4)), name)
        for name, words in WORDS.items()
        for _ in range(per_class)
    ]
    draw.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


def test_wrong_labels_come_first_with_their_places_and_what_they_should_be() -> None:
    texts, labels = _rows()
    flipped = {7: "tool", 40: "bird", 81: "fruit"}
    true = {row: labels[row] for row in flipped}
    for row, label in flipped.items():
        labels[row] = label if labels[row] != label else next(name for name in WORDS if name != label)
    # the wrong labels lead no other row astray
    found = suspicious_labels(tg.TfidfClassifier(term_weights="idf"), texts, labels, most=3)
    assert {one.row: one.suggested for one in found.suspects} == true
    assert all(one.label == labels[one.row] and one.text == texts[one.row] for one in found.suspects)
    assert all(one.belief_in_suggested > one.belief_in_label for one in found.suspects)
    assert (found.rows, found.disagreeing) == (90, 3)
    margins = [one.belief_in_suggested - one.belief_in_label for one in found.suspects]
    assert margins == sorted(margins, reverse=True)


def test_places_are_those_of_the_rows_given() -> None:
    texts, labels = _rows()
    texts = ["", "nothing known", *texts]
    labels = ["fruit", None, *labels]
    labels[50] = "tool" if labels[50] != "tool" else "bird"
    found = suspicious_labels(tg.TfidfClassifier(), texts, labels, most=1)
    (one,) = found.suspects
    assert (one.row, one.text) == (50, texts[50])
    assert found.rows == 90


def test_good_labels_have_no_suspects_and_it_is_said() -> None:
    found = suspicious_labels(tg.TfidfClassifier(), *_rows())
    assert found.suspects == ()
    assert found.table() == (
        "Of 90 rows, each judged by models that did not learn it, 0 are believed to be of another class than "
        "their label."
    )


def test_where_every_class_is_one_row_none_can_be_judged() -> None:
    with pytest.raises(DataError, match=r"found 3 rows, each alone in its class.* Give more rows of each"):
        suspicious_labels(tg.TfidfClassifier(), ["apple", "saw", "crow"], ["fruit", "tool", "bird"])


def test_a_class_of_one_row_is_not_judged_and_out_of_scope_rows_are_left_out() -> None:
    texts, labels = _rows()
    found = suspicious_labels(
        tg.TfidfClassifier(oos_labels="oos"), [*texts, "one", "far off"], [*labels, "lonely", "oos"]
    )
    assert (found.rows, found.n_alone) == (90, 1)
    assert "1 row alone in a class could not be judged." in found.table()


def test_the_table_shows_both_classes(tickets: Any) -> None:
    texts, labels = tickets.in_scope
    labels = list(labels)
    labels[3] = next(label for label in sorted(set(labels)) if label != labels[3])
    found = suspicious_labels(tg.TfidfClassifier(), texts, labels, most=5)
    assert isinstance(found, Suspects)
    assert "most suspicious first" in found.table()
    for one in found.suspects:
        assert f"row {one.row + 1}: " in found.table()
    assert [one["row"] for one in found.to_dict()["suspects"]] == [one.row for one in found.suspects]


def test_a_fitted_classifier_stays_as_it_is() -> None:
    texts, labels = _rows()
    clf = tg.TfidfClassifier().fit(texts, labels)
    before = clf.predict_proba(texts)
    suspicious_labels(clf, texts[:40], labels[:40])
    assert np.array_equal(clf.predict_proba(texts), before)


def test_one_label_is_refused() -> None:
    with pytest.raises(DataError, match="one label"):
        suspicious_labels(tg.TfidfClassifier(), ["a", "b"], ["x", "x"])
