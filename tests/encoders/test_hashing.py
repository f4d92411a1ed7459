"""The encoder without weights: the same vectors on every machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from textgraft.encoders import Encoder, HashingEncoder, as_encoder, described_encoders, load_encoder
from textgraft.errors import ParameterError, WeightsError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "hashing.json").read_text(encoding="utf-8"))


def test_vectors_are_those_of_the_definition() -> None:
    """Made by ``tests/golden/make_hashing.py``, which uses neither textgraft nor scikit-learn."""
    vectors = HashingEncoder(16).encode([row["text"] for row in GOLDEN])
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [row["vector"] for row in GOLDEN], atol=1e-6)


def test_rows_have_length_1_or_0() -> None:
    lengths = np.linalg.norm(HashingEncoder().encode(["a card", "", "  ", "x" * 100_000]), axis=1)
    assert np.allclose(lengths, [1, 0, 0, 1], atol=1e-6)


def test_a_text_is_encoded_alike_alone_and_among_others() -> None:
    texts = ["one", "two words", "", "😀"]
    together = HashingEncoder().encode(texts)
    assert np.array_equal(together, np.concatenate([HashingEncoder().encode([text]) for text in texts]))
    assert HashingEncoder().encode([]).shape == (0, 256)


def test_names_open_what_they_name() -> None:
    assert load_encoder("hashing") == HashingEncoder(256)
    assert load_encoder("hashing:64") == HashingEncoder(64)
    for dim in (64, 256):
        assert load_encoder(HashingEncoder(dim).name) == HashingEncoder(dim)
    assert HashingEncoder(64).fingerprint != HashingEncoder(65).fingerprint
    assert isinstance(HashingEncoder(), Encoder)


@pytest.mark.parametrize("name", ["hashing:0", "hashing:-1", "hashing:x", "hashing:"])
def test_other_sizes_are_refused(name: str) -> None:
    with pytest.raises(WeightsError, match="Unknown encoder"):
        load_encoder(name)


def test_words_are_counted() -> None:
    assert list(HashingEncoder().count_tokens(["", "a b", " c "])) == [0, 2, 1]


def test_only_an_encoder_or_its_name_is_taken() -> None:
    encoder = HashingEncoder(8)
    assert as_encoder(encoder) is encoder
    for other in (None, 3, object()):
        with pytest.raises(ParameterError, match=type(other).__name__):
            as_encoder(other)  # type: ignore[arg-type]


def test_every_encoder_listed_can_be_opened() -> None:
    for name in described_encoders():
        assert isinstance(load_encoder(name), Encoder)
