"""Choosing within a budget: the cheapest that is good enough, on training rows alone, in time."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.encoders import CachedEncoder
from textgraft.encoders.hashing import HashingEncoder
from textgraft.errors import DataError, ParameterError
from textgraft.experiments.auto.choice import Tried
from textgraft.experiments.auto.climb import beside
from textgraft.experiments.auto.fitting import choose, fit_auto
from textgraft.experiments.auto.settling import settle
from textgraft.experiments.auto.steps import OutOfTime, Pacer, pace_of_trial, trial_rows, work
from textgraft.experiments.ladder import LADDER, Candidate

POOR = Candidate("poor", "tfidf", {"C": 1e-6, "word_ngrams": 1, "char_ngrams": 2, "max_features": 1})
GOOD = Candidate("good", "tfidf", {})
ALIKE = Candidate("alike", "tfidf", {"C": 29.0})
NEAR = Candidate("near", "knn", {"encoder": "hashing:64"})
ABSENT = Candidate("absent", "knn", {"encoder": "/nowhere/at-all"})


@pytest.fixture(scope="module")
def rows(tickets: Any) -> tuple[list[str], list[str]]:
    return tickets.in_scope


def test_the_cheapest_within_one_standard_error_is_chosen_and_learned_from_all_rows(rows):
    classifier, choice = fit_auto(*rows, budget=300, ladder=[POOR, GOOD, ALIKE, NEAR])
    assert choice.chosen == "good"
    assert classifier.get_params()["C"] == 30.0
    assert len(classifier.train_texts_) == len(rows[0])
    tried = {one.name: one for one in choice.tried}
    assert tried["good"].accuracy > tried["poor"].accuracy + 0.2
    assert [one.folds for one in choice.tried] == [5] * 4
    assert json.loads(json.dumps(choice.to_dict()))["chosen"] == "good"


@pytest.fixture
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is judged once all rungs were tried."""
    monkeypatch.setattr("textgraft.experiments.auto.fitting.settle", lambda climb, ladder, tried: tried)


@pytest.mark.parametrize(("cheap", "chosen"), [(77, "cheap"), (75, "dear")])
def test_a_cheaper_one_is_taken_only_within_one_standard_error(monkeypatch, unsettled, rows, cheap, chosen):
    answers = {"cheap": cheap, "dear": 80}

    def judged(climb: Any, candidate: Candidate, *, last: bool) -> Tried:
        climb.right[candidate.name] = np.repeat(
            [1.0, 0.0], [answers[candidate.name], 100 - answers[candidate.name]]
        )
        climb.refit_seconds[candidate.name] = 1.0
        return Tried(candidate.name, answers[candidate.name] / 100, 5, 100, 1.0)

    monkeypatch.setattr("textgraft.experiments.auto.fitting.tried_rung", judged)
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("dear", "knn", {})]
    choice, _ = choose(*rows, budget=5, ladder=ladder)
    assert (choice.chosen, choice.best) == (chosen, "dear")
    # the root of 0.8 × 0.2 / 100
    assert choice.standard_error == pytest.approx(0.04)
    assert ("4.0 points) of the best, dear: −3.0 points" in choice.why) == (chosen == "cheap")


@pytest.mark.parametrize(("n", "cheap", "chosen"), [(40, 31, "cheap"), (20, 15, "dear")])
def test_who_was_judged_on_few_rows_has_no_wider_standard_error(
    monkeypatch, unsettled, rows, n, cheap, chosen
):
    def judged(climb: Any, candidate: Candidate, *, last: bool) -> Tried:
        right = np.tile([1.0, 1.0, 1.0, 1.0, 0.0], 20)
        if candidate.name == "cheap":
            right[:n], right[n:] = np.repeat([1.0, 0.0], [cheap, n - cheap]), np.nan
        climb.right[candidate.name] = right
        climb.refit_seconds[candidate.name] = 1.0
        return Tried(candidate.name, 0.8, 5, 100, 1.0)

    monkeypatch.setattr("textgraft.experiments.auto.fitting.tried_rung", judged)
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("dear", "knn", {})]
    choice, _ = choose(*rows, budget=5, ladder=ladder)
    # 5 points are less than one standard error of 20 rows, and more than one of 100
    assert choice.chosen == chosen
    assert choice.standard_error == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("right", "seconds", "chosen"),
    [(79, 24.0, "both"), (75, 1.0, "cheap"), (79, 26.0, "cheap"), (81, 1.0, "both")],
)
def test_a_blend_that_takes_less_than_a_quarter_is_preferred_within_one_standard_error(
    monkeypatch, unsettled, rows, right, seconds, chosen
):
    answers = {"cheap": 78, "both": right, "dear": 80}

    def judged(climb: Any, candidate: Candidate, *, last: bool) -> Tried:
        n = answers[candidate.name]
        climb.right[candidate.name] = np.repeat([1.0, 0.0], [n, 100 - n])
        climb.refit_seconds[candidate.name] = seconds
        return Tried(candidate.name, n / 100, 5, 100, 1.0)

    monkeypatch.setattr("textgraft.experiments.auto.fitting.tried_rung", judged)
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("both", "blend", {}), Candidate("dear", "knn", {})]
    choice, _ = choose(*rows, budget=100, ladder=ladder)
    assert (choice.chosen, choice.cheapest) == (chosen, "cheap")
    said = {
        79: "both, within one standard error (4.0 points) of the best, dear: −1.0 points on the same rows; ",
        81: "both, the best; cheap is cheaper, but a blend",
    }
    assert (said.get(right, "-") in choice.why) == (chosen == "both")


@pytest.mark.parametrize(
    ("method", "seconds", "chosen"), [("tfidf", 7.9, "later"), ("tfidf", 8.1, "first"), ("knn", 1.0, "first")]
)
def test_of_one_method_what_was_clearly_faster_is_the_cheaper(
    monkeypatch, unsettled, rows, method, seconds, chosen
):
    def judged(climb: Any, candidate: Candidate, *, last: bool) -> Tried:
        n = {"first": 78, "later": 79, "dear": 80}[candidate.name]
        climb.right[candidate.name] = np.repeat([1.0, 0.0], [n, 100 - n])
        # 2 % of the budget are 2 s
        climb.refit_seconds[candidate.name] = {"first": 10.0, "later": seconds, "dear": 30.0}[candidate.name]
        return Tried(candidate.name, n / 100, 5, 100, 1.0)

    monkeypatch.setattr("textgraft.experiments.auto.fitting.tried_rung", judged)
    ladder = [
        Candidate("first", "tfidf", {}),
        Candidate("later", method, {}),
        Candidate("dear", "linear", {}),
    ]
    choice, _ = choose(*rows, budget=100, ladder=ladder)
    assert (choice.cheapest, choice.chosen, choice.best) == (chosen, chosen, "dear")


@pytest.fixture
def contended(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Two rungs that are alike on the first fold and not on all, and which folds were judged afterwards."""
    asked: list[tuple[str, int]] = []

    def judged(climb: Any, candidate: Candidate, *, last: bool) -> Tried:
        right, first = np.full(len(climb.folds), np.nan), climb.folds == 0
        right[first] = 1.0
        # one more of the first fold is wrong
        right[np.flatnonzero(first)[: 4 if candidate.name == "dear" else 5]] = 0.0
        climb.right[candidate.name] = right
        climb.refit_seconds[candidate.name] = 0.01
        return Tried(candidate.name, float(right[first].mean()), 1, int(first.sum()), 1.0)

    def fold_of(climb: Any, candidate: Candidate, fold: int, out: np.ndarray, seconds: float) -> np.ndarray:
        asked.append((candidate.name, fold))
        if candidate.name == "broken":
            raise ValueError
        right = np.ones(int(out.sum()))
        right[: len(right) // 4] = float(candidate.name != "cheap")
        return right

    monkeypatch.setattr("textgraft.experiments.auto.fitting.tried_rung", judged)
    monkeypatch.setattr("textgraft.experiments.auto.settling.judged_fold", fold_of)
    return asked


def test_what_is_left_tells_a_cheap_rung_that_is_worse_from_one_that_is_as_good(contended, rows):
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("dear", "knn", {})]
    choice, _ = choose(*rows, budget=60, ladder=ladder)
    assert (choice.chosen, choice.best) == ("dear", "dear")
    # the cheap one first, and no more than was needed to tell them apart
    assert contended[:2] == [("cheap", 1), ("dear", 1)]
    cheap, dear = choice.tried
    assert (cheap.folds, dear.folds) == (2, 2)
    assert cheap.accuracy < dear.accuracy < 1
    assert cheap.rows == dear.rows > len(rows[0]) / 5


def test_what_is_left_tells_a_dear_rung_that_is_better_from_one_that_is_as_good(contended, rows):
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("late", "knn", {})]
    choice, _ = choose(*rows, budget=60, ladder=ladder)
    # on the first fold they were alike, so the cheap one was the best
    assert contended[:2] == [("late", 1), ("cheap", 1)]
    assert (choice.chosen, choice.best) == ("late", "late")


def test_no_fold_is_judged_that_the_best_cannot_be_judged_on_too(contended, monkeypatch, rows):
    def kept(climb: Any, ladder: Any, tried: Any) -> Any:
        climb.kept["dear"] = object()
        return settle(climb, ladder, tried)

    monkeypatch.setattr("textgraft.experiments.auto.fitting.settle", kept)
    choice, _ = choose(
        *rows, budget=60, ladder=[Candidate("cheap", "tfidf", {}), Candidate("dear", "knn", {})]
    )
    assert choice.best == "dear"
    assert contended == []


def test_the_row_of_a_class_of_one_is_no_fold_to_judge(contended, rows):
    texts, labels = rows
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("dear", "knn", {})]
    choose([*texts, "alone"], [*labels, "alone"], budget=60, ladder=ladder)
    assert contended[:2] == [("cheap", 1), ("dear", 1)]
    assert all(fold >= 0 for _, fold in contended)


def test_no_more_folds_are_judged_than_fit_into_the_budget(contended, rows):
    ladder = [Candidate("cheap", "tfidf", {}), Candidate("dear", "knn", {})]
    choice, _ = choose(*rows, budget=0.01, ladder=ladder)
    assert contended == []
    assert choice.chosen == "cheap"
    assert [one.folds for one in choice.tried] == [1, 1]


def test_a_contender_that_breaks_stands_as_it_was_judged(contended, rows):
    ladder = [Candidate("broken", "tfidf", {}), Candidate("dear", "knn", {})]
    choice, _ = choose(*rows, budget=60, ladder=ladder)
    assert contended == [("broken", 1)]
    assert choice.chosen == "broken"
    assert [one.folds for one in choice.tried] == [1, 1]


def test_an_encoder_that_is_too_slow_is_asked_once(monkeypatch, rows):
    encoded, clock = [], time.monotonic
    monkeypatch.setattr(
        "textgraft.experiments.auto.climb.time.monotonic", lambda: clock() + 10.0 * sum(encoded)
    )

    class Slow(HashingEncoder):
        def encode(self, texts, watch=lambda _: None):
            encoded.append(len(texts))
            return super().encode(texts, watch)

    slow = Slow(32)
    ladder = [GOOD, Candidate("a", "knn", {"encoder": slow}), Candidate("b", "linear", {"encoder": slow})]
    choice, _ = choose(*rows, budget=1_000, ladder=ladder)
    assert [one.name for one in choice.tried if one.skipped] == ["a", "b"]
    assert sum(encoded) < 70


def test_weights_are_not_opened_where_that_may_take_what_is_left(monkeypatch, rows):
    # a clock that stands still: everything else takes no time at all
    monkeypatch.setattr("textgraft.experiments.auto.climb.time.monotonic", lambda: 100.0)
    ladder = [GOOD, NEAR, Candidate("open", "knn", {"encoder": HashingEncoder(64)})]
    choice, _ = choose(*rows, budget=4, ladder=ladder)
    assert [one.skipped for one in choice.tried] == [
        None, "opening hashing:64 may take 5.0 s, 4.0 s are left", None
    ]  # fmt: skip
    assert [one.folds for one in choose(*rows, budget=6, ladder=ladder)[0].tried] == [5, 5, 5]


def test_what_opened_slowly_is_expected_to_open_slowly_again_and_no_time_is_below_zero(monkeypatch, rows):
    now = [100.0]
    monkeypatch.setattr("textgraft.experiments.auto.climb.time.monotonic", lambda: now[0])

    class Slow(HashingEncoder):
        def encode(self, texts, watch=lambda _: None):
            now[0] += 30.0
            return super().encode(texts, watch)

    ladder = [GOOD, Candidate("slow", "knn", {"encoder": Slow(32)}), NEAR]
    # 30 s to open and 30 s for a trial of 64 rows
    tried = choose(*rows, budget=65, ladder=ladder)[0].tried
    assert tried[1].skipped.endswith(", 5.0 s are left")
    assert tried[2].skipped == "opening hashing:64 may take 30 s, 5.0 s are left"
    tried = choose(*rows, budget=40, ladder=ladder)[0].tried
    assert tried[1].skipped.endswith("none is left")


def test_encoding_once_more_is_waited_for_where_no_cache_outlives_the_climb(monkeypatch, rows, tmp_path):
    climbs = []

    def settled(climb: Any, ladder: Any, tried: Any) -> Any:
        climbs.append(climb)
        return tried

    monkeypatch.setattr("textgraft.experiments.auto.fitting.settle", settled)
    kept = CachedEncoder(HashingEncoder(64), tmp_path)
    encoders = {"bare": HashingEncoder(32), "kept": kept}
    choose(
        *rows, budget=60, ladder=[Candidate(name, "knn", {"encoder": one}) for name, one in encoders.items()]
    )
    (climb,) = climbs
    assert climb.wait_seconds("bare") > climb.refit_seconds["bare"]
    assert climb.wait_seconds("kept") == climb.refit_seconds["kept"]


def test_time_is_kept_for_whoever_may_be_chosen(monkeypatch, rows):
    right = {"leader": 80, "dear": 77, "dearer": 75}
    climbs = []

    def judged(climb: Any, candidate: Candidate, *, last: bool) -> Tried:
        n = right[candidate.name]
        climb.right[candidate.name] = np.repeat([1.0, 0.0], [n, 100 - n])
        climb.refit_seconds[candidate.name] = 100.0 - n
        return Tried(candidate.name, n / 100, 5, 100, 1.0)

    def settled(climb: Any, ladder: Any, tried: Any) -> Any:
        climbs.append(climb)
        return tried

    monkeypatch.setattr("textgraft.experiments.auto.fitting.settle", settled)
    monkeypatch.setattr("textgraft.experiments.auto.fitting.tried_rung", judged)
    choose(*rows, budget=60, ladder=[Candidate(name, "knn", {}) for name in right])
    (climb,) = climbs
    # one standard error of the leader is 4 points
    assert climb.contenders() == ["leader", "dear"]
    assert climb.reserve == 23.0


def test_methods_judged_on_other_folds_are_compared_on_the_rows_of_both():
    first, second = np.ones(100), np.full(100, np.nan)
    first[:20] = np.repeat([1.0, 0.0], [10, 10])
    second[:20] = np.repeat([1.0, 0.0], [15, 5])
    # over all its rows the first has 90 %, but on those of both it has half
    assert beside({"a": first, "b": second}, "b", "a") == pytest.approx(0.25)


def test_accuracies_are_of_rows_that_were_not_learned(rows):
    texts, labels = rows
    shuffled = list(np.random.default_rng(0).permutation(labels))
    choice, _ = choose(texts, shuffled, budget=300, ladder=[GOOD])
    # by heart it would be right nearly always
    assert choice.tried[0].accuracy < 0.3


def test_what_cannot_be_opened_is_skipped_with_its_reason(rows):
    choice, _ = choose(*rows, budget=300, ladder=[ABSENT, GOOD])
    assert choice.chosen == "good"
    assert "nowhere" in choice.tried[0].skipped
    assert "absent  skipped: " in "\n".join(choice.sentences())
    with pytest.raises(DataError, match="No method could be judged: absent"):
        choose(*rows, budget=300, ladder=[ABSENT])


def test_a_rung_leaves_time_for_dearer_ones(monkeypatch, rows):
    monkeypatch.setattr("textgraft.experiments.auto.rung.JUDGING_SHARE", 1e-9)
    choice, _ = choose(*rows, budget=300, ladder=[GOOD, NEAR])
    assert [one.folds for one in choice.tried] == [1, 5]


def test_what_does_not_fit_into_the_budget_is_not_begun(monkeypatch, rows):
    monkeypatch.setattr("textgraft.experiments.auto.rung.TRIAL_SHARE", 0.01)
    dear = Candidate("dear", "siamese", {"encoder": "hashing:64", "epochs": 1_000_000})
    choice, _ = choose(*rows, budget=60, ladder=[GOOD, dear])
    assert "would take about" in choice.tried[1].skipped
    assert choice.tried[1].folds == 0
    assert choice.chosen == "good"


WORDS = {"fruit": ["apple", "pear", "plum", "grape"], "tool": ["hammer", "saw", "drill", "wrench"]}


@pytest.fixture(scope="module")
def plain() -> tuple[list[str], list[str]]:
    """Rows that a tiny network can learn, and one feature cannot."""
    draw = random.Random(0)
    pairs = [(" ".join(draw.choices(WORDS[name], k=3)), name) for name in WORDS for _ in range(100)]
    return [text for text, _ in pairs], [label for _, label in pairs]


@pytest.fixture
def tuned(tiny_bert_knowing: Any) -> Candidate:
    encoder = str(tiny_bert_knowing([word for words in WORDS.values() for word in words]))
    parameters = {"encoder": encoder, "epochs": 6, "contrast": 0, "rate": 2e-3, "batch_size": 12}
    return Candidate("tuned", "finetune", parameters)


def _reckoned(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> None:
    monkeypatch.setattr(
        "textgraft.experiments.auto.rung._fold_seconds", lambda climb, candidate: seconds[candidate.name]
    )


@pytest.mark.parametrize("reject", [None, tg.AtCoverage(0.8)])
def test_what_fits_but_once_is_learned_once_and_kept(monkeypatch, plain, tuned, reject):
    # a fold and all rows again would be 900 s
    _reckoned(monkeypatch, {"poor": 0.1, "tuned": 400.0})
    texts, labels = [*plain[0], "xyzzy", "plugh"], [*plain[1], "oos", ""]
    classifier, choice = fit_auto(
        texts, labels, budget=600, ladder=[POOR, tuned], reject=reject, oos_labels=["oos"]
    )
    assert choice.chosen == "tuned"
    kept = choice.tried[1]
    assert kept.kept
    assert kept.folds == 1
    assert "learned once from all others" in choice.sentences()[2]
    # a tenth judged it, and fitted the rule
    assert 0.05 * len(plain[0]) < kept.rows < 0.15 * len(plain[0])
    assert len(classifier.train_texts_) == len(plain[0]) - kept.rows
    assert len(classifier.oos_confidence_) == 1
    assert classifier.report_.rows == len(texts)
    assert classifier.reject == reject
    if reject is not None:
        # rows that chose it flatter it, so that nothing can be promised by them
        assert classifier.threshold_.source == "chose"
        assert not classifier.threshold_.guaranteed
        assert "did not learn from, but was chosen by, so about 80 % of" in classifier.threshold_.sentence()
        assert classifier.threshold_.n_held_out == kept.rows


def test_what_does_not_fit_even_once_is_skipped(monkeypatch, plain, tuned):
    _reckoned(monkeypatch, {"poor": 0.1, "tuned": 4_000.0})
    classifier, choice = fit_auto(*plain, budget=600, ladder=[POOR, tuned])
    assert choice.chosen == "poor"
    assert "would take about" in choice.tried[1].skipped
    assert len(classifier.train_texts_) == len(plain[0])


def test_rows_of_the_callers_fit_the_rule_of_what_is_learned_once(monkeypatch, plain, tuned):
    _reckoned(monkeypatch, {"poor": 0.1, "tuned": 400.0})
    valid = plain[0][:40], plain[1][:40]
    classifier, choice = fit_auto(
        *plain, budget=600, ladder=[POOR, tuned], reject=tg.AtCoverage(0.9), valid=valid
    )
    assert choice.chosen == "tuned"
    assert (classifier.threshold_.source, classifier.threshold_.n_held_out) == ("valid", 40)


def test_a_spent_budget_is_said_and_nothing_more_is_tried(rows):
    choice, _ = choose(*rows, budget=1e-3, ladder=[GOOD, NEAR])
    assert choice.tried[1].skipped == "the budget is spent"


def test_a_small_budget_still_gives_the_first_rung(rows):
    classifier, choice = fit_auto(*rows, budget="1s", ladder=[GOOD, NEAR])
    assert choice.tried[0].folds >= 1
    assert set(classifier.predict(rows[0][:5])) <= set(classifier.classes_)


def test_a_pace_is_taken_from_training_alone_and_stops_when_enough_was_seen(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("textgraft.experiments.auto.steps.time.monotonic", lambda: now[0])
    pacer = Pacer([100.0, 300.0], most_seconds=10.0)
    for at, step in ((50.0, 1), (52.0, 10), (54.0, 1), (58.0, 5)):
        now[0] = at
        pacer(Progress("encoding", 1, 2))
        pacer(Progress("training", step, 10))
    # a tenth of the first stage when first seen, then all of it and half of the second
    assert (pacer.began, pacer.first, pacer.done) == (50.0, 10.0, 250.0)
    now[0] = 61.0
    with pytest.raises(OutOfTime):
        pacer(Progress("training", 6, 10))


@dataclass
class Clocked:
    """A method on a clock of its own: weights are opened first, then every character takes its time."""

    trains: bool
    opening: float = 7.0
    a_character: float = 0.01
    now: float = 100.0
    opened: bool = False

    def fit(self, texts: list[str], labels: list[str], watch: Watch = unwatched) -> None:
        # a network opens its weights at each fit; imports, which others wait for, are done once
        self.now += self.opening * (self.trains or not self.opened)
        self.opened = True
        for step in range(5):
            if self.trains:
                watch(Progress("training", step, 4))
            self.now += self.a_character * sum(work(self, texts, 9)) / 4 * (step < 4)

    def seconds(self, texts: list[str], labels: list[str]) -> float:
        began = self.now
        self.fit(texts, labels)
        return self.now - began


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("most_seconds", [1e9, 0.5])
def test_the_pace_of_a_trial_foretells_more_rows(monkeypatch, rows, trains, most_seconds):
    texts, labels = rows
    method = Clocked(trains)
    monkeypatch.setattr("textgraft.experiments.auto.steps.time.monotonic", lambda: method.now)
    pace = pace_of_trial(method, texts[:80], labels[:80], most_seconds)
    foretold = pace.seconds(sum(work(method, texts * 4, 9)))
    assert foretold == pytest.approx(method.seconds(texts * 4, labels * 4), rel=1e-9)


def test_work_of_a_network_grows_with_its_epochs():
    texts = ["four"] * 10
    few, many = (work(tg.SiameseClassifier("hashing:64", epochs=epochs), texts, 2) for epochs in (2, 6))
    assert sum(many) == 3 * sum(few) == 6 * 10 * 5


def test_a_trial_has_every_class():
    codes = np.repeat(np.arange(40), [500] + [2] * 39)
    rows = trial_rows(codes, 0, 64)
    assert len(set(codes[rows])) == 40
    assert len(rows) == len(set(rows)) == 64


def test_what_cannot_be_is_refused_before_anything_is_learned(rows):
    with pytest.raises(ParameterError, match="10m"):
        fit_auto(*rows, budget="soon")
    with pytest.raises(ParameterError, match="above 0"):
        choose(*rows, budget=0)
    with pytest.raises(DataError, match="needs at least"):
        fit_auto(*rows, reject=tg.AtRisk(0.001), ladder=[GOOD])
    with pytest.raises(DataError, match="classes of two or more"):
        choose(["a", "b"], ["x", "y"], budget=5)


def test_the_ladder_is_of_real_methods_from_cheap_to_dear():
    from textgraft.methods import METHODS

    order = [list(METHODS).index(one.method) for one in LADDER]
    assert order == sorted(order)
    assert len({one.name for one in LADDER}) == len(LADDER)
    for one in LADDER:
        one.make(0)


def test_rungs_that_read_vectors_share_one_encoder() -> None:
    frozen = [one for one in LADDER if one.takes_encoder and one.make(0).reads == "vectors"]
    assert {one.method for one in frozen} == {"linear", "knn", "blend", "siamese"}
    assert len({one.make(0).get_params()["encoder"] for one in frozen}) == 1
