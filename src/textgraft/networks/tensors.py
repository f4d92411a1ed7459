"""Tensors of a network as arrays: those that training changed are kept, all others come from elsewhere."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def copied_tensors(network: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """All tensors of a network as they are now, on the CPU.

    Args:
        network: perhaps a part of a larger one.
        prefix: what the larger one puts before their names, such as ``encoder.``.
    """
    return {prefix + name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def changed_tensors(network: nn.Module, before: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Tensors of a network that differ from those before training, or were not there."""
    return {
        name: tensor.detach().cpu().numpy().copy()
        for name, tensor in network.state_dict().items()
        if name not in before or not torch.equal(tensor.cpu(), before[name])
    }


def all_tensors(network: nn.Module) -> dict[str, np.ndarray]:
    """Copies of all tensors of a network."""
    return changed_tensors(network, {})


def put_tensors(network: nn.Module, arrays: dict[str, np.ndarray], *, strict: bool = False) -> None:
    """The inverse of :func:`changed_tensors`, on a network with the tensors before training.

    Args:
        network: is changed.
        arrays: tensors by name.
        strict: whether every tensor must be given, as after :func:`all_tensors`.
    """
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    network.load_state_dict(tensors, strict=strict)
