"""Names of fastai's tensors, new and old, and what is refused; the numbers are in test_awd_lstm."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from textgraft.errors import WeightsError
from textgraft.networks.fastai_names import from_fastai

WORDS = torch.randn(5, 2)
RAW, DROPPED, INPUT = torch.randn(4, 1), torch.zeros(4, 1), torch.randn(4, 2)


def layer(before: str = "0.", raw: str = "0.weight_hh_l0_raw") -> dict[str, Tensor]:
    return {f"{before}encoder.weight": WORDS, f"{before}rnns.{raw}": RAW}


@pytest.mark.parametrize("before", ["0.", "0.module.", ""])
def test_language_models_classifiers_and_encoders(before: str) -> None:
    found = from_fastai(layer(before) | {f"{before}rnns.0.module.weight_ih_l0": INPUT})
    assert found.keys() == {
        "body.embedding.weight",
        "body.layers.0.weight_hh_l0",
        "body.layers.0.weight_ih_l0",
    }
    assert found["body.layers.0.weight_ih_l0"] is INPUT


@pytest.mark.parametrize("turned", [False, True])
def test_the_raw_weight_counts_not_what_dropout_left_of_it(turned: bool) -> None:
    both = layer() | {"0.rnns.0.module.weight_hh_l0": DROPPED}
    found = from_fastai(dict(reversed(both.items())) if turned else both)
    assert found["body.layers.0.weight_hh_l0"] is RAW


def test_checkpoints_of_2018() -> None:
    old = layer(raw="1.module.weight_hh_l0_raw") | {
        "0.encoder_with_dropout.embed.weight": WORDS.clone(),
        "1.decoder.weight": WORDS.clone(),
    }
    found = from_fastai(old)
    assert found["body.layers.1.weight_hh_l0"] is RAW
    assert found["decoder.bias"].tolist() == [0.0] * 5


def test_a_classifiers_head() -> None:
    head = {"1.layers.0.0.running_var": torch.ones(6), "1.layers.1.1.weight": torch.ones(2, 50)}
    assert {"head.blocks.0.norm.running_var", "head.blocks.1.linear.weight"} < from_fastai(
        layer() | head
    ).keys()


def test_what_is_no_awd_lstm_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"named 0\.layers\.0\.attn"):
        from_fastai(layer() | {"0.layers.0.attn": RAW})
    with pytest.raises(WeightsError, match=r"0\.encoder\.weight"):
        from_fastai({"0.rnns.0.weight_hh_l0_raw": RAW})
    with pytest.raises(WeightsError, match="tied"):
        from_fastai(layer() | {"1.decoder.weight": WORDS + 1})
