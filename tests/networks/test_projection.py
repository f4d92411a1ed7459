"""The projection: heads of length 1 side by side, each on its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from textgraft.networks.projection import ProjectedEncoder, Projection
from textgraft.training.groups import group_sizes


def _vectors(n: int = 12, dim: int = 10) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(1))


def test_rows_have_length_1_and_similarities_are_means_over_heads() -> None:
    network = Projection(10, (16, 8, 6), n_heads=3).eval()
    out = network(_vectors())
    assert out.shape == (12, 18)
    assert torch.allclose(out.norm(dim=1), torch.ones(12), atol=1e-6)
    heads = network.by_head(out)
    assert heads.shape == (3, 12, 6)
    assert torch.allclose(heads.norm(dim=2), torch.ones(3, 12), atol=1e-6)
    assert torch.allclose(out @ out.T, (heads @ heads.transpose(1, 2)).mean(0), atol=1e-6)


def test_a_head_is_a_function_of_its_own_weights() -> None:
    network = Projection(10, (16, 8, 6), n_heads=2).eval()
    before = network.by_head(network(_vectors()))
    with torch.no_grad():
        network.dense[4].weight[1] += 1.0
    after = network.by_head(network(_vectors()))
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_only_directions_are_read() -> None:
    network = Projection(10, (8, 4), n_heads=2).eval()
    vectors = _vectors()
    assert torch.allclose(network(vectors), network(vectors * 7.0), atol=1e-6)


def test_the_shortcut_starts_as_an_orthogonal_projection_of_each_head() -> None:
    network = Projection(10, (8, 4), n_heads=2)
    for weight in network.shortcut.weight.split(4):
        assert torch.allclose(weight @ weight.T, torch.eye(4), atol=1e-5)
    wide = Projection(3, (8, 6), n_heads=1).shortcut.weight
    assert torch.allclose(wide.T @ wide, torch.eye(3), atol=1e-5)


def test_the_seed_decides_the_first_weights_and_nothing_outside() -> None:
    state = torch.random.get_rng_state()
    a, b, c = (Projection(10, (8, 4), 2, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["shortcut.weight"], c["shortcut.weight"])


@pytest.mark.parametrize("widths", [(128,), (8, 4), (256, 64, 128)])
def test_any_widths_learn(widths: tuple[int, ...]) -> None:
    network = Projection(10, widths, n_heads=2, dropout=0.3).train()
    network(_vectors()).sum().backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in network.parameters() if p.grad is not None)
    assert sum(p.numel() for p in network.parameters()) == group_sizes(network)["heads"]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_vectors_that_are_all_the_same_stay_finite(value: float) -> None:
    network = Projection(10, (8, 4), n_heads=2, dropout=0.3).train()
    vectors = torch.full((2, 10), value, requires_grad=True)
    network(vectors).sum().backward()
    assert bool(torch.isfinite(vectors.grad).all())
    assert bool(torch.isfinite(network.eval()(vectors)).all())


def test_rows_in_blocks_are_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Projection(10, (8, 4), n_heads=2).eval()
    vectors = _vectors().numpy()
    whole = network.rows(vectors)
    monkeypatch.setattr("textgraft.networks.projection.ROWS_AT_ONCE", 5)
    assert np.allclose(network.rows(vectors), whole, atol=1e-6)
    assert network.rows(vectors[:0]).shape == (0, 8)


class _Bag(nn.Module):
    """Ids to the mean of their embeddings."""

    dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 6)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (self.embedding(ids) * mask.unsqueeze(-1)).sum(1)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        return {"embedding": [self.embedding]}


def test_an_encoder_under_its_projection_keeps_its_layer_groups() -> None:
    network = ProjectedEncoder(_Bag(), Projection(6, (5, 4), n_heads=2)).eval()
    ids, mask = torch.tensor([[1, 2], [3, 0]]), torch.tensor([[1, 1], [1, 0]])
    out = network(ids, mask)
    assert torch.equal(out, network.projection(network.encoder(ids, mask)))
    assert (out.shape, network.dim) == ((2, 8), 8)
    assert list(network.layer_groups()) == ["embedding", "heads"]
    assert network.by_head(out).shape == (2, 2, 4)


def test_parts_of_a_batch_are_projected_as_the_whole() -> None:
    network = ProjectedEncoder(_Bag(), Projection(6, (5, 4), n_heads=2)).train()
    ids = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 0, 0], [8, 0, 0]])
    mask = ids > 0
    parts = network.of_parts([(ids[:2], mask[:2]), (ids[2:, :1], mask[2:, :1])])
    assert torch.allclose(parts, network(ids, mask), atol=1e-6)
