"""Every rule of advice speaks on the results it is for, and on no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from textgraft.experiments.comparing.advising import RULES, Findings, advise
from textgraft.experiments.intervals import Interval


def about(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half)


PAYS = Findings(
    best="finetune",
    best_score=about(0.90, 0.02),
    cheap="linear",
    gap=about(0.031, 0.009),
    seconds=(400.0, 10.0),
    n_methods=3,
    failed=(),
    n_seeds=3,
    n_scored=500,
)

CASES = {
    "alone": (
        replace(PAYS, n_methods=1, cheap=None, gap=None),
        "Only `finetune` was measured to the end: there is nothing to weigh it against.",
    ),
    "cheapest-is-best": (
        replace(PAYS, cheap=None, gap=None),
        "`finetune` has the highest score, and no other method learns clearly faster: nothing dearer is "
        "shown to be worth its cost.",
    ),
    "stop-here": (
        replace(PAYS, gap=about(0.004, 0.006)),
        "`linear` is within 0.4 ± 0.6 points of `finetune` at 1/40 of the time to learn; stop here.",
    ),
    "cannot-tell": (
        replace(PAYS, gap=about(0.015, 0.02)),
        "`finetune` is 1.5 ± 2.0 points ahead of `linear`, which learns in 10 s where that takes 7 min, "
        "so these rows cannot tell whether it is better at all: take `linear`, or measure with more "
        "seeds or rows.",
    ),
    "both-are-quick": (
        replace(PAYS, seconds=(2.0, 0.1)),
        "Take `finetune`: it is 3.1 ± 0.9 points ahead of `linear`, and both learn within seconds.",
    ),
    "dearer-pays": (
        PAYS,
        "`finetune` is 3.1 ± 0.9 points ahead of `linear`, which learns in 10 s where that takes 7 min: "
        "the dearer one pays if that is worth it to you.",
    ),
    "labels-over-model": (
        replace(
            PAYS,
            doubling=about(0.03, 0.01),
            cheap_doubling=about(0.05, 0.01),
            labels_over_model=about(0.019, 0.01),
            more_labels=256,
        ),
        "256 more labels are worth more than a larger model: the last doubling of labels brought "
        "`linear` 5.0 ± 1.0 points, `finetune` brings 3.1 ± 0.9.",
    ),
    "model-over-labels": (
        replace(
            PAYS,
            doubling=about(0.01, 0.005),
            cheap_doubling=about(0.006, 0.004),
            labels_over_model=about(-0.025, 0.01),
            more_labels=5_000,
        ),
        "A dearer method is worth more than 5,000 more labels: `finetune` brings 3.1 ± 0.9 points, the last "
        "doubling of labels brought `linear` 0.6 ± 0.4.",
    ),
    "labels-enough": (
        replace(PAYS, doubling=about(0.002, 0.005), labels_over_model=about(-0.01, 0.02)),
        "More labels of this kind would bring little: the last doubling brought `finetune` 0.2 ± 0.5 points.",
    ),
    "labels-pay": (
        replace(PAYS, doubling=about(0.04, 0.01), more_labels=256),
        "Labels still pay: the last doubling brought `finetune` 4.0 ± 1.0 points; another takes 256 "
        "more, and as a rule brings less.",
    ),
    "labels-cannot-tell": (
        replace(PAYS, doubling=about(0.01, 0.02)),
        "The last doubling of labels brought `finetune` 1.0 ± 2.0 points: these rows cannot tell whether "
        "more labels would help.",
    ),
    "another-with-few": (
        replace(PAYS, early="knn", early_size="8", early_lead=about(0.05, 0.02)),
        "With few labels it is another: with 8 of each class `knn` is 5.0 ± 2.0 points ahead of `finetune`.",
    ),
    "wide": (
        replace(PAYS, best_score=about(0.8, 0.07), n_scored=56),
        "The score of `finetune` is known to ± 7.0 points only, from 56 scored rows with each of 3 "
        "seeds: more seeds, or a larger test file, before much is decided on it.",
    ),
    "one-seed": (
        replace(PAYS, n_seeds=1),
        "With one seed the intervals know of the scored rows alone, not of the draw of the rows learned "
        "from: --seeds 3 or more.",
    ),
    "some-failed": (
        replace(PAYS, failed=("siamese", "ulmfit")),
        "Not compared with all rows, because they failed: `siamese`, `ulmfit`.",
    ),
}


def test_every_rule_has_a_case():
    assert list(CASES) == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", CASES)
def test_a_rule_speaks_on_its_case(name):
    found, words = CASES[name]
    said = {advice.rule: advice.words for advice in advise(found)}
    assert said[name] == words


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.topic != "method"])
def test_and_not_where_there_is_nothing_to_say(name):
    assert name not in {advice.rule for advice in advise(PAYS)}


def test_one_rule_of_a_topic_speaks():
    for found, _ in CASES.values():
        topics = [advice.topic for advice in advise(found)]
        assert len(topics) == len(set(topics))


def test_a_gap_that_is_shown_but_small_is_no_reason_to_pay():
    (advice,) = advise(replace(PAYS, gap=about(0.006, 0.002)))
    assert advice.rule == "stop-here"


def test_labels_are_weighed_for_the_method_that_is_taken():
    found = replace(PAYS, gap=about(0.004, 0.006), doubling=about(0.04, 0.01))
    assert found.taken == "linear"
    assert "brought `linear` 4.0" in advise(found)[1].words


def test_a_model_that_costs_nothing_is_not_weighed_against_labels():
    found = replace(CASES["labels-over-model"][0], seconds=(2.0, 0.1))
    assert "labels-over-model" not in {advice.rule for advice in advise(found)}
