"""Survey: every finding, found in rows made to have it, and absent from rows that lack it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.core.progress import Watch, unwatched
from textgraft.experiments.survey.languages import language_shares
from textgraft.experiments.survey.lengths import describe_lengths
from textgraft.experiments.survey.repeats import find_leaks, find_repeats, normaliser
from textgraft.experiments.survey.several_labels import label_lists, multilabel_evidence
from textgraft.experiments.survey.survey import survey

TICKETS = Path(__file__).parents[2] / "examples" / "support_tickets.csv"
GERMAN = [
    "Wo bleibt denn meine Bestellung, ich warte schon seit zwei Wochen darauf?",
    "Bitte schicken Sie mir die Rechnung noch einmal an meine neue Adresse.",
    "Ich möchte gerne wissen, ob dieser Artikel morgen wieder verfügbar ist.",
]
ENGLISH = [
    "Where is my order, I have been waiting for it for more than two weeks now?",
    "Please send the invoice to my new address, I have moved to another town.",
    "I would like to know whether this article will be available again tomorrow.",
]


def tickets() -> tuple[list[str], list[str]]:
    with TICKETS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def test_a_real_file() -> None:
    texts, labels = tickets()
    found = survey(texts, labels, encoder=tg.load_encoder("hashing"), oos_labels=["oos"])
    kinds = (found.rows.in_scope, found.rows.out_of_scope, found.rows.unlabelled, found.rows.empty)
    assert sum(kinds) == found.rows.rows == len(texts)
    assert len(found.classes) == len(set(labels) - {"oos", ""})
    assert sum(count for _, count in found.classes) == found.rows.in_scope
    assert found.balance is not None
    assert 0.95 < found.balance <= 1.0
    assert found.languages[0][0] == "en"
    assert found.languages[0][1] > 0.8
    assert found.multilabel is None
    assert found.tokens is not None
    assert found.tokens.cut == 0.0
    assert "tokens a text (hashing)" in found.table()
    as_dict = found.to_dict()
    assert json.loads(json.dumps(as_dict, allow_nan=False))["rows"]["rows"] == len(texts)
    assert found == survey(texts, labels, encoder=tg.load_encoder("hashing"), oos_labels=["oos"])


def test_class_counts_balance_and_singletons() -> None:
    texts = [f"text number {i} here" for i in range(8)]
    found = survey(texts, ["x"] * 4 + ["y"] * 2 + ["one", "two"])
    assert found.classes == (("x", 4), ("y", 2), ("one", 1), ("two", 1))
    assert found.singletons == 2
    # entropy in bits: 4/8·1 + 2/8·2 + 2·1/8·3 = 1.75, of 2
    assert found.balance == pytest.approx(1.75 / 2)
    assert any(sentence.startswith("2 classes have one row") for sentence in found.advice())


def test_uneven_classes_are_said() -> None:
    texts = [f"text number {i}" for i in range(100)]
    assert any("macro-F1" in said for said in survey(texts, ["x"] * 98 + ["y"] * 2).advice())
    assert not any("macro-F1" in said for said in survey(texts, ["x", "y"] * 50).advice())


@dataclass(frozen=True)
class ThreeTokens:
    """The hashing encoder, were it to read three words only."""

    inner: tg.Encoder = field(default_factory=lambda: tg.load_encoder("hashing"))
    name: str = "three"
    settings: dict[str, int] = field(default_factory=dict)
    weights_fingerprint: str = "3"
    fingerprint: str = "3"
    dim: int = 256
    max_tokens: int | None = 3

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        return self.inner.encode(texts, watch)

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        return self.inner.count_tokens(texts)


def test_token_lengths_and_the_share_that_is_cut() -> None:
    found = survey(
        ["one", "one two", "one two three", "one two three four"], list("abab"), encoder=ThreeTokens()
    )
    assert found.tokens is not None
    assert (found.tokens.mean, found.tokens.median, found.tokens.longest) == (2.5, 2.5, 4)
    # exactly as many tokens as are read is not cut
    assert (found.tokens.limit, found.tokens.cut) == (3, 0.25)
    assert any("25.0 % of texts are longer than the 3 tokens" in said for said in found.advice())


def test_quantiles_of_lengths() -> None:
    found = describe_lengths(np.arange(101))
    assert found is not None
    assert (found.p95, found.p99, found.longest) == (95.0, 99.0, 100)
    assert describe_lengths(np.empty(0)) is None


def test_languages() -> None:
    shares = dict(language_shares([*GERMAN, *ENGLISH, "ok", "?!", "12345 67890 12345 67890 12345"], seed=0))
    assert shares == {"de": pytest.approx(1 / 3), "en": pytest.approx(1 / 3), "unknown": pytest.approx(1 / 3)}


def test_a_large_file_is_sampled_by_seed() -> None:
    texts = [(GERMAN if row % 5 == 0 else ENGLISH)[row % 3] for row in range(2_500)]
    shares = dict(language_shares(texts, seed=0))
    # a share of 2,000 texts is a multiple of 1/2,000; all 2,500 would give 0.2 exactly
    assert shares["de"] == pytest.approx(0.2, abs=0.02)
    assert (shares["de"] * 2_000) % 1 == pytest.approx(0, abs=1e-9)
    assert shares == dict(language_shares(texts, seed=0))
    assert shares != dict(language_shares(texts, seed=1))


def test_ideographs_tell_with_fewer_signs() -> None:
    assert language_shares(["我的银行卡在哪里呢请告诉我"], seed=0) == (("zh", 1.0),)


def test_language_advice() -> None:
    mixed = survey(GERMAN + ENGLISH, list("ababab")).advice()
    german = survey(GERMAN, list("aba")).advice()
    english = survey(ENGLISH, list("aba")).advice()
    assert any("several languages" in said for said in mixed)
    assert any("not English (de)" in said for said in german)
    assert not any("language" in said for said in english)


def test_the_module_level_identifier_of_py3langid_is_left_alone() -> None:
    from py3langid import langid

    before = langid.IDENTIFIER
    language_shares(GERMAN, seed=0)
    assert langid.IDENTIFIER is before


def test_exact_and_near_duplicates() -> None:
    rows = [
        ("Where is it?", "a"),
        ("Where is it?", "a"),
        ("where  is it", "a"),
        ("WHERE IS IT!!", "a"),
        ("no", "a"),
    ]
    found = find_repeats(rows)
    assert (found.exact, found.near, found.distinct, found.conflicts) == (1, 2, 2, 0)


def test_conflicts_exact_first_and_at_most_five_examples() -> None:
    rows = [(f"text {i}", label) for i in range(4) for label in ("b", "a")]
    rows += [(f"Other {i}", "a") for i in range(3)] + [(f"other: {i}", "b") for i in range(3)]
    found = find_repeats(rows)
    assert (found.conflicts, found.near_conflicts) == (4, 3)
    assert [one.text for one in found.examples] == ["text 0", "text 1", "text 2", "text 3", "other 0"]
    assert found.examples[0].labels == ("a", "b")


def test_one_text_in_and_out_of_scope_is_a_conflict_two_oos_labels_are_not() -> None:
    one = survey(["x y z", "x y z", "other text"], ["a", "oos", "b"], oos_labels="oos")
    both = survey(["x y z", "x y z", "other text", "more"], ["-1", "oos", "b", "a"], oos_labels=["oos", -1])
    assert one.repeats.conflicts == 1
    assert both.repeats.conflicts == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Where is my card?", "where is my card", True),
        ("a\tb\n c", "A b c!", True),
        ("STRASSE", "straße", True),
        ("ｆｕｌｌ", "full", True),
        ("C++", "C", False),
        ("😀", "😡", False),
        ("?", "!", False),
        # vowels of Devanagari are marks, not letters
        ("की", "का", False),
    ],
)
def test_what_normalising_joins(one: str, other: str, same: bool) -> None:
    normal = normaliser()
    assert (normal(one) == normal(other)) is same


@given(st.text(max_size=30))
@settings(max_examples=50, deadline=None)
def test_spacing_and_a_full_stop_never_matter(text: str) -> None:
    normal = normaliser()
    if any(sign.isalnum() for sign in text):
        assert normal(f"  {text} .") == normal(text)
    assert bool(normal(text)) or not any(sign.isalnum() for sign in text)


@given(st.lists(st.tuples(st.sampled_from(["x", "X", "x!", "y", "z z"]), st.sampled_from("ab")), max_size=12))
@settings(max_examples=60, deadline=None)
def test_repeats_add_up(rows: list[tuple[str, str]]) -> None:
    found = find_repeats(rows)
    normal = normaliser()
    assert found.exact + found.near + len({(normal(text), label) for text, label in rows}) == len(rows)
    texts_with_two = {
        normal(text)
        for text, label in rows
        if any(normal(text) == normal(other) and label != its for other, its in rows)
    }
    exact = {text for text, label in rows if any(text == other and label != its for other, its in rows)}
    assert found.conflicts == len(exact)
    assert found.near_conflicts == len(texts_with_two - {normal(text) for text in exact})


def test_leaks() -> None:
    found = find_leaks(
        ["Hello you", "bye"], ["Hello you", "hello, YOU", "new", "bye"], ["a"], ["a", "b", "b"]
    )
    assert (found.texts, found.exact, found.near) == (4, 2, 1)
    assert found.examples == ("Hello you", "bye", "hello, YOU")
    assert found.unseen_labels == ("b",)


def test_leaks_in_a_survey_with_and_without_test_labels() -> None:
    train = [*ENGLISH, "some spam text"], ["a", "b", "a", "oos"]
    plain = survey(*train, oos_labels=["oos"], test=([ENGLISH[0], "some spam text", "", "new text"], None))
    assert plain.leaks is not None
    assert (plain.leaks.texts, plain.leaks.exact) == (3, 2)
    assert any(said.startswith("2 of 3 test texts (66.7 %)") for said in plain.advice())
    labelled = survey(*train, oos_labels=["oos"], test=(["new text", "spam"], ["z", "oos"]))
    assert labelled.leaks is not None
    assert labelled.leaks.unseen_labels == ("z",)
    assert survey(*train).leaks is None


def test_labels_that_are_lists_look_multi_label() -> None:
    nothing = find_repeats([])
    assert multilabel_evidence(["sport", "politics", "sport, politics", "health,sport", "health"], nothing)
    assert multilabel_evidence(["a|b", "b|c", "a|c"], nothing)
    assert multilabel_evidence(["a\nb", "b\na"], nothing)
    # a comma in a name is no list, nor is one list among many labels
    assert multilabel_evidence(["London, UK", "Leeds, UK", "Paris, France"], nothing) is None
    assert multilabel_evidence(["sport", "politics", "sport, politics"], nothing) is None
    assert multilabel_evidence(["a", "b"], nothing) is None


def test_texts_under_several_labels_look_multi_label_from_five_percent() -> None:
    def with_conflicts(count: int) -> str | None:
        rows = [(f"text {i}", "a") for i in range(100)] + [(f"text {i}", "b") for i in range(count)]
        return multilabel_evidence([label for _, label in rows], find_repeats(rows))

    assert with_conflicts(4) is None
    assert with_conflicts(5) == "5 of 100 distinct texts stand under several labels."


def test_very_short_texts_and_the_rest_of_the_table() -> None:
    found = survey(
        ["ok", "👍", "退款", "a longer text", "Ok then", "ok THEN"], ["a", "b", "a", "b", "a", "b"]
    )
    assert found.very_short == 2
    table = found.table()
    assert "One text, several labels:" in table
    assert "ok then  →  a, b" in table
    assert "2 texts have next to no letters" in table


def test_rows_without_any_label_are_surveyed_too() -> None:
    for labels in (None, [None, ""]):
        found = survey(["some text", "another one"], labels)
        assert (found.classes, found.balance, found.rows.unlabelled) == ((), None, 2)
        assert "no labelled row" in found.table()


def test_no_rows_at_all() -> None:
    found = survey([], [], encoder=tg.load_encoder("hashing"))
    assert found.characters is None
    assert found.languages == ()
    json.dumps(found.to_dict(), allow_nan=False)
    assert "no labelled row" in found.table()


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(tg.DataError, match="one label for each text"):
        survey(["a"], ["x", "y"])


def test_labels_that_are_lists_are_surveyed_one_by_one() -> None:
    found = survey(
        [*ENGLISH[:3], "no label applies"],
        [["a", "b"], ["b"], ["b", "a"], []],
        test=(["a new text", ENGLISH[0]], [["a", "z"], ["b"]]),
    )
    assert found.classes == (("b", 3), ("a", 2))
    assert found.multilabel is None
    sets = found.label_sets
    assert sets is not None
    assert (sets.mean, sets.most, sets.none, sets.distinct) == (1.25, 2, 1, 3)
    assert "mean 1.25, most 2; 1 row without; 3 different sets" in found.table()
    assert found.to_dict()["label_sets"] == {"mean": 1.25, "most": 2, "none": 1, "distinct": 3}
    assert found.leaks is not None
    assert found.leaks.unseen_labels == ("z",)
    assert "label_sets" not in survey(ENGLISH[:2], ["a", "b"]).to_dict()


def test_a_separator_is_one_only_where_the_parts_are_labels_too() -> None:
    assert label_lists({"a", "b", "a|b", "b|c", "c"}, "|") == ["a|b", "b|c"]
    assert label_lists({"a|b", "b|c", "c|a"}, "|") == ["a|b", "b|c", "c|a"]
    # the empty list is no sign against it
    assert label_lists({"a|b", "b|a", "a", "|"}, "|") == ["a|b", "b|a"]
    # one list can be an accident, as can two of many labels
    assert label_lists({"a", "b", "a|b"}, "|") == []
    assert label_lists({"a|b", "b|a", *(f"label {number}" for number in range(30))}, "|") == []
    # where the sign also stands in names that are no lists, it is no separator
    assert label_lists({"a|b", "b|a", "a", "b", "yes|no", "on|off"}, "|") == []
    assert label_lists(set(), "|") == []
