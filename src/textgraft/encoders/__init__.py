"""Pretrained text encoders and the one way to open them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from textgraft.encoders.cached import CachedEncoder
from textgraft.encoders.encoder import Encoder
from textgraft.encoders.hashing import HashingEncoder
from textgraft.encoders.sentence import LOWER, SentenceEncoder
from textgraft.encoders.use import UseEncoder
from textgraft.errors import ParameterError
from textgraft.pretrained import PACKAGED, locate

__all__ = ["CachedEncoder", "Encoder", "as_encoder", "described_encoders", "load_encoder"]

HASHING = re.compile(r"hashing(:[1-9]\d{0,5})?")
"""The test encoder, perhaps with another number of dimensions than its own."""

CACHE_VARIABLE = "TEXTGRAFT_CACHE"
"""Environment variable: a folder for the vector cache, or ``off``."""


def load_encoder(
    name: str,
    *,
    cache: str | Path | None = "auto",
    precision: str = "auto",
    device: str = "auto",
    token_limit: int | None = None,
) -> Encoder:
    """Open an encoder; its weights are read when the first text needs them.

    Args:
        name: a packaged name (``minilm``, ``use``), ``hashing`` or ``hashing:512``, a local folder in
            Hugging Face or sentence-transformers format, or a hub id ``org/name`` or ``org/name@revision``.
            With ``+lower`` behind it, such as ``minilm+lower``, a vector has a second part from the lower
            layers.
        cache: where vectors are kept: a folder, ``auto`` for the user's cache folder (or
            what the variable ``TEXTGRAFT_CACHE`` says), ``None`` for no cache.
        precision: ``auto``, ``bf16`` or ``fp32``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, …
        token_limit: read at most so many tokens of a text.

    Raises:
        WeightsError: when the weights cannot be found or trusted.
        ParameterError: an encoder without layers of token states is asked for its lower ones.
    """
    if HASHING.fullmatch(name):
        _, _, dim = name.partition(":")
        return HashingEncoder(int(dim)) if dim else HashingEncoder()
    if token_limit is not None and token_limit < 3:
        raise ParameterError(f"Expected a token limit of 3 or more, found {token_limit}.")
    encoder = _pretrained(name, precision, device, token_limit)
    folder = _cache_folder(cache)
    return encoder if folder is None else CachedEncoder(encoder, folder)


def as_encoder(encoder: str | Encoder) -> Encoder:
    """An encoder as it is, or the one that a name opens.

    Raises:
        ParameterError: when it is neither.
    """
    if isinstance(encoder, str):
        return load_encoder(encoder)
    if not isinstance(encoder, Encoder):
        raise ParameterError(f"Expected an encoder or its name, found {type(encoder).__name__}.")
    return encoder


def described_encoders() -> dict[str, str]:
    """Name and one line of every encoder that needs no path and no network."""
    return {name: packaged.about for name, packaged in PACKAGED.items()} | {
        "hashing": "hashed words and character trigrams, 256-d, no weights: for tests and dry runs"
    }


def _pretrained(name: str, precision: str, device: str, token_limit: int | None) -> Encoder:
    if name == "use":
        return UseEncoder(locate(name), precision, device, token_limit)
    plain = name.removesuffix(LOWER)
    lower = plain != name and not Path(name).expanduser().is_dir()
    if lower and (plain == "use" or HASHING.fullmatch(plain)):
        raise ParameterError(f"The encoder {plain!r} has no lower layers; expected it without {LOWER!r}.")
    return SentenceEncoder(locate(plain if lower else name), precision, device, token_limit, lower)


def _cache_folder(cache: str | Path | None) -> Path | None:
    if cache == "auto":
        cache = os.environ.get(CACHE_VARIABLE, "auto")
    if cache is None or cache == "off":
        return None
    if cache == "auto":
        import platformdirs

        return Path(platformdirs.user_cache_dir("textgraft", appauthor=False)) / "vectors"
    return Path(cache).expanduser()
