"""The multilingual Universal Sentence Encoder, frozen and run fast.

The same vectors as its package gives, in less time. Three things make the difference:

* texts are laid end to end, so that nothing is padded, however their lengths differ;
* what depends on one token alone (its projection, its share in every window of the first
  convolutions) is computed once for each distinct token of many texts, and looked up;
* matrix products over tokens run in bf16 where the hardware has it, all else in fp32.

The plain forward pass, for training, is in :mod:`textgraft.networks.use`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.encoders.encoder import Trainable
from textgraft.encoders.precision import Precision, choose_device
from textgraft.encoders.pretrained_encoder import PretrainedEncoder
from textgraft.errors import ParameterError

if TYPE_CHECKING:
    import torch

    from textgraft.networks.use import UniversalSentenceEncoder, UseTokenizer

TEXTS_AT_ONCE = 4_096
"""Texts tokenised together; bounds memory."""

TOKENS_AT_ONCE = 65_536
"""Tokens whose distinct ones are prepared together: more share more and take more memory."""

SLICE = {"cpu": 4_096, "cuda": 65_536}
"""Tokens that go through the second convolutions together. On a CPU a small slice stays in
cache. It may end inside a text, so a text of any length takes no more memory than others."""

MOST_TOKENS_TRAINED = 512
"""Training keeps what every layer made of every token, so texts cannot have any length."""

DIM = 512

_REACH = 2
"""Places that the widest window reaches to either side."""

_ENDS = 2 * _REACH
"""Places that two convolutions in a row reach to either side."""


@dataclass(frozen=True)
class UseEncoder(PretrainedEncoder):
    """The frozen Universal Sentence Encoder; it reads texts of any length, in 16 languages.

    Attributes:
        weights: where the files lie, from ``locate("use")``.
        precision: ``auto``, ``bf16`` or ``fp32``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, …
        token_limit: read at most so many tokens of a text, begin and end included; ``None``
            for all of it, as the package does.

    Raises:
        MissingExtraError: on first use, when ``sentencepiece`` is not installed.
        WeightsError: on first use, when the files cannot be read.
    """

    code = "use 1"

    @property
    def dim(self) -> int:
        return DIM

    @property
    def max_tokens(self) -> int | None:
        return self.token_limit

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        """Vectors (n, 512) float32 of length 1, in the order of the texts."""
        vectors = np.empty((len(texts), DIM), dtype=np.float32)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            ids = self._tokenizer.ids(texts[start : start + TEXTS_AT_ONCE], self.token_limit)
            for first, last in _spans([len(row) for row in ids], TOKENS_AT_ONCE):
                vectors[start + first : start + last] = self._network.encode(ids[first:last])
                watch(Progress("encoding", start + last, len(texts)))
        return vectors

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        """Tokens (n,) int64 before truncation, begin and end included."""
        return np.array([len(ids) for ids in self._tokenizer.ids(texts, None)], dtype=np.int64)

    def trainable(
        self, *, pool: str = "auto", dropout: float | None = None, attention_dropout: float | None = None
    ) -> Trainable:
        """A fresh copy of the weights in fp32 that can learn; it pools in its own way and drops nothing.

        Raises:
            ParameterError: another pooling is asked for.
        """
        from textgraft.networks.use import open_network

        if pool != "auto":
            raise ParameterError(f"The encoder {self.name!r} pools in its own way; leave pool {pool!r} out.")
        device = choose_device(self.device)
        limit = self.token_limit or MOST_TOKENS_TRAINED
        network = open_network(self.weights.folder)
        return Trainable(network, self._tokenizer, limit, device, self._precision)

    @cached_property
    def _tokenizer(self) -> UseTokenizer:
        from textgraft.networks.use import UseTokenizer

        return UseTokenizer(self.weights.folder)

    @cached_property
    def _network(self) -> _FlatNetwork:
        from textgraft.networks.use import open_network

        network = open_network(self.weights.folder, trainable=False)
        return _flatten(network, choose_device(self.device), self._precision)


def _spans(lengths: list[int], budget: int) -> Iterator[tuple[int, int]]:
    """Neighbouring texts of ``budget`` tokens together at most; a longer text stands alone."""
    first, total = 0, 0
    for row, length in enumerate(lengths):
        if row > first and total + length > budget:
            yield first, row
            first, total = row, 0
        total += length
    if lengths:
        yield first, len(lengths)


@dataclass(frozen=True)
class _Line:
    """Texts end to end, each followed by room for a window to reach into; more room at both ends.

    Attributes:
        codes: (l + 8,) int64: which distinct token stands at each place, or ``len(tokens)`` for none.
        tokens: (u,) the distinct ids.
        text_of: (l,) number of the text that a place or the room after it belongs to.
        lengths: (n,) tokens of each text.
    """

    codes: np.ndarray
    tokens: np.ndarray
    text_of: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, rows: list[list[int]]) -> _Line:
        lengths = np.array([len(row) for row in rows])
        tokens, found = np.unique(np.concatenate(rows), return_inverse=True)
        text_of = np.repeat(np.arange(len(rows)), lengths + _REACH)
        places = np.arange(len(found)) + _REACH * np.repeat(np.arange(len(rows)), lengths)
        codes = np.full(len(text_of) + 2 * _ENDS, len(tokens))
        codes[places + _ENDS] = found
        return cls(codes, tokens, text_of, lengths)


@dataclass(frozen=True)
class _Tables:
    """What each of u distinct tokens gives wherever it stands; a last row of zeros stands for none.

    Attributes:
        embedded: (u + 1, 512).
        sums, squares: (u + 1,) of the embedding.
        projected: three of (u + 1, 256).
        shares: three of ((u + 1) × order, 256): its share in the first convolution, by its place
            in the window.
    """

    embedded: torch.Tensor
    sums: torch.Tensor
    squares: torch.Tensor
    projected: tuple[torch.Tensor, ...]
    shares: tuple[torch.Tensor, ...]

    @property
    def none(self) -> int:
        """The code of no token."""
        return len(self.sums) - 1


@dataclass(frozen=True)
class _FlatNetwork:
    """The network, and its layers over tokens in the precision asked for.

    Layers over whole texts stay in fp32: they cost little, and in bf16 a vector would depend
    by 1e-3 on the other texts of its batch instead of 1e-6.

    Attributes:
        plain: the network.
        project: (512 -> 768).
        first: for each branch, (256 -> order × 256): what a state adds at each place of a window.
        second: for each branch, (order × 256 -> 256).
    """

    plain: UniversalSentenceEncoder
    project: torch.nn.Module
    first: list[torch.nn.Module]
    second: list[torch.nn.Module]
    device: str
    dtype: torch.dtype

    def encode(self, rows: list[list[int]]) -> np.ndarray:
        """Vectors (n, 512) of n texts, each at least one id."""
        import torch

        from textgraft.networks.use import unit

        line = _Line.of(rows)
        size = SLICE["cuda" if self.device.startswith("cuda") else "cpu"]
        norm = self.plain.norm
        with torch.inference_mode():
            tables = self._tables(torch.from_numpy(line.tokens).to(self.device))
            lengths = torch.from_numpy(line.lengths).float().unsqueeze(-1).to(self.device)
            sums = torch.zeros(len(rows), norm.normalized_shape[0], device=self.device)
            for start in range(0, len(line.text_of), size):
                self._add_slice(sums, line, tables, slice(start, start + size))
            means = sums / lengths * norm.weight + norm.bias
            vectors: np.ndarray = unit(self.plain.head(means, lengths)).cpu().numpy()
        return vectors

    def _tables(self, tokens: torch.Tensor) -> _Tables:
        import torch
        from torch.nn import functional as F

        from textgraft.networks.use import CHANNELS

        embedded = self.plain.embedding(tokens)
        projected = self.plain.project_norm(self.project(embedded.to(self.dtype)).float())
        parts = torch.split(projected, CHANNELS, -1)
        shares = [
            F.pad(first(part.to(self.dtype)), (0, 0, 0, 1)).reshape(-1, CHANNELS)
            for first, part in zip(self.first, parts, strict=True)
        ]
        embedded = F.pad(embedded, (0, 0, 0, 1))
        return _Tables(
            embedded=embedded,
            sums=embedded.sum(1),
            squares=embedded.square().sum(1),
            projected=tuple(F.pad(part, (0, 0, 0, 1)) for part in parts),
            shares=tuple(shares),
        )

    def _add_slice(self, sums: torch.Tensor, line: _Line, tables: _Tables, part: slice) -> None:
        """Add the normalised states of a part of the line, before scale and shift, to (n, 1280) sums."""
        import torch
        from torch.nn import functional as F

        found = np.unique(line.text_of[part], return_index=True)
        texts, offsets = (torch.from_numpy(array).to(self.device) for array in found)
        codes = torch.from_numpy(line.codes[part.start : part.stop + 2 * _ENDS]).to(self.device)
        here, states = codes[_ENDS:-_ENDS], self._convolve(codes, tables)
        width = tables.embedded.shape[1] + states.shape[1]
        mean = (tables.sums[here] + states.sum(1)) / width
        power = (tables.squares[here] + torch.linalg.vecdot(states, states)) / width
        scale = (power - mean.square() + self.plain.norm.eps).rsqrt().masked_fill_(here == tables.none, 0.0)
        # sums over each text of scale × (state − mean), without writing the embeddings out
        every = torch.arange(len(here), device=self.device)
        bags = [(here, tables.embedded), (every, states), (every, mean.unsqueeze(-1))]
        left, right, shift = (
            F.embedding_bag(rows, table, offsets, mode="sum", per_sample_weights=scale)
            for rows, table in bags
        )
        sums[texts] += torch.cat([left, right], -1) - shift

    def _convolve(self, codes: torch.Tensor, tables: _Tables) -> torch.Tensor:
        """(l + 8,) codes of a part and its surroundings -> (l, 768) states, noise where no token is."""
        import torch
        from torch.nn import functional as F

        from textgraft.networks.use import BRANCHES, CHANNELS

        inner = codes[_REACH:-_REACH]
        absent = (inner == tables.none).nonzero().squeeze(-1)
        size = len(codes) - 2 * _ENDS
        joined = torch.empty(size, CHANNELS * len(BRANCHES), device=codes.device)
        outs = torch.split(joined, CHANNELS, -1)
        for (order, left), second, projected, shares, out in zip(
            BRANCHES, self.second, tables.projected, tables.shares, outs, strict=True
        ):
            skipped = _REACH - left
            windows = codes.unfold(0, order, 1)[skipped : skipped + len(inner)] * order
            windows += torch.arange(order, device=codes.device)
            states = F.embedding_bag(windows, shares, mode="sum").float().relu_()
            states += F.embedding(inner, projected)
            states.index_fill_(0, absent, 0.0)
            # windows overlap in memory, so that they cost one plain copy
            rounded = states.to(self.dtype)
            seen = rounded[skipped:].as_strided((size, order * CHANNELS), (CHANNELS, 1)).contiguous()
            torch.add(second(seen).relu_(), states[_REACH:-_REACH], out=out)
        return joined


def _flatten(network: UniversalSentenceEncoder, device: str, precision: Precision) -> _FlatNetwork:
    import torch

    from textgraft.networks.packed import to_bf16

    branches: list[Any] = list(network.branches)
    first = [_by_place(branch.first, branch.left) for branch in branches]
    layers = torch.nn.ModuleList([network.project, *first, *(branch.second for branch in branches)])
    for module in (network, layers):
        module.requires_grad_(False).eval().to(device)
    if precision == "bf16":
        to_bf16(layers, device)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    project, *rest = layers
    return _FlatNetwork(network, project, rest[: len(first)], rest[len(first) :], device, dtype)


def _by_place(first: torch.nn.Linear, left: int) -> torch.nn.Linear:
    """(order × d -> e) over a window as (d -> order × e): one share for each place of the window."""
    import torch

    width = first.out_features
    with torch.device("meta"):
        apart = torch.nn.Linear(width, first.in_features)
    weight = first.weight.detach().reshape(width, -1, width).transpose(0, 1).reshape(-1, width)
    # every window has a token at its own place, so the bias is that one's
    bias = torch.zeros(first.in_features)
    bias[left * width : (left + 1) * width] = first.bias.detach()
    apart.weight, apart.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
    return apart
