"""The body of an AWD-LSTM: word numbers to states, with what is carried from window to window."""

from __future__ import annotations

from torch import Tensor, nn

from textgraft.networks.awd_dropout import EmbeddingDropout, VariationalDropout
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES, AWDSettings, DropoutRates
from textgraft.networks.fast_lstm import LayerState, LSTMLayer
from textgraft.networks.qrnn import QRNNLayer
from textgraft.networks.starts import Starts

State = tuple[LayerState, ...]
"""What each layer carries from window to window; rows come first in every tensor."""

EMBEDDING_RANGE = 0.1
"""Vectors begin evenly spread from minus to plus this (Merity, Keskar and Socher, 2017)."""


class AWDLSTM(nn.Module):
    """(b, t) word numbers -> (b, t, e) states of the last layer, and what to carry to the next window.

    Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models", 2017; sizes and the meaning
    of each dropout as in fastai. Every dropout is drawn once a window. The last layer's states are
    not dropped: what reads them does that.

    Args:
        settings: sizes.
        rates: shares dropped while training; that of outputs is not for the body.
    """

    def __init__(self, settings: AWDSettings, rates: DropoutRates = LANGUAGE_MODEL_RATES) -> None:
        super().__init__()
        self.settings = settings
        self.embedding = nn.Embedding(
            settings.vocabulary_size, settings.embedding, padding_idx=settings.pad_id
        )
        nn.init.uniform_(self.embedding.weight, -EMBEDDING_RANGE, EMBEDDING_RANGE)
        self.embedding_dropout = EmbeddingDropout(rates.embedding, settings.vocabulary_size)
        self.input_dropout = VariationalDropout(rates.input)
        self.hidden_dropout = VariationalDropout(rates.hidden)
        self.layers = nn.ModuleList(_layer(settings, place, rates.weight) for place in range(settings.layers))

    def initial_state(self, rows: int) -> State:
        """What layers carry before the first word of a document."""
        return tuple(layer.initial_state(rows) for layer in self._layers())

    def forward(
        self, ids: Tensor, state: State | None = None, starts: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """
        Args:
            ids: (b, t) int64, t ≥ 1.
            state: from the window before; None where all rows begin a document.
            starts: (b, t) bool, words that begin a document and know nothing of what stands before them; or
                (b,) bool, rows that begin one with the window. To a backward direction, text and
                the padding behind it are two documents: mark the first word of padding.

        Returns:
            states: (b, t, e).
            state: after the window, still part of the graph; see :func:`detached`.
        """
        before = self.initial_state(len(ids)) if state is None else state
        begins = Starts.of(starts, ids.shape[1])
        states = self.input_dropout(self.embedding_dropout(self.embedding(ids), ids))
        after = []
        for place, (layer, carried) in enumerate(zip(self._layers(), before, strict=True)):
            if place:
                states = self.hidden_dropout(states)
            states, ended = layer(states, carried, begins)
            after.append(ended)
        return states, tuple(after)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """Parts from input to output."""
        layers: dict[str, list[nn.Module]] = {
            f"layer {place}": [layer] for place, layer in enumerate(self._layers(), 1)
        }
        return {"embeddings": [self.embedding], **layers}

    def _layers(self) -> list[LSTMLayer | QRNNLayer]:
        return list(self.layers)  # type: ignore[arg-type]


def _layer(settings: AWDSettings, place: int, weight_dropout: float) -> LSTMLayer | QRNNLayer:
    reads, gives = settings.sizes[place]
    units = gives // 2 if settings.bidirectional else gives
    if settings.kind == "lstm":
        return LSTMLayer(reads, units, bidirectional=settings.bidirectional, weight_dropout=weight_dropout)
    return QRNNLayer(
        reads,
        units,
        window=1 if place else 2,
        bidirectional=settings.bidirectional,
        weight_dropout=weight_dropout,
    )


def detached(state: State) -> State:
    """The same numbers outside of the graph, for the next window of truncated backpropagation."""
    return tuple(tuple(part.detach() for part in layer) for layer in state)
