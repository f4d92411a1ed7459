"""Perplexity is what the training loop measures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from textgraft.core.progress import Progress
from textgraft.errors import DataError
from textgraft.language.measuring import perplexity
from textgraft.language.pretraining import Pretraining, pretrain
from textgraft.text.documents import Documents
from textgraft.text.word_tokens import train_words

TEXTS = [
    f"the {('cat', 'dog', 'bird')[n % 3]} sat on mat {n % 5} and {'sang ' * (n % 4)}." for n in range(40)
]
TOKENIZER = train_words(TEXTS)
DOCUMENTS = Documents.of(TOKENIZER.ids(TEXTS))
HELD_OUT = DOCUMENTS.some(np.arange(9))
SMALL = Pretraining(embedding=8, hidden=16, layers=2, epochs=2, rate=2e-2, batch_size=3, window=7)


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
@pytest.mark.parametrize("backward", [False, True])
def test_it_is_that_of_the_loop(kind: str, backward: bool) -> None:
    model = pretrain(DOCUMENTS, HELD_OUT, TOKENIZER, replace(SMALL, kind=kind, backward=backward))
    found = perplexity(model, HELD_OUT, lanes=3, window=7)
    assert found == pytest.approx(model.perplexity, rel=1e-3)
    # a model that reads the other way foresees something else
    assert perplexity(replace(model, backward=not backward), HELD_OUT, lanes=3, window=7) != found


def test_state_is_carried_from_window_to_window() -> None:
    model = pretrain(DOCUMENTS, HELD_OUT, TOKENIZER, SMALL)
    one = perplexity(model, HELD_OUT, lanes=1, window=1_000)
    assert perplexity(model, HELD_OUT, lanes=1, window=3) == pytest.approx(one, rel=2e-3)


def test_a_model_that_knows_nothing_is_as_unsure_as_there_are_words() -> None:
    model = pretrain(DOCUMENTS, HELD_OUT, TOKENIZER, SMALL)
    nothing = replace(model, tensors={name: np.zeros_like(t) for name, t in model.tensors.items()})
    seen: list[Progress] = []
    found = perplexity(nothing, HELD_OUT, lanes=2, watch=seen.append)
    assert found == pytest.approx(len(TOKENIZER.vocabulary), rel=1e-3)
    assert seen
    assert seen[-1].done == seen[-1].total == len(seen)
    assert math.isfinite(found)


def test_a_token_alone_cannot_be_measured() -> None:
    model = pretrain(DOCUMENTS, HELD_OUT, TOKENIZER, SMALL)
    with pytest.raises(DataError, match="2 tokens or more"):
        perplexity(model, Documents.of(TOKENIZER.ids([""])))
