"""A transformer without padding: the same states and gradients, family by family."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import textgraft as tg
from textgraft.encoders.encoder import Trainable, as_trainable
from textgraft.networks.attention import attend
from textgraft.networks.unpadded import GROUP_OVERHEAD, Unpadded
from textgraft.text.batches import padded_ids

LENGTHS = (1, 40, 3, 7, 40, 2)
UNPADDING = ("bert", "roberta", "distilbert", "electra")


def mask_of(lengths: tuple[int, ...]) -> torch.Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def opened(folder: Path | str, **options: Any) -> Trainable:
    return as_trainable(tg.load_encoder(str(folder)), "finetune").trainable(attention_dropout=0.0, **options)


def batch(lengths: tuple[int, ...], pad: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(0)
    ids, mask = padded_ids([draw.integers(5, 200, length).tolist() for length in lengths], pad)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def states_and_gradients(pretrained: Trainable, unpads: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    network = pretrained.network
    ids, mask = batch(LENGTHS, pretrained.tokens.pad)
    network.transformer.unpads = unpads
    network.zero_grad()
    states = network.transformer(ids, mask)[mask]
    (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
    return states.detach(), {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", UNPADDING)
def test_states_and_gradients_are_those_with_padding(
    family: str, tiny_models: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretrained = opened(tiny_models(family))
    assert pretrained.unpads
    # several groups, some of them of texts of one length
    monkeypatch.setattr("textgraft.networks.unpadded.GROUP_OVERHEAD", 3)
    padded, gradients = states_and_gradients(pretrained, False)
    found, found_gradients = states_and_gradients(pretrained, True)
    torch.testing.assert_close(found, padded, atol=1e-5, rtol=1e-4)
    assert found_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(found_gradients[name], gradient, atol=2e-4, rtol=1e-3)


def test_a_family_whose_tokens_see_their_neighbours_only_keeps_its_padding(
    tiny_models: Callable[[str], Path],
) -> None:
    pretrained = opened(tiny_models("modernbert"))
    assert not pretrained.unpads
    assert not pretrained.network.transformer.unpads


def test_a_body_that_ignores_where_texts_stand_keeps_its_padding(
    tiny_models: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*states: Any, **named: Any) -> Any:
        return attend(*states, **(named | {"unpadded": None}))

    monkeypatch.setattr("textgraft.networks.attention.attend", deaf)
    assert not opened(tiny_models("bert")).unpads


def test_the_packaged_encoder_leaves_padding_out() -> None:
    assert opened("minilm").unpads


def test_without_a_mark_padding_is_computed(tiny_models: Callable[[str], Path]) -> None:
    network = as_trainable(tg.load_encoder(str(tiny_models("bert"))), "finetune").trainable().network
    assert not network.transformer.unpads


def test_states_at_padding_are_zero(tiny_models: Callable[[str], Path]) -> None:
    transformer = opened(tiny_models("bert")).network.transformer
    ids, mask = batch((2, 5))
    states = transformer(ids, mask)
    assert states.shape == (2, 5, 32)
    assert not states[~mask].any()
    assert states[mask].all(dim=1).any()


def test_nothing_is_computed_for_padding(
    tiny_models: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    transformer = opened(tiny_models("bert")).network.transformer
    seen = []
    transformer.body.encoder.layer[0].intermediate.dense.register_forward_hook(
        lambda module, inputs, output: seen.append(tuple(output.shape[:-1]))
    )
    transformer(*batch((4, 30, 4)))
    assert seen == [(1, 38)]


def test_a_text_without_a_token_is_read_with_padding(tiny_models: Callable[[str], Path]) -> None:
    transformer = opened(tiny_models("bert")).network.transformer
    ids, mask = batch((0, 3))
    states = transformer(ids, mask)
    transformer.unpads = False
    assert torch.equal(states, transformer(ids, mask))


def test_a_mask_beside_it_is_refused() -> None:
    states = torch.ones(1, 2, 3, 4)
    where = Unpadded.of(mask_of((1, 2)))
    with pytest.raises(ValueError, match="found a mask"):
        attend(None, states, states, states, torch.ones(1, 1, 3, 3), unpadded=where)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_tokens_go_out_and_come_back(lengths: list[int]) -> None:
    mask = mask_of(tuple(lengths))
    numbers = torch.arange(mask.numel()).view_as(mask)
    where = Unpadded.of(mask)
    tokens = where.taken(numbers)
    assert sorted(tokens.tolist()) == numbers[mask].tolist()
    assert torch.equal(where.put(tokens[:, None].float(), mask)[..., 0].long(), numbers * mask)
    assert torch.equal(where.positions, numbers.remainder(mask.shape[1])[mask][tokens.argsort().argsort()])
    assert sum(where.sizes) == len(tokens)
    for group, rows in zip(where.groups, tokens.split(where.sizes), strict=True):
        padded = group.put(rows[:, None])
        assert padded.shape == (group.texts, group.width, 1)
        assert torch.equal(group.taken(padded)[:, 0], rows)
        assert group.texts * group.width - group.tokens <= GROUP_OVERHEAD
        # a text's tokens stand in a row
        first = padded[:, 0, 0]
        assert torch.equal(padded[:, :, 0][group.mask], rows) if group.mask is not None else True
        assert (first % mask.shape[1] == 0).all()


def test_gradients_of_putting_and_taking() -> None:
    for group in Unpadded.of(mask_of((2, 3, 3))).groups:
        rows = torch.randn(group.tokens, 2, dtype=torch.double, requires_grad=True)
        seen = torch.ones(group.texts, group.width, 1) if group.mask is None else group.mask[..., None]
        # as in attention, what stands at padding reaches nothing
        assert torch.autograd.gradcheck(lambda r, g=group, s=seen: g.taken(g.put(r) ** 2 * s), (rows,))
