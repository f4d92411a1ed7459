"""FastDropout does what torch's own does, at a rate rounded to a 256th."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import textgraft as tg
from textgraft.networks.dropout import FastDropout, use_fast_dropout


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


@pytest.mark.parametrize("p", [0.05, 0.1, 0.25, 0.5, 0.9])
def test_rate_scale_and_mean(p: float) -> None:
    n = 400_000
    out = FastDropout(p)(torch.ones(n))
    rounded = round(p * 256) / 256
    # four standard deviations
    assert float((out == 0).float().mean()) == pytest.approx(rounded, abs=4 * math.sqrt(p * (1 - p) / n))
    assert out[out != 0].unique().tolist() == pytest.approx([1 / (1 - rounded)])
    assert float(out.mean()) == pytest.approx(1.0, abs=0.02)


def test_neighbours_within_one_draw_are_independent() -> None:
    kept = (FastDropout(0.5)(torch.ones(80_000)) != 0).view(-1, 8).float()
    correlation = torch.corrcoef(kept.T) - torch.eye(8)
    assert float(correlation.abs().max()) < 0.05


@given(
    st.lists(st.integers(0, 7), max_size=3),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_any_shape_and_type_keep_theirs(shape: list[int], dtype: torch.dtype) -> None:
    out = FastDropout(0.3)(torch.ones(shape, dtype=dtype))
    assert out.shape == torch.Size(shape)
    assert out.dtype == dtype


def test_strided_states_are_dropped_in_their_own_order() -> None:
    states = torch.arange(1.0, 36.0).view(5, 7).T
    torch.manual_seed(1)
    strided = FastDropout(0.4)(states)
    torch.manual_seed(1)
    assert torch.equal(strided, FastDropout(0.4)(states.contiguous()))


def test_the_gradient_is_the_mask() -> None:
    states = torch.randn(33, 5, dtype=torch.float64, requires_grad=True)
    out = FastDropout(0.25)(states)
    out.sum().backward()
    assert states.grad is not None
    assert torch.equal(states.grad, (out != 0).double() / 0.75)
    # in full precision, not that of fp32
    assert torch.allclose(out, states * states.grad, rtol=1e-15)


def test_evaluation_is_the_identity_itself() -> None:
    states = torch.randn(4)
    assert FastDropout(0.5).eval()(states) is states
    assert FastDropout(0.0)(states) is states


def test_a_rate_of_one_drops_all() -> None:
    assert FastDropout(1.0)(torch.ones(9)).tolist() == [0.0] * 9
    assert FastDropout(0.999)(torch.ones(64)).isfinite().all()


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_no_probability(p: float) -> None:
    with pytest.raises(tg.ParameterError, match="from 0 to 1"):
        FastDropout(p)


def test_the_same_seed_drops_the_same() -> None:
    first = FastDropout(0.5)(torch.ones(100))
    torch.manual_seed(5)
    assert torch.equal(first, FastDropout(0.5)(torch.ones(100)))


def test_plain_dropouts_are_replaced_in_their_mode_and_others_stay() -> None:
    inner = nn.Sequential(nn.Dropout(0.2), nn.Dropout1d(0.2))
    module = nn.ModuleDict({"one": nn.Dropout(0.1), "two": inner, "three": nn.Linear(2, 2)})
    module.eval()
    use_fast_dropout(module)
    assert isinstance(module["one"], FastDropout)
    assert module["one"].p == 0.1
    assert type(inner[0]) is FastDropout
    assert type(inner[1]) is nn.Dropout1d
    # a model opened for predicting must not begin to drop
    assert not any(part.training for part in module.modules())
    assert all(part.training for part in module.train().modules())
