"""The dropouts of an AWD-LSTM, as fastai has them.

Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models", 2017. The fourth,
DropConnect on the weights from state to state, is :class:`textgraft.networks.dropout.FastDropout`
over a matrix of weights.
"""

from __future__ import annotations

from torch import Tensor, nn

from textgraft.errors import ParameterError


class VariationalDropout(nn.Module):
    """(b, t, d) -> (b, t, d); a number dropped at one word of a row is dropped at all of them.

    Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks", 2016. What is kept is scaled by 1 / (1 − p).

    Raises:
        ParameterError: ``p`` is no probability.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = _checked(p)

    def forward(self, states: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return states
        return states * nn.functional.dropout(states.new_ones(len(states), 1, states.shape[2]), self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class EmbeddingDropout(nn.Module):
    """Vectors (b, t, e) of words (b, t) -> the same, those of dropped words 0 wherever they stand.

    Each word of the vocabulary is dropped with probability ``p``, once a call; the others are scaled by
    1 / (1 − p). That is fastai's dropout of whole rows of the embedding matrix, without a copy of it.

    Args:
        p: share of words.
        n_words: size of the vocabulary.

    Raises:
        ParameterError: ``p`` is no probability.
    """

    def __init__(self, p: float, n_words: int) -> None:
        super().__init__()
        self.p = _checked(p)
        self.n_words = n_words

    def forward(self, vectors: Tensor, ids: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return vectors
        kept = nn.functional.dropout(vectors.new_ones(self.n_words), self.p)
        return vectors * kept[ids].unsqueeze(-1)

    def extra_repr(self) -> str:
        return f"p={self.p}, n_words={self.n_words}"


def _checked(p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise ParameterError(f"A rate of dropout must be from 0 to 1, found {p}.")
    return p
