"""One LSTM layer that carries its state between windows and trains fast on a CPU.

In bf16 on a CPU a whole layer is one node of the graph: the inputs of all words are projected in one
product, each step adds one product of its own, and the way back through time is written by hand.
States lie with their units first, (h, b), since products of weights with such columns are the
fastest that oneDNN has in bf16, and each gate is one piece of memory. In fp32 torch's own layer is
oneDNN's, which nothing here beats; other devices run torch's own too. ``benchmarks/lstm_speed.py`` compares.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from textgraft.networks.dropout import FastDropout
from textgraft.networks.int8_lstm import FEWEST_UNITS, Int8LSTM, int8_works
from textgraft.networks.starts import Starts

STEPS_AT_ONCE = 4
"""Words whose gate derivatives are computed together; as many as stay in the processor's cache."""

STEPS_ANSWERED = 8
"""Words whose inputs are projected in one product where nothing is learned; likewise."""

STEPS_A_PIECE = 8
"""Words between documents' beginnings from which torch's own, called piece by piece, is the faster one."""

LayerState = tuple[Tensor, ...]
"""What a layer carries from window to window; rows come first in each tensor."""


class LSTMWeights(NamedTuple):
    """Weights of one direction with torch's layout: gates input, forget, new, output below each other.

    Attributes:
        ih: (4h, d) from input.
        hh: (4h, h) from state.
        bias_ih: (4h,).
        bias_hh: (4h,), added to the other.
    """

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


class LSTMLayer(nn.Module):
    """(b, t, d) states -> (b, t, n × hidden) states, n being 2 for both directions, and what to carry on.

    Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997. Parameters have the names and shapes
    of ``torch.nn.LSTM``'s first layer. Under ``torch.autocast`` products run in its type; on a CPU the cell
    then stays in fp32.

    Args:
        input_dim: d.
        hidden: units a direction.
        bidirectional: whether to read both ways.
        weight_dropout: share of the weights from state to state that are 0 within a call while training
            (DropConnect: Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models",
            2017). fastai drops none of the backward direction's; we drop of both.

    Attributes:
        answers_in_int8: whether 8-bit products may answer where products are in bf16 on a CPU and nothing
            is learned.
    """

    def __init__(
        self, input_dim: int, hidden: int, *, bidirectional: bool = False, weight_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.ends = ("_l0", "_l0_reverse") if bidirectional else ("_l0",)
        self.weight_dropout = FastDropout(weight_dropout)
        self.answers_in_int8 = False
        self._in_int8: dict[str, tuple[tuple[int, ...], Int8LSTM]] = {}
        bound = 1.0 / math.sqrt(hidden)
        for end in self.ends:
            for name, shape in {
                "weight_ih": (4 * hidden, input_dim),
                "weight_hh": (4 * hidden, hidden),
                "bias_ih": (4 * hidden,),
                "bias_hh": (4 * hidden,),
            }.items():
                weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
                self.register_parameter(name + end, weight)

    def initial_state(self, rows: int) -> LayerState:
        """Hidden and cell (b, n, h) before a document: 0."""
        zero = next(self.parameters()).new_zeros(rows, len(self.ends), self.hidden)
        return zero, zero

    def forward(
        self, states: Tensor, state: LayerState, starts: Starts | None = None
    ) -> tuple[Tensor, LayerState]:
        """
        Args:
            states: (b, t, d), t ≥ 1.
            state: hidden and cell (b, n, h) before the window.
            starts: words before which the state becomes 0.
        """
        outs, hiddens, cells = [], [], []
        for place, end in enumerate(self.ends):
            before = (state[0][:, place], state[1][:, place])
            if place == 0:
                out, hidden, cell = self._read(end, states, before, starts)
            else:
                turned = starts.backward() if starts else None
                out, hidden, cell = self._read(end, states.flip(1), before, turned)
                out = out.flip(1)
            outs.append(out)
            hiddens.append(hidden)
            cells.append(cell)
        together = torch.cat(outs, dim=2) if len(outs) > 1 else outs[0]
        return together, (torch.stack(hiddens, 1), torch.stack(cells, 1))

    def _read(
        self, end: str, states: Tensor, before: tuple[Tensor, Tensor], starts: Starts | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        weights = self._weights(end)
        if self.answers_in_int8 and starts is None and self._may_answer_in_int8(states):
            with torch.autocast("cpu", enabled=False):
                return self._int8(end, weights)(states.to(torch.bfloat16), *before)
        return lstm(states, before, weights, starts)

    def _may_answer_in_int8(self, states: Tensor) -> bool:
        return (
            not torch.is_grad_enabled()
            and states.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and torch.get_autocast_dtype("cpu") == torch.bfloat16
            and self.hidden >= FEWEST_UNITS
            and int8_works()
        )

    def _int8(self, end: str, weights: LSTMWeights) -> Int8LSTM:
        """Rounding all weights costs as much as a dozen words, so it is done once for the same numbers."""
        version = tuple(number for weight in weights for number in (weight.data_ptr(), weight._version))
        if self._in_int8.get(end, (None,))[0] != version:
            made = Int8LSTM(weights.ih, weights.hh, weights.bias_ih + weights.bias_hh)
            self._in_int8[end] = version, made
        return self._in_int8[end][1]

    def __getstate__(self) -> dict[str, Any]:
        # a copy of the layer rounds its own weights
        return self.__dict__ | {"_in_int8": {}}

    def _weights(self, end: str) -> LSTMWeights:
        of = dict(self.named_parameters())
        recurrent = self.weight_dropout(of[f"weight_hh{end}"])
        return LSTMWeights(of[f"weight_ih{end}"], recurrent, of[f"bias_ih{end}"], of[f"bias_hh{end}"])


def lstm(
    states: Tensor, before: tuple[Tensor, Tensor], weights: LSTMWeights, starts: Starts | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """One direction: (b, t, d) states, hidden and cell (b, h) -> (b, t, h), hidden and cell after them.

    Under autocast, products and states given are in its type; hidden and cell to carry keep theirs.
    """
    device = states.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
    with torch.autocast(device, enabled=False):
        run = _scanned if _scan_is_faster(device, dtype, states.shape[1], starts) else _fused
        return run(states.to(dtype), before, weights, starts)


def _scan_is_faster(device: str, dtype: torch.dtype, steps: int, starts: Starts | None) -> bool:
    if device != "cpu":
        return False
    if dtype == torch.float32 and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        # each piece of a window packs the weights again
        return starts is not None and len(starts.steps) * STEPS_A_PIECE > steps
    # in bf16 oneDNN answers faster than the scan, but keeps the memory in bf16, which forgets to forget
    return True


def _fused(
    states: Tensor, before: tuple[Tensor, Tensor], weights: LSTMWeights, starts: Starts | None
) -> tuple[Tensor, Tensor, Tensor]:
    """torch's own, in as many pieces as the window has places where documents begin."""
    carried = [before[0].dtype, before[1].dtype]
    hidden, cell = (part.to(states.dtype) for part in before)
    flat = [weight.to(states.dtype) for weight in weights]
    outs = []
    for begin, end, rows in starts.spans() if starts else [(0, states.shape[1], None)]:
        if rows is not None:
            hidden, cell = (part.masked_fill(rows[:, None], 0.0) for part in (hidden, cell))
        piece = states[:, begin:end]
        with warnings.catch_warnings():
            # cuDNN would like to have weights in one piece, which dropped ones never are
            warnings.simplefilter("ignore", UserWarning)
            # training must be true for cuDNN to go backward; without dropout it means nothing else
            out, last, lasts = torch._VF.lstm(
                piece, (hidden[None], cell[None]), flat, True, 1, 0.0, torch.is_grad_enabled(), False, True
            )
        hidden, cell = last[0], lasts[0]
        outs.append(out)
    return torch.cat(outs, dim=1), hidden.to(carried[0]), cell.to(carried[1])


def _scanned(
    states: Tensor, before: tuple[Tensor, Tensor], weights: LSTMWeights, starts: Starts | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The same as one node of the graph."""
    wide = torch.promote_types(states.dtype, torch.float32)
    scan = _Scan.apply if torch.is_grad_enabled() else _answered
    out, cell = scan(
        states.permute(1, 2, 0),
        before[0].t().to(states.dtype),
        before[1].t().to(wide),
        weights.ih,
        weights.hh,
        (weights.bias_ih + weights.bias_hh)[:, None],
        starts.mask.t() if starts else None,
        starts.steps if starts else (),
    )
    return out.permute(2, 0, 1), out[-1].t().to(before[0].dtype), cell.t().to(before[1].dtype)


def _with_forget_turned(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of weights (4h, …) whose forget gate has the other sign.

    Torch keeps the share f of the cell. We lose u = 1 − f = sigmoid(−a), because in bf16 an f near 1
    would be rounded to a memory of 1 or of 1 − 1/256.
    """
    copy = weight.to(dtype, copy=True)
    h = len(weight) // 4
    copy[h : 2 * h].neg_()
    return copy


def _answered(
    inputs: Tensor,
    hidden: Tensor,
    cell: Tensor,
    w_in: Tensor,
    w_rec: Tensor,
    bias: Tensor,
    starts: Tensor | None,
    steps: tuple[int, ...],
) -> tuple[Tensor, Tensor]:
    """What :class:`_Scan` computes, without what only the way back needs; a few steps' gates at a time."""
    t, _, b = inputs.shape
    h = len(hidden)
    w_in, w_rec, bias = (_with_forget_turned(weight, inputs.dtype) for weight in (w_in, w_rec, bias))
    history, curve, cell = inputs.new_empty(t, h, b), torch.empty_like(hidden), cell.clone()
    for begin in range(0, t, STEPS_ANSWERED):
        some = inputs[begin : begin + STEPS_ANSWERED]
        for s, gate in enumerate(_projected(some, w_in, bias), begin):
            if starts is not None and s in steps:
                hidden, cell = hidden.masked_fill(starts[s], 0.0), cell.masked_fill_(starts[s], 0.0)
            hidden = _step(gate.addmm_(w_rec, hidden), cell, curve, history[s])
    return history, cell


def _projected(inputs: Tensor, w_in: Tensor, bias: Tensor) -> Tensor:
    """Inputs (t, d, b) -> (t, 4h, b), what they add to the gates of each step."""
    t, d, b = inputs.shape
    gates = torch.addmm(bias, w_in, inputs.transpose(0, 1).reshape(d, t * b))
    # steps lie behind each other in memory only after a copy, which is cheaper than t small products
    return gates.view(-1, t, b).transpose(0, 1).contiguous()


def _step(gate: Tensor, cell: Tensor, curve: Tensor, hidden: Tensor) -> Tensor:
    """Gates (4h, b) before their curves -> the hidden state (h, b), written like the cell and its tanh."""
    h, b = cell.shape
    gate[: 2 * h].sigmoid_()
    gate[3 * h :].sigmoid_()
    i, u, g, o = gate.view(4, h, b).unbind()
    g.tanh_()
    cell.addcmul_(cell, u.to(cell.dtype), value=-1.0).addcmul_(i.to(cell.dtype), g.to(cell.dtype))
    curve.copy_(cell.tanh())
    return torch.mul(o, curve, out=hidden)


class _Scan(torch.autograd.Function):
    """Inputs (t, d, b), hidden and cell (h, b) -> hiddens (t, h, b) and the last cell (h, b).

    With gates i, u, g, o of a step, input weights V, recurrent weights W and biases b:

        i, u, o = σ(V x + W h + b)    g = tanh(V x + W h + b)    c ← c − u c + i g    h ← o tanh(c)

    Where a document begins, h and c are 0 before the step. Weights come with torch's signs.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        hidden: Tensor,
        cell: Tensor,
        w_in: Tensor,
        w_rec: Tensor,
        bias: Tensor,
        starts: Tensor | None,
        steps: tuple[int, ...],
    ) -> tuple[Tensor, Tensor]:
        t, _, b = inputs.shape
        h = len(hidden)
        weights = w_in, w_rec
        w_in, w_rec, bias = (_with_forget_turned(weight, inputs.dtype) for weight in (w_in, w_rec, bias))
        gates = _projected(inputs, w_in, bias)
        first, history = hidden, inputs.new_empty(t, h, b)
        # cells before each step, and tanh of those after it
        cells, curves = torch.empty_like(history), torch.empty_like(history)
        cell = cell.clone()
        for s in range(t):
            if starts is not None and s in steps:
                hidden, cell = hidden.masked_fill(starts[s], 0.0), cell.masked_fill_(starts[s], 0.0)
            cells[s] = cell
            hidden = _step(gates[s].addmm_(w_rec, hidden), cell, curves[s], history[s])
        ctx.save_for_backward(inputs, first, gates, history, cells, curves, *weights, starts)
        ctx.steps = steps
        return history, cell

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, grad_cell: Tensor) -> tuple[Tensor | None, ...]:
        inputs, first, gates, history, cells, curves, w_in, w_rec, starts = ctx.saved_tensors
        t, d, b = inputs.shape
        h = len(first)
        back = w_rec.to(inputs.dtype).t().contiguous()
        d_gates = torch.empty_like(gates)
        d_cell = grad_cell.clone()
        d_hidden = torch.zeros_like(d_cell)
        for end in range(t, 0, -STEPS_AT_ONCE):
            steps = slice(max(0, end - STEPS_AT_ONCE), end)
            i, u, g, o = gates[steps].view(-1, 4, h, b).unbind(1)
            d_i, d_f, d_g, d_o = d_gates[steps].view(-1, 4, h, b).unbind(1)
            # each as a factor of the gradient of cell or hidden, which is not known yet
            of_sigmoid, of_tanh = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward
            of_sigmoid.grad_input(g, i, grad_input=d_i)
            # of torch's forget gate: u shrinks with it, and the cell with u
            of_sigmoid.grad_input(cells[steps], u, grad_input=d_f)
            of_tanh.grad_input(i, g, grad_input=d_g)
            of_sigmoid.grad_input(curves[steps], o, grad_input=d_o)
            through = of_tanh(o, curves[steps])
            for s in reversed(range(steps.start, end)):
                d_hidden += grad[s]
                d_cell.addcmul_(d_hidden, through[s - steps.start].to(d_cell.dtype))
                d_gates[s, : 3 * h].view(3, h, b).mul_(d_cell.to(gates.dtype))
                d_gates[s, 3 * h :] *= d_hidden.to(gates.dtype)
                d_cell.addcmul_(d_cell, gates[s, h : 2 * h].to(d_cell.dtype), value=-1.0)
                d_hidden.copy_(back @ d_gates[s])
                if starts is not None and s in ctx.steps:
                    d_hidden.masked_fill_(starts[s], 0.0)
                    d_cell.masked_fill_(starts[s], 0.0)
        before = torch.cat([first[None], history[:-1]])
        if starts is not None:
            before.masked_fill_(starts[:, None], 0.0)
        d_gates = d_gates.transpose(0, 1).reshape(4 * h, t * b)
        d_w_rec = d_gates @ before.transpose(0, 1).reshape(h, t * b).t()
        d_w_in = d_gates @ inputs.transpose(0, 1).reshape(d, t * b).t()
        d_bias = d_gates.sum(1, keepdim=True)
        d_inputs = None
        if ctx.needs_input_grad[0]:
            d_inputs = (w_in.to(inputs.dtype).t() @ d_gates).view(d, t, b).transpose(0, 1)
        # autograd brings each to the type of what it is the gradient of
        return d_inputs, d_hidden, d_cell, d_w_in, d_w_rec, d_bias, None, None
