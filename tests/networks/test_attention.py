"""Attention of our own gives what torch's does, however many texts it compares at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import textgraft as tg
from textgraft.encoders.encoder import as_trainable
from textgraft.networks import attention
from textgraft.networks.attention import PLAIN_UP_TO, attend

TEXTS, HEADS, TOKENS, WIDTH = 5, 3, 7, 4
SCALE = 0.3


def states(tokens: int = TOKENS) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = (TEXTS, tokens, HEADS, WIDTH)
    return [torch.randn(shape, generator=draw).bfloat16().transpose(1, 2).requires_grad_() for _ in range(3)]


def masks() -> dict[str, Tensor | None]:
    seen = (torch.arange(TOKENS) < torch.tensor([TOKENS, 1, 3, TOKENS, 2])[:, None])[:, None, None]
    causal = seen & torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
    biases = torch.zeros(causal.shape).masked_fill(~causal, -1e9)
    alike = (torch.arange(TOKENS) < TOKENS - 1)[None, None, None]
    return {"none": None, "padding": seen, "each its own": causal, "numbers": biases, "one for all": alike}


def both(mask: Tensor | None) -> tuple[list[Tensor], list[Tensor]]:
    """What ours gives and its gradients, and torch's in fp32."""
    slope = torch.linspace(-1, 1, TEXTS * TOKENS * HEADS * WIDTH).view(TEXTS, TOKENS, HEADS, WIDTH)
    ours = states()
    found = attend(torch.nn.Identity(), *ours, mask, SCALE)[0]
    found.backward(slope.bfloat16())
    exact = [one.detach().float().requires_grad_() for one in states()]
    expected = F.scaled_dot_product_attention(*exact, attn_mask=mask, scale=SCALE).transpose(1, 2)
    expected.backward(slope)
    return [found, *(one.grad for one in ours)], [expected, *(one.grad for one in exact)]


@pytest.mark.parametrize("some", [1, 2, 99])
@pytest.mark.parametrize("kind", list(masks()))
def test_it_gives_what_torch_gives_and_so_do_its_gradients(
    kind: str, some: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "SIMILARITIES_AT_ONCE", some * HEADS * TOKENS**2)
    for found, expected in zip(*both(masks()[kind]), strict=True):
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.float(), expected, atol=0.03, rtol=0.03)


def test_long_texts_keep_no_similarities(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object) -> Tensor:
        raise AssertionError("plain products of a long text")

    monkeypatch.setattr(attention, "_plain", unwanted)
    long = [one[:1] for one in states(PLAIN_UP_TO + 1)]
    found = attend(torch.nn.Identity(), *long, None, SCALE)[0]
    exact = F.scaled_dot_product_attention(*(one.float() for one in long), scale=SCALE)
    torch.testing.assert_close(found.float(), exact.transpose(1, 2), atol=0.01, rtol=0.01)


def test_in_fp32_it_is_the_fused_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(attention, "_plain")
    exact = [one.float() for one in states()]
    found = attend(torch.nn.Identity(), *exact, None, SCALE)[0]
    torch.testing.assert_close(found, F.scaled_dot_product_attention(*exact, scale=SCALE).transpose(1, 2))


@pytest.mark.parametrize(
    "family", ["bert", "roberta", "distilbert", "modernbert", "electra", "t5", "xlnet", "gpt2"]
)
def test_vectors_of_a_frozen_encoder_are_those_of_the_plain_body(
    family: str, tiny_models: Callable[[str], Path]
) -> None:
    from transformers import AutoModel, AutoModelForTextEncoding

    folder = str(tiny_models(family))
    encoder = tg.load_encoder(folder)
    texts = ["red apple", "a steel saw cuts the red apple", "red", "a green pear and a red apple"]
    tokens = as_trainable(encoder, "finetune").trainable().tokens
    kind = AutoModelForTextEncoding if family == "t5" else AutoModel
    body = kind.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    with torch.inference_mode():
        each = [body(input_ids=torch.tensor([ids])).last_hidden_state[0] for ids in tokens.ids(texts, None)]
    expected = F.normalize(torch.stack([states.mean(0) for states in each]), dim=1)
    found = F.normalize(torch.from_numpy(encoder.encode(texts)).float(), dim=1)
    cosines = found @ expected.T
    assert (cosines.diag() > 0.998).all()
    # and texts differ by more than that
    assert (cosines - torch.eye(len(texts)) < 0.99).all()
