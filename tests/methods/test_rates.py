"""Trying learning rates: what is found, in which parameter, and that nothing stays of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.core.progress import unwatched
from textgraft.errors import DataError, ParameterError
from textgraft.methods.base import TextClassifier
from textgraft.methods.finetune import FinetuneClassifier
from textgraft.methods.pair import PairClassifier
from textgraft.methods.siamese import SiameseClassifier
from textgraft.methods.transformer_gru import TransformerGRUClassifier
from textgraft.training.loop import train
from textgraft.training.records import Training

TEXTS = [f"{word} {number}" for number in range(8) for word in ("red apple", "pear", "saw", "old drill")]
LABELS = ["fruit", "fruit", "tool", "tool"] * 8


@pytest.fixture
def bert(tiny_models: Callable[[str], Path]) -> str:
    return str(tiny_models("bert"))


def test_the_first_network_that_learns_is_tried(bert: str) -> None:
    warm_up = FinetuneClassifier(bert, contrast=2, epochs=3, rate=0.01).find_rate(TEXTS, LABELS)
    assert (warm_up.stage, warm_up.parameter, warm_up.usual) == ("contrastive warm-up", "rate", 0.01)
    tuning = FinetuneClassifier(bert, contrast=0, epochs=3, rate=0.01).find_rate(TEXTS, LABELS)
    assert tuning.stage == "fine-tuning"
    assert "fine-tuning" in tuning.sentence()


def test_a_suggestion_is_in_terms_of_the_parameter(bert: str) -> None:
    # the head learns five times as fast as the encoder, whose rate the parameter is
    found = FinetuneClassifier(bert, contrast=0, epochs=3, rate=0.01).find_rate(TEXTS, LABELS)
    assert found.factor == pytest.approx(5.0)
    assert found.suggestion == pytest.approx(found.search.suggestion / 5.0)
    assert found.search.rates[0] / found.factor < found.suggestion < found.search.rates[-1] / found.factor


def test_the_rate_given_changes_nothing_but_what_it_is_compared_with(bert: str) -> None:
    slow, fast = (
        TransformerGRUClassifier(bert, epochs=2, hidden=8, rate=rate).find_rate(TEXTS, LABELS)
        for rate in (1e-4, 1e-2)
    )
    assert slow.suggestion == pytest.approx(fast.suggestion)
    np.testing.assert_array_equal(slow.search.losses, fast.search.losses)
    assert (slow.usual, fast.usual) == (1e-4, 1e-2)


@pytest.mark.parametrize(("train", "parameter"), [(False, "rate"), (True, "encoder_rate")])
def test_pair_names_the_parameter_of_the_network_that_comes_first(
    bert: str, train: bool, parameter: str
) -> None:
    found = PairClassifier(bert, train_encoder=train, epochs=2).find_rate(TEXTS, LABELS)
    assert found.parameter == parameter


def test_nothing_is_learned(bert: str) -> None:
    classifier = SiameseClassifier(bert, epochs=3)
    classifier.find_rate(TEXTS, LABELS)
    assert not hasattr(classifier, "learned_")
    before = SiameseClassifier(bert, epochs=3).fit(TEXTS, LABELS).predict_proba(["pear"])
    np.testing.assert_array_equal(classifier.fit(TEXTS, LABELS).predict_proba(["pear"]), before)


@pytest.mark.parametrize("make", [tg.TfidfClassifier, lambda: SiameseClassifier("hashing", epochs=0)])
def test_what_trains_no_network_has_no_rate(make: Callable[[], tg.TextClassifier]) -> None:
    with pytest.raises(ParameterError, match="trains no network"):
        make().find_rate(TEXTS, LABELS)


def test_rows_without_any_pair_have_no_rate() -> None:
    with pytest.raises(ParameterError, match="on these rows"):
        PairClassifier("hashing").find_rate(["red", "green", "blue"], ["a", "b", "c"])


def test_rows_are_checked_as_by_fit(bert: str) -> None:
    with pytest.raises(DataError):
        FinetuneClassifier(bert).find_rate(["one"], ["a", "b"])


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (
            lambda bert: PairClassifier(bert, train_encoder=True, encoder_epochs=1, epochs=1),
            [
                {"rate": "encoder_rate", "max_tokens": "max_tokens"},
                {"rate": "rate", "max_tokens": "max_tokens"},
            ],
        ),
        (lambda bert: SiameseClassifier(bert, epochs=1), [{"rate": "rate"}]),
        (
            lambda bert: FinetuneClassifier(bert, contrast=0, epochs=1),
            [{"rate": "rate", "max_tokens": "max_tokens"}],
        ),
    ],
    ids=["pair", "siamese", "finetune"],
)
def test_errors_of_a_stage_name_parameters_that_its_method_has(
    bert: str, make: Callable[[str], TextClassifier], named: list[dict[str, str]]
) -> None:
    seen: list[dict[str, str]] = []

    def trainer(*network_and_rows: Any, **others: Any) -> Training:
        seen.append(dict(others["settings"].options))
        return train(*network_and_rows, **others)

    classifier = make(bert)
    examples, classes, codes = classifier._checked(TEXTS, LABELS)
    lesson = classifier._lesson(examples, codes, len(classes), unwatched)
    classifier._learn(replace(lesson, trainer=trainer), unwatched)
    assert seen == named
    assert all(set(options.values()) <= classifier.get_params().keys() for options in seen)
