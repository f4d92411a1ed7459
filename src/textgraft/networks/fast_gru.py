"""A bidirectional GRU that trains faster on a CPU than ``torch.nn.GRU``, and in bf16 more exactly.

Texts of a batch differ in length, and the backward direction must not begin with padding.
``nn.GRU`` wants packed sequences for that, which train slowly on a CPU. Reversing each text within
its length for a second one-way ``nn.GRU`` comes near (``benchmarks/gru_speed.py`` has all three),
but carries its state in bf16. Here padding is a gate that stays shut, and a whole layer is one
node of the graph: the inputs of all words are projected in one product, both directions take
each step together as one batched product, and the way back through time is written by hand.
Weights live in ``nn.GRU`` modules, so that names and initial values are those of torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

STEPS_AT_ONCE = 16
"""Words whose gate derivatives are computed together; as many as stay in the processor's cache."""


class BidirectionalGRU(nn.Module):
    """(b, t, d) states and (b, t) mask -> (b, t, 2 × hidden) states, forward then backward direction.

    Padding stands behind each text (mask 1 1 1 0 0); it never changes a text's states, and the
    states at padding mean nothing. Each row has a real token. Under ``torch.autocast`` products
    run in its type while the state that is carried from word to word stays in fp32.

    Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder", 2014.

    Args:
        input_dim: d.
        hidden: units a direction.
        layers: bidirectional layers, each over the states of the one before.
        dropout: share of a layer's outputs zeroed for the next one while training, the same ones at all
            words of a text (Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in
            Recurrent Neural Networks", 2016).
    """

    def __init__(self, input_dim: int, hidden: int, layers: int = 2, dropout: float = 0.25) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.GRU(2 * hidden if place else input_dim, hidden, batch_first=True, bidirectional=True)
            for place in range(layers)
        )
        self.between = nn.Dropout(dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        mask = mask.bool()
        for place, layer in enumerate(self.layers):
            assert isinstance(layer, nn.GRU)
            if place:
                states = states * self.between(torch.ones_like(states[:, :1]))
            # cuDNN fuses a whole layer; on a CPU nothing does
            states = (
                _scanned(layer, states, mask) if states.device.type == "cpu" else _packed(layer, states, mask)
            )
        return states


def _packed(layer: nn.GRU, states: Tensor, mask: Tensor) -> Tensor:
    packed = pack_padded_sequence(states, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
    out, _ = layer(packed)
    return pad_packed_sequence(out, batch_first=True, total_length=states.shape[1])[0]


def _scanned(layer: nn.GRU, states: Tensor, mask: Tensor) -> Tensor:
    """One bidirectional layer, (b, t, d) -> (b, t, 2h)."""
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else states.dtype
    with torch.autocast("cpu", enabled=False):
        weights = [weight.to(dtype) for weight in _both_directions(layer)]
        inputs, padding = _both_ways(states.to(dtype).transpose(0, 1)), _both_ways(~mask.t())
        ways: Tensor = _Scan.apply(inputs, padding, *weights)  # type: ignore[no-untyped-call]
        return torch.cat([ways[0], ways[1].flip(0)], dim=2).transpose(0, 1)


def _both_ways(rows: Tensor) -> Tensor:
    """(t, …) -> (2, t, …): from the first word on, and from the last word on."""
    return torch.stack([rows, rows.flip(0)])


def _both_directions(layer: nn.GRU) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights as the scan wants them: (2, d, 3h) and (2, h, 3h), biases (2, 1, 3h) and (2, 1, h).

    The update gate changes its sign. Torch keeps the share z of the old state; we keep u = 1 − z
    = sigmoid(−a), because in bf16 a z near 1 would be rounded to a memory of 1 or of 1 − 1/256.
    """
    h = layer.hidden_size
    sign = torch.ones(3 * h, 1, dtype=next(layer.parameters()).dtype)
    sign[h : 2 * h] = -1.0
    of = dict(layer.named_parameters())

    def both(name: str) -> Tensor:
        ends = (of[f"{name}_l0"], of[f"{name}_l0_reverse"])
        return torch.stack([(end.reshape(3 * h, -1) * sign).t() for end in ends])

    recurrent = both("bias_hh")
    # the reset gate multiplies the recurrent bias of the new state, so that one cannot join the others
    joined = both("bias_ih") + nn.functional.pad(recurrent[..., : 2 * h], (0, h))
    return both("weight_ih"), joined, both("weight_hh"), recurrent[..., 2 * h :]


class _Scan(torch.autograd.Function):
    """Inputs (2, t, b, d) and padding (2, t, b) -> states (2, t, b, h), given weights of both directions.

    With gates r, u, n of a step, input weights V and recurrent weights W:

        r = σ(x V_r + h W_r)    u = σ(x V_u + h W_u)    q = h W_n + b    n = tanh(x V_n + r q)
        h ← h + u (n − h)

    At padding x V_u is −∞, so that u is exactly 0 and the state passes unchanged.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, padding: Tensor, w_in: Tensor, b_in: Tensor, w_rec: Tensor, b_new: Tensor
    ) -> Tensor:
        t, b, h = *padding.shape[1:], w_rec.shape[1]
        gates = torch.baddbmm(b_in, inputs.flatten(1, 2), w_in).view(2, t, b, 3 * h)
        gates[..., h : 2 * h].masked_fill_(padding[..., None], float("-inf"))
        new = gates[..., 2 * h :].clone()
        gates[..., 2 * h :] = b_new[:, None]
        history = inputs.new_empty(2, t + 1, b, h)
        history[:, 0] = 0.0
        # many small updates would be lost in bf16
        state = history.new_zeros(2, b, h, dtype=torch.promote_types(inputs.dtype, torch.float32))
        for s in range(t):
            gate, n = gates[:, s], new[:, s]
            gate.baddbmm_(history[:, s], w_rec)
            gate[..., : 2 * h].sigmoid_()
            r, u, q = gate.chunk(3, dim=-1)
            n.addcmul_(r, q).tanh_()
            state.lerp_(n.to(state.dtype), u.to(state.dtype))
            history[:, s + 1] = state
        ctx.save_for_backward(inputs, gates, new, history, w_in, w_rec)
        return history[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs, gates, new, history, w_in, w_rec = ctx.saved_tensors
        _, t, b, h = new.shape
        back = w_rec.transpose(1, 2).contiguous()
        d_gates, d_new = torch.empty_like(gates), torch.empty_like(new)
        d_state = new.new_zeros(2, b, h, dtype=torch.promote_types(new.dtype, torch.float32))
        for end in range(t, 0, -STEPS_AT_ONCE):
            steps = slice(max(0, end - STEPS_AT_ONCE), end)
            (r, u, q), n = gates[:, steps].chunk(3, dim=-1), new[:, steps]
            d_r, d_u, d_q = d_gates[:, steps].chunk(3, dim=-1)
            # each as a factor of the gradient of the new state, which is not known yet
            torch.mul(u, 1 - n * n, out=d_new[:, steps])
            torch.mul(d_new[:, steps], r, out=d_q)
            torch.mul(d_q * (1 - r), q, out=d_r)
            torch.mul((n - history[:, steps]) * u, 1 - u, out=d_u)
            for s in reversed(range(steps.start, end)):
                d_state += grad[:, s]
                d = d_state.to(new.dtype)
                d_gates[:, s].view(2, b, 3, h).mul_(d[:, :, None])
                d_new[:, s] *= d
                d_state.addcmul_(d_state, gates[:, s, :, h : 2 * h].to(d_state.dtype), value=-1.0)
                d_state += torch.bmm(d_gates[:, s], back)
        d_gates, history = d_gates.flatten(1, 2), history[:, :t].flatten(1, 2)
        d_w_rec = torch.bmm(history.transpose(1, 2), d_gates)
        d_b_new = d_gates[..., 2 * h :].sum(1, keepdim=True)
        d_gates[..., 2 * h :] = d_new.flatten(1, 2)
        d_w_in = torch.bmm(inputs.flatten(1, 2).transpose(1, 2), d_gates)
        d_b_in = d_gates.sum(1, keepdim=True)
        d_inputs = (
            torch.bmm(d_gates, w_in.transpose(1, 2)).view_as(inputs) if ctx.needs_input_grad[0] else None
        )
        return d_inputs, None, d_w_in, d_b_in, d_w_rec, d_b_new
