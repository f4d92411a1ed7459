"""Concat pooling and the head over it: fastai's numbers, and padding that changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from textgraft.networks.concat_pooling import concat_pooling
from textgraft.networks.fastai_names import from_fastai
from textgraft.networks.text_classifier_head import TextClassifierHead

GOLDEN = Path(__file__).parents[1] / "golden" / "awd_lstm" / "lstm.safetensors"


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def mask_of(lengths: list[int], steps: int) -> Tensor:
    return torch.arange(steps) < torch.tensor(lengths)[:, None]


def test_pooled_states_and_probabilities_of_fastai() -> None:
    numbers = load_file(GOLDEN)
    head = TextClassifierHead(36, 4).eval()
    names = {key.replace("head.", "1."): part for key, part in numbers.items() if key.startswith("head.")}
    renamed = from_fastai(names | {"encoder.weight": torch.zeros(1, 1)})
    head.load_state_dict(
        {key.removeprefix("head."): part for key, part in renamed.items() if "body" not in key}
    )
    states, mask = numbers["raw"][0], mask_of([5, 2, 1], 5)
    torch.testing.assert_close(concat_pooling(states, mask), numbers["pooled"], rtol=0, atol=1e-5)
    torch.testing.assert_close(
        head(concat_pooling(states, mask)).softmax(1), numbers["probabilities"], rtol=0, atol=1e-5
    )


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(0, 3))
@settings(max_examples=25)
def test_padding_changes_nothing(lengths: list[int], more: int) -> None:
    mask = mask_of(lengths, max(lengths) + more)
    states = torch.randn(*mask.shape, 3).double()
    # whatever stands at padding must not be read
    states[~mask] = 1e3
    states.requires_grad_()
    pooled = concat_pooling(states, mask)
    for row, length in enumerate(lengths):
        own = states[row, :length]
        torch.testing.assert_close(pooled[row], torch.cat([own[-1], own.amax(0), own.mean(0)]))
    pooled.sum().backward()
    assert states.grad is not None
    assert not states.grad[~mask].any()


def test_a_text_without_words_is_one_word() -> None:
    states = torch.randn(1, 4, 3)
    expected = concat_pooling(states[:, :1], torch.ones(1, 1))
    torch.testing.assert_close(concat_pooling(states, torch.zeros(1, 4)), expected)


def test_bf16_states_are_pooled_in_fp32() -> None:
    states, mask = torch.randn(2, 900, 3).bfloat16(), mask_of([900, 3], 900)
    pooled = concat_pooling(states, mask)
    assert pooled.dtype == torch.float32
    torch.testing.assert_close(pooled, concat_pooling(states.float(), mask))
    with torch.autocast("cpu", torch.bfloat16):
        assert TextClassifierHead(9, 2)(pooled).dtype == torch.float32


def test_one_row_alone_can_be_learned_from() -> None:
    """The loop may halve a batch down to one row, whose variance is 0."""
    head = TextClassifierHead(3, 2)
    before = head.blocks[0].norm.running_mean.clone()
    logits = head(torch.randn(1, 3))
    logits.logsumexp(1).sum().backward()
    assert bool(logits.isfinite().all())
    assert all(weight.grad is not None for weight in head.parameters())
    assert torch.equal(head.blocks[0].norm.running_mean, before)


def test_settled_statistics_are_those_of_all_rows() -> None:
    head = TextClassifierHead(6, 3).train()
    vectors = torch.randn(40, 6) * 5 + 3
    before = [block.norm.running_mean.clone() for block in head.blocks]
    head.settle(vectors)
    head.eval()
    first, second = head.blocks
    hidden = first(vectors).relu()
    normed = first.norm(vectors), second.norm(hidden)
    for values, old, block in zip(normed, before, head.blocks, strict=True):
        live = block.norm.running_var > 1e-6
        torch.testing.assert_close(values.mean(0), torch.zeros(values.shape[1]), rtol=0, atol=1e-4)
        torch.testing.assert_close(values.std(0)[live], torch.ones(int(live.sum())), rtol=0, atol=1e-2)
        assert not torch.equal(block.norm.running_mean, old)


def test_layer_groups_hold_each_parameter_once() -> None:
    head = TextClassifierHead(3, 2)
    held = [id(w) for parts in head.layer_groups().values() for part in parts for w in part.parameters()]
    assert sorted(held) == sorted(id(weight) for weight in head.parameters())
