"""A language model: an AWD-LSTM whose embeddings also say which word comes next."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from textgraft.networks.awd_dropout import VariationalDropout
from textgraft.networks.awd_lstm import AWDLSTM, State
from textgraft.networks.awd_settings import LANGUAGE_MODEL_RATES, AWDSettings, DropoutRates


class WindowStates(NamedTuple):
    """What a language model makes of a window.

    Attributes:
        raw: (b, t, e) states of the last layer; temporal activation regularisation looks at them.
        dropped: (b, t, e) the same after output dropout; the decoder and activation regularisation do.
        state: to carry to the next window.
    """

    raw: Tensor
    dropped: Tensor
    state: State


class TiedDecoder(nn.Module):
    """(…, e) states -> (…, v) logits with the embeddings (v, e) as weights, and a bias of its own.

    Inan, Khosravi and Socher, "Tying Word Vectors and Word Classifiers", 2017.

    Args:
        n_words: v.
        output: share of the states' numbers dropped while training.
    """

    def __init__(self, n_words: int, output: float) -> None:
        super().__init__()
        self.output_dropout = VariationalDropout(output)
        self.bias = nn.Parameter(torch.zeros(n_words))

    def forward(self, states: Tensor, embeddings: Tensor) -> Tensor:
        return nn.functional.linear(states, embeddings, self.bias)


class LanguageModel(nn.Module):
    """(b, t) word numbers -> states at each word, from which the next word's logits follow.

    Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models", 2017. Logits of all words
    of a window fill memory, so that ``forward`` stops before them: see
    :func:`textgraft.training.language_losses.language_model_loss`.

    Args:
        settings: sizes.
        rates: shares dropped while training.
    """

    def __init__(self, settings: AWDSettings, rates: DropoutRates = LANGUAGE_MODEL_RATES) -> None:
        super().__init__()
        self.body = AWDLSTM(settings, rates)
        self.decoder = TiedDecoder(settings.vocabulary_size, rates.output)

    def forward(self, ids: Tensor, state: State | None = None, starts: Tensor | None = None) -> WindowStates:
        """Arguments as those of :meth:`textgraft.networks.awd_lstm.AWDLSTM.forward`."""
        raw, after = self.body(ids, state, starts)
        return WindowStates(raw, self.decoder.output_dropout(raw), after)

    def logits_of(self, dropped: Tensor) -> Tensor:
        """(…, e) -> (…, v), what each word of the vocabulary has for it to come next."""
        logits: Tensor = self.decoder(dropped, self.body.embedding.weight)
        return logits

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """Parts from input to output; the decoder's weights are the embeddings."""
        return {**self.body.layer_groups(), "decoder": [self.decoder]}


def tensor_shapes(settings: AWDSettings) -> dict[str, tuple[int, ...]]:
    """Of each tensor of a language model of these sizes, by name; takes no memory for them.

    Args:
        settings: sizes.
    """
    with torch.device("meta"):
        network = LanguageModel(settings)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
