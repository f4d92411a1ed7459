"""One QRNN layer that carries its state between windows."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from textgraft.errors import ParameterError
from textgraft.networks.dropout import FastDropout
from textgraft.networks.fast_lstm import LayerState
from textgraft.networks.fo_pooling import fo_pool
from textgraft.networks.starts import Starts


class QRNNLayer(nn.Module):
    """(b, t, d) states -> (b, t, n × hidden) states, n being 2 for both directions, and what to carry on.

    Bradbury, Merity, Xiong and Socher, "Quasi-Recurrent Neural Networks", 2016, with fo-pooling and
    without zoneout. At a word x with the word y before it,

        z, f, o = W [x, y] + b    c ← c + σ(f) (tanh(z) − c)    out = σ(o) c

    As in fastai, one direction carries its last input to the next window (``save_prev_x``), two do not.

    Args:
        input_dim: d.
        hidden: units a direction.
        window: words that gates see, 1 or 2.
        bidirectional: whether to read both ways.
        weight_dropout: share of W that is 0 within a call while training. fastai drops none of the
            backward direction's; we drop of both.

    Raises:
        ParameterError: another window.
    """

    def __init__(
        self,
        input_dim: int,
        hidden: int,
        *,
        window: int = 1,
        bidirectional: bool = False,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if window not in (1, 2):
            raise ParameterError(f"A QRNN's window must be 1 or 2 words, found {window}.")
        self.input_dim, self.hidden, self.window = input_dim, hidden, window
        self.ends = ("", "_reverse") if bidirectional else ("",)
        self.weight_dropout = FastDropout(weight_dropout)
        bound = 1.0 / math.sqrt(window * input_dim)
        for end in self.ends:
            for name, shape in {"weight": (3 * hidden, window * input_dim), "bias": (3 * hidden,)}.items():
                parameter = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
                self.register_parameter(name + end, parameter)

    @property
    def _carries_input(self) -> bool:
        return self.window == 2 and len(self.ends) == 1

    def initial_state(self, rows: int) -> LayerState:
        """Memory (b, n, h) before a document and, where it is carried, input (b, d): 0."""
        new = next(self.parameters()).new_zeros
        memory = new(rows, len(self.ends), self.hidden)
        return (memory, new(rows, self.input_dim)) if self._carries_input else (memory,)

    def forward(
        self, states: Tensor, state: LayerState, starts: Starts | None = None
    ) -> tuple[Tensor, LayerState]:
        """
        Args:
            states: (b, t, d), t ≥ 1.
            state: memory (b, n, h) and perhaps input (b, d) before the window.
            starts: words before which the state becomes 0.
        """
        of = dict(self.named_parameters())
        outs, memories = [], []
        for place, end in enumerate(self.ends):
            turned = place == 1
            source = states.flip(1) if turned else states
            begins = starts.backward() if turned and starts else starts
            last = state[1] if self._carries_input else states.new_zeros(len(states), self.input_dim)
            if self.window == 2:
                source = _with_previous(source, last, begins)
            gates = nn.functional.linear(source, self.weight_dropout(of[f"weight{end}"]), of[f"bias{end}"])
            z, f, o = gates.chunk(3, dim=2)
            memory, after = fo_pool(z.tanh(), f.sigmoid(), state[0][:, place], begins)
            out = o.sigmoid() * memory
            outs.append(out.flip(1) if turned else out)
            memories.append(after)
        together = torch.cat(outs, dim=2) if len(outs) > 1 else outs[0]
        return together, (torch.stack(memories, 1), *self._last_input(states, state))

    def _last_input(self, states: Tensor, state: LayerState) -> Iterable[Tensor]:
        return (states[:, -1].to(state[1].dtype),) if self._carries_input else ()


def _with_previous(states: Tensor, last: Tensor, starts: Starts | None) -> Tensor:
    """(b, t, d) -> (b, t, 2d): each word beside the one before it, 0 where a document begins."""
    previous = torch.cat([last[:, None].to(states.dtype), states[:, :-1]], dim=1)
    if starts:
        previous = previous.masked_fill(starts.mask[..., None], 0.0)
    return torch.cat([states, previous], dim=2)
