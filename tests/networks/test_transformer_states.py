"""Of which layers a frozen transformer's states are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import textgraft as tg
from textgraft.encoders import HashingEncoder
from textgraft.encoders.encoder import Trainable, as_trainable
from textgraft.errors import ParameterError

FAMILIES = ("bert", "roberta", "distilbert", "modernbert", "electra")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_mean_is_that_of_embeddings_and_blocks(family: str, tiny_models: Callable[[str], Path]) -> None:
    pretrained = as_trainable(tg.load_encoder(str(tiny_models(family))), "finetune").trainable()
    transformer = pretrained.network.transformer.eval()
    ids, mask = torch.tensor([[5, 6, 7], [8, 9, pretrained.tokens.pad]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    last = transformer(ids, mask.bool())
    transformer.reads = "mean"
    found = transformer(ids, mask.bool())
    every = transformer.body(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    assert len(every) == 3
    torch.testing.assert_close(found, (every[0] + every[1] + every[2]) / 3)
    torch.testing.assert_close(last, every[-1])
    transformer.reads = "last and lower"
    found = transformer(ids, mask.bool())
    torch.testing.assert_close(found, torch.cat([last, (every[0] + every[1]) / 2], dim=2))


def test_a_classifier_reads_what_it_is_told_and_remembers_it(
    tiny_models: Callable[[str], Path], tmp_path: Path
) -> None:
    folder, texts, labels = str(tiny_models("bert")), ["red apple", "steel saw"] * 6, ["fruit", "tool"] * 6
    beliefs = []
    for states in ("mean", "last"):
        clf = tg.TransformerGRUClassifier(folder, states=states, epochs=2, hidden=8).fit(texts, labels)
        clf.save(tmp_path / states)
        loaded = tg.load(tmp_path / states)
        assert loaded.states == states
        beliefs.append(clf.predict_proba(texts[:2]))
        assert np.array_equal(loaded.predict_proba(texts[:2]), beliefs[-1])
    assert not np.allclose(*beliefs, atol=1e-4)
    with pytest.raises(ParameterError, match="states must be mean or last"):
        tg.TransformerGRUClassifier(folder, states="first").fit(texts, labels)


class OfWholeTexts(HashingEncoder):
    """Can learn, as ``use`` can, and like it gives no states of tokens."""

    def trainable(self, **settings: Any) -> Trainable:
        return Trainable(torch.nn.Linear(1, 1), None, 8, "cpu", "fp32")  # type: ignore[arg-type]

    def encode(self, texts: list[str], *rest: Any) -> np.ndarray:
        pytest.fail("texts were encoded before the encoder was refused")


@pytest.mark.parametrize(
    "clf",
    [tg.TransformerGRUClassifier(OfWholeTexts()), tg.PairClassifier(OfWholeTexts(), scorer="cross")],
    ids=["transformer-gru", "pair"],
)
def test_an_encoder_without_states_is_refused_first(clf: Any) -> None:
    for call in (lambda: clf.plan(100, 3), lambda: clf.fit(["red apple", "steel saw"] * 6, ["a", "b"] * 6)):
        with pytest.raises(
            ParameterError, match="needs states of tokens, but 'hashing' gives none"
        ) as caught:
            call()
        assert "\n" not in str(caught.value)
