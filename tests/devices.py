"""Recurrent layers on two devices."""

from __future__ import annotations

import torch

from textgraft.networks.fast_lstm import LSTMLayer
from textgraft.networks.qrnn import QRNNLayer
from textgraft.networks.starts import Starts


def assert_a_gpu_agrees(layer: LSTMLayer | QRNNLayer, input_dim: int) -> None:
    """With the processor, in outputs, what is carried and gradients; some texts begin within the window."""
    states, begins = torch.randn(4, 30, input_dim), torch.rand(4, 30) < 0.1
    results = []
    for device in ("cpu", "cuda"):
        layer.to(device).zero_grad()
        out, after = layer(
            states.to(device), layer.initial_state(4), Starts.of(begins.to(device), begins.shape[1])
        )
        gradients = torch.autograd.grad(out.square().sum(), list(layer.parameters()))
        results.append([part.cpu() for part in (out, *after, *gradients)])
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-4)
