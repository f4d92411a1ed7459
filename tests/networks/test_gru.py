"""The GRU gives the numbers of torch's own, and padding changes no text's logits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from textgraft.errors import ParameterError
from textgraft.networks.fast_gru import STEPS_AT_ONCE, BidirectionalGRU
from textgraft.networks.gru import GRU_POOLINGS, GRUHead, WordGRU

LENGTHS = st.lists(st.integers(1, 2 * STEPS_AT_ONCE + 3), min_size=1, max_size=5)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def texts(lengths: list[int], dim: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Random states (b, t, d) and the mask (b, t) of texts of these lengths."""
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return torch.randn(*mask.shape, dim, dtype=dtype), mask


def torch_gru(ours: BidirectionalGRU, input_dim: int, hidden: int) -> nn.GRU:
    """torch's own network of all layers with the weights of ours."""
    gru = nn.GRU(input_dim, hidden, len(ours.layers), batch_first=True, bidirectional=True)
    gru.load_state_dict(
        {
            name.replace("_l0", f"_l{place}"): weight
            for place, layer in enumerate(ours.layers)
            for name, weight in layer.state_dict().items()
        }
    )
    return gru


def run_torch(gru: nn.GRU, states: Tensor, mask: Tensor) -> Tensor:
    packed = pack_padded_sequence(states, mask.sum(1), batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(gru(packed)[0], batch_first=True)[0]


@given(LENGTHS, st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=30)
def test_states_and_gradients_are_those_of_torch(
    lengths: list[int], layers: int, input_dim: int, hidden: int
) -> None:
    ours = BidirectionalGRU(input_dim, hidden, layers, dropout=0.0).double()
    theirs = torch_gru(ours, input_dim, hidden).double()
    states, mask = texts(lengths, input_dim)
    ours_in, theirs_in = states.clone().requires_grad_(), states.clone().requires_grad_()
    found, expected = ours(ours_in, mask), run_torch(theirs, theirs_in, mask)
    torch.testing.assert_close(found[mask], expected[mask])
    weights = torch.randn_like(expected) * mask[..., None]
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(ours_in.grad, theirs_in.grad)
    gradient_of = dict(theirs.named_parameters())
    for place, layer in enumerate(ours.layers):
        for name, weight in layer.named_parameters():
            torch.testing.assert_close(weight.grad, gradient_of[name.replace("_l0", f"_l{place}")].grad)


def test_gradients_are_derivatives() -> None:
    gru = BidirectionalGRU(2, 3, layers=2, dropout=0.0).double()
    states, mask = texts([4, 2, 1], 2)
    names, weights = zip(*gru.named_parameters(), strict=True)

    def run(states: Tensor, *weights: Tensor) -> Tensor:
        of = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(gru, of, (states, mask))[mask]

    inputs = tuple(tensor.detach().requires_grad_() for tensor in (states, *weights))
    assert torch.autograd.gradcheck(run, inputs)


def test_the_way_through_packed_sequences_gives_the_same() -> None:
    """What other devices than a CPU run."""
    from textgraft.networks import fast_gru

    states, mask = texts([5, 1, 9], 3)
    layer = nn.GRU(3, 4, batch_first=True, bidirectional=True).double()
    found, expected = fast_gru._packed(layer, states, mask), fast_gru._scanned(layer, states, mask)
    torch.testing.assert_close(found[mask], expected[mask])


def test_bf16_is_near_fp32_in_states_and_gradients() -> None:
    gru = BidirectionalGRU(20, 32, dropout=0.0)
    states, mask = texts([200, 150, 3, 1], 20, torch.float32)
    states.requires_grad_()
    gradients = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out = gru(states, mask)
        assert out.dtype == (torch.bfloat16 if enabled else torch.float32)
        loss = (out.float() * mask[..., None]).square().sum()
        gradients.append(
            (out.detach().float()[mask], *torch.autograd.grad(loss, [states, *gru.parameters()]))
        )
    for exact, half in zip(*gradients, strict=True):
        assert half.dtype == torch.float32
        assert float((half - exact).norm()) < 0.02 * float(exact.norm())


def test_a_long_memory_survives_bf16() -> None:
    """Updates of 1/2000 add up; a state or an update gate kept in bf16 would stand still."""
    gru = BidirectionalGRU(1, 1, layers=1, dropout=0.0)
    for name, weight in gru.named_parameters():
        nn.init.zeros_(weight)
        if name.startswith("layers.0.bias_ih"):
            # z = sigmoid(7.6) = 0.9995, n = tanh(1)
            with torch.no_grad():
                weight.copy_(torch.tensor([0.0, 7.6, 1.0]))
    states, mask = texts([1_000], 1, torch.float32)
    with torch.no_grad():
        exact = gru(states, mask)
        with torch.autocast("cpu", torch.bfloat16):
            half = gru(states, mask)
    assert float(exact[0, -1, 0]) > 0.25
    torch.testing.assert_close(half.float(), exact, rtol=0.01, atol=1e-4)


@pytest.mark.parametrize("poolings", [*((name,) for name in GRU_POOLINGS), GRU_POOLINGS])
@given(lengths=LENGTHS, more=st.integers(0, 5))
@settings(max_examples=15)
def test_a_text_has_the_same_logits_alone_and_in_company(
    poolings: tuple[str, ...], lengths: list[int], more: int
) -> None:
    head = GRUHead(3, 2, hidden=4, pooling=poolings).double().eval()
    states, mask = texts([*lengths, max(lengths) + more], 3)
    # whatever stands at padding must not be read
    states[~mask] = 1e3
    together = head(states, mask)
    for row, length in enumerate(lengths):
        alone = head(states[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(together[row : row + 1], alone)


@given(LENGTHS)
@settings(max_examples=15)
def test_padding_has_no_gradient(lengths: list[int]) -> None:
    head = GRUHead(3, 2, hidden=4).double()
    states, mask = texts([*lengths, max(lengths) + 2], 3)
    states.requires_grad_()
    head(states, mask).sum().backward()
    assert states.grad is not None
    assert not states.grad[~mask].any()
    assert bool(states.grad[mask].any(-1).all())


def test_a_mask_of_numbers_is_a_mask() -> None:
    head = GRUHead(3, 2, hidden=4).eval()
    states, mask = texts([4, 2], 3, torch.float32)
    torch.testing.assert_close(head(states, mask.long()), head(states, mask))


def test_a_text_without_words_is_one_unknown_word() -> None:
    network = _word_gru(rows=6).eval()
    logits = network(torch.tensor([[0, 0, 0], [2, 3, 4]]))
    assert bool(logits.isfinite().all())
    torch.testing.assert_close(logits[:1], network(torch.tensor([[1]])))
    torch.testing.assert_close(logits[:1], network(torch.tensor([[0]])))


def test_poolings_are_mean_largest_and_both_ends() -> None:
    states, mask = texts([3, 5], 2)
    heads = {name: GRUHead(2, 7, hidden=3, pooling=(name,)).double().eval() for name in GRU_POOLINGS}
    for name, head in heads.items():
        out = head.gru(states, mask)
        expected = []
        for row, length in zip(out, (3, 5), strict=True):
            vector = {
                "mean": row[:length].mean(0),
                "max": row[:length].amax(0),
                "last": torch.cat([row[length - 1, :3], row[0, 3:]]),
            }[name]
            expected.append(head.linear(vector))
        torch.testing.assert_close(head(states, mask), torch.stack(expected))


@pytest.mark.parametrize("poolings", [(), ("median",), ("mean", "median")])
def test_other_poolings_are_refused(poolings: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError, match="mean, max, last"):
        GRUHead(3, 2, pooling=poolings)


def _word_gru(rows: int = 9, frozen: bool = True) -> WordGRU:
    vectors = torch.randn(rows, 5)
    vectors[:2] = 0.0
    return WordGRU(vectors, 3, frozen=frozen, hidden=4)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "head": lambda: GRUHead(5, 3, hidden=4),
    "words": _word_gru,
    "words, trained": lambda: _word_gru(frozen=False),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layer_groups_hold_each_parameter_once(name: str) -> None:
    network = NETWORKS[name]()
    groups = network.layer_groups()  # type: ignore[operator]
    held = [id(weight) for parts in groups.values() for part in parts for weight in part.parameters()]
    assert sorted(held) == sorted(id(weight) for weight in network.parameters())
    assert list(groups) == (["embeddings"] if name != "head" else []) + ["gru", "head"]


@pytest.mark.parametrize("frozen", [True, False])
def test_gradient_reaches_every_trained_part(frozen: bool) -> None:
    network = _word_gru(frozen=frozen)
    network(torch.tensor([[2, 3, 1], [4, 0, 0]])).logsumexp(1).sum().backward()
    for name, weight in network.named_parameters():
        assert (weight.grad is not None and bool(weight.grad.any())) != (frozen and "embedding" in name), name
    if not frozen:
        moved = network.embedding.weight.grad.any(1).nonzero().flatten().tolist()
        # not the one of padding, nor the one of unknown words
        assert moved == [2, 3, 4]


def test_training_does_not_write_into_the_vectors_it_was_given() -> None:
    vectors = torch.ones(4, 5)
    network = WordGRU(vectors, 2, frozen=False, hidden=3)
    with torch.no_grad():
        network.embedding.weight.zero_()
    assert bool((vectors == 1).all())


def test_dropout_acts_in_training_and_not_after() -> None:
    network = _word_gru()
    ids = torch.tensor([[2, 3, 4]])
    assert not torch.equal(network(ids), network(ids))
    network.eval()
    assert torch.equal(network(ids), network(ids))


@pytest.mark.parametrize("frozen", [True, False])
def test_it_learns_which_word_comes_first(frozen: bool) -> None:
    """Order is what a bag of words cannot see."""
    network = WordGRU(torch.randn(8, 6), 2, frozen=frozen, hidden=8, dropout=0.0, input_dropout=0.0)
    ids = torch.randint(4, 8, (64, 7))
    codes = torch.arange(64) % 2
    ids[codes == 0, 1:4:2] = torch.tensor([2, 3])
    ids[codes == 1, 1:4:2] = torch.tensor([3, 2])
    optimizer = torch.optim.Adam([w for w in network.parameters() if w.requires_grad], lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(ids), codes)
        loss.backward()
        optimizer.step()
    assert float((network(ids).argmax(1) == codes).float().mean()) == 1.0


@pytest.mark.gpu
def test_a_gpu_gives_the_same_logits_and_gradients() -> None:
    network = _word_gru(rows=50, frozen=False).eval()
    ids = torch.randint(2, 50, (4, 30))
    ids[1, 10:] = 0
    network(ids).sum().backward()
    expected = [network(ids), *(weight.grad.clone() for weight in network.parameters())]
    network.zero_grad()
    # cuDNN runs backward only through a network in training; nothing here is random but dropout
    network.cuda().train()
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    network(ids.cuda()).sum().backward()
    found = [network(ids.cuda()), *(weight.grad for weight in network.parameters())]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-3, atol=1e-4)
