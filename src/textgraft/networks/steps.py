"""The modules after the transformer: pooling, dense layers, normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textgraft.errors import WeightsError
from textgraft.networks.layout import Dense, Layout, Pool
from textgraft.networks.pooling import POOL


class PoolStep(nn.Module):
    """(b, t, d) states and (b, t) mask -> (b, d × modes)."""

    def __init__(self, modes: tuple[str, ...]) -> None:
        super().__init__()
        self.modes = modes

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([POOL[mode](states, mask) for mode in self.modes], dim=1)


class DenseStep(nn.Module):
    """(b, d) -> (b, e)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
        self.linear.weight = nn.Parameter(weight.float(), requires_grad=False)
        if bias is not None:
            self.linear.bias = nn.Parameter(bias.float(), requires_grad=False)
        self.activation = activation

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.activation(self.linear(vectors))
        return out


class NormalizeStep(nn.Module):
    """(b, d) -> (b, d) of length 1."""

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return nn.functional.normalize(vectors.float(), dim=1)


def beside(vectors: Tensor, states: Tensor, mask: Tensor) -> Tensor:
    """Vectors (b, d) and the mean of states (b, t, e) over a mask (b, t) -> (b, d + e) of length 1.

    Both parts count the same.
    """
    both = (nn.functional.normalize(part, dim=1) for part in (vectors, POOL["mean"](states, mask)))
    return torch.cat(list(both), dim=1) / 2**0.5


def build_steps(layout: Layout, hidden_size: int) -> tuple[nn.ModuleList, int]:
    """The steps as modules, and the length of the vectors they end with.

    Raises:
        WeightsError: a dense layer's weights are missing or of another width.
    """
    steps, dim = nn.ModuleList(), hidden_size
    for step in layout.steps:
        if isinstance(step, Pool):
            steps.append(PoolStep(step.modes))
            dim *= len(step.modes)
        elif isinstance(step, Dense):
            dense = _read_dense(step)
            if dense.linear.in_features != dim:
                raise WeightsError(
                    f"{step.folder} takes vectors of {dense.linear.in_features} numbers; "
                    f"the step before it gives {dim}."
                )
            steps.append(dense)
            dim = dense.linear.out_features
        else:
            steps.append(NormalizeStep())
    return steps, dim


def _read_dense(step: Dense) -> DenseStep:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = step.folder / "model.safetensors"
    try:
        tensors = load_file(path)
        weight = tensors["linear.weight"]
    except (FileNotFoundError, SafetensorError, KeyError) as error:
        raise WeightsError(f"{path} cannot be read as the weights of a dense layer ({error}).") from error
    return DenseStep(weight, tensors.get("linear.bias"), getattr(nn, step.activation)())
