"""How large an AWD-LSTM is, and how much of it is dropped while training."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Literal

from textgraft.errors import ParameterError

Kind = Literal["lstm", "qrnn"]


@dataclass(frozen=True)
class AWDSettings:
    """Sizes of an AWD-LSTM; what is not given is fastai's ``awd_lstm_lm_config``.

    Attributes:
        vocabulary_size: v.
        embedding: e, numbers of a word's vector and of the last layer's states.
        hidden: units of all other layers.
        layers: recurrent layers.
        pad_id: the word whose vector learns nothing from being read.
        kind: of the layers: ``lstm`` or ``qrnn``.
        bidirectional: whether layers read both ways, each with half of the units.

    Raises:
        ParameterError: sizes that cannot be; all faults at once.
    """

    vocabulary_size: int
    embedding: int = 400
    hidden: int = 1152
    layers: int = 3
    pad_id: int = 1
    kind: Kind = "lstm"
    bidirectional: bool = False

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be 1 or more, found {getattr(self, name)}"
            for name in ("vocabulary_size", "embedding", "hidden", "layers")
            if getattr(self, name) < 1
        ]
        if not 0 <= self.pad_id < self.vocabulary_size:
            faults.append(f"pad_id must be a word of the {self.vocabulary_size}, found {self.pad_id}")
        if self.kind not in ("lstm", "qrnn"):
            faults.append(f"kind must be 'lstm' or 'qrnn', found {self.kind!r}")
        if self.bidirectional and (self.embedding % 2 or self.hidden % 2):
            faults.append(f"two directions need even sizes, found {self.embedding} and {self.hidden}")
        if faults:
            raise ParameterError.of("AWDSettings", faults)

    @classmethod
    def for_qrnn(cls, vocabulary_size: int, pad_id: int = 1) -> AWDSettings:
        """fastai's ``awd_qrnn_lm_config``: four QRNN layers of 1552 units."""
        return cls(vocabulary_size, hidden=1552, layers=4, pad_id=pad_id, kind="qrnn")

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Numbers that each layer reads and gives at a word, both directions together."""
        ends = [self.embedding, *[self.hidden] * (self.layers - 1), self.embedding]
        return list(pairwise(ends))


@dataclass(frozen=True)
class DropoutRates:
    """Shares dropped while training; what is not given is fastai's ``awd_lstm_lm_config``.

    Attributes:
        output: of the numbers of the last states, the same ones at all words of a window.
        hidden: of the numbers between layers, likewise.
        input: of the numbers of word vectors, likewise.
        embedding: of the words of the vocabulary, whose vectors become 0.
        weight: of the weights from state to state; in a QRNN, of all its weights but biases.

    Raises:
        ParameterError: a rate that is no probability; all faults at once.
    """

    output: float = 0.1
    hidden: float = 0.15
    input: float = 0.25
    embedding: float = 0.02
    weight: float = 0.2

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be from 0 to 1, found {rate}"
            for name, rate in self._by_name().items()
            if not 0.0 <= rate <= 1.0
        ]
        if faults:
            raise ParameterError.of("DropoutRates", faults)

    def times(self, multiplier: float) -> DropoutRates:
        """All rates multiplied: fastai's ``drop_mult``.

        Raises:
            ParameterError: the product is no probability.
        """
        return DropoutRates(**{name: rate * multiplier for name, rate in self._by_name().items()})

    def _by_name(self) -> dict[str, float]:
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


LANGUAGE_MODEL_RATES = DropoutRates()
"""Of fastai's ``awd_lstm_lm_config`` and ``awd_qrnn_lm_config``."""

CLASSIFIER_RATES = DropoutRates(output=0.4, hidden=0.3, input=0.4, embedding=0.05, weight=0.5)
"""Of fastai's ``awd_lstm_clas_config`` and ``awd_qrnn_clas_config``."""

NO_DROPOUT = DropoutRates().times(0.0)
