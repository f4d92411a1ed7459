"""Any Hugging Face or sentence-transformers encoder, run fast.

The same vectors as sentence-transformers gives, in less time: texts are sorted by their
number of tokens and batched by a token budget, so that little is padding and activations
stay in the processor's cache; matrix products run in bf16 where the hardware has it
(weights converted once, not once a batch), everything else in fp32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.networks.layout import Layout, read_layout
from textgraft.encoders.precision import Precision, choose_device, choose_precision
from textgraft.errors import WeightsError
from textgraft.pretrained import Weights
from textgraft.text.batches import token_batches

if TYPE_CHECKING:
    import torch

TEXTS_AT_ONCE = 16_384
"""Texts tokenised and sorted together; bounds memory, and is far more than a batch."""

TOKEN_BUDGET = {"cpu": 2_048, "cuda": 65_536}
"""Tokens a batch. On a CPU a small batch keeps activations in cache; measured by
``benchmarks/frozen.py --budgets``."""


@dataclass(frozen=True)
class SentenceEncoder:
    """A frozen transformer with the pooling, normalisation and length of its own files.

    Attributes:
        weights: where the model lies, from :func:`textgraft.pretrained.locate`.
        precision: ``auto``, ``bf16`` or ``fp32``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, …
        token_limit: read at most so many tokens of a text; ``None`` for the model's own limit.

    Raises:
        WeightsError: on first use, when the folder cannot be opened as an encoder.
    """

    weights: Weights
    precision: str = "auto"
    device: str = "auto"
    token_limit: int | None = None

    @property
    def name(self) -> str:
        # a folder by its full path, so that a saved model opens from anywhere
        return str(self.weights.folder) if self.weights.source == "folder" else self.weights.name

    @property
    def settings(self) -> dict[str, int]:
        return {} if self.token_limit is None else {"token_limit": self.token_limit}

    @cached_property
    def weights_fingerprint(self) -> str:
        return hashlib.sha256(f"{self.weights.fingerprint} {self.token_limit}".encode()).hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        exact = f"sentence 1 {self.weights_fingerprint} {self._precision}"
        return hashlib.sha256(exact.encode()).hexdigest()

    @property
    def dim(self) -> int:
        return self._opened.dim

    @property
    def max_tokens(self) -> int:
        return self._opened.max_tokens

    def encode(self, texts: list[str], watch: Watch = unwatched) -> np.ndarray:
        """Vectors (n, d) float32, in the order of the texts."""
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            done = start
            for rows, batch in self._opened.encode(texts[start : start + TEXTS_AT_ONCE]):
                vectors[start + rows] = batch
                done += len(rows)
                watch(Progress("encoding", done, len(texts)))
        return vectors

    def count_tokens(self, texts: list[str]) -> np.ndarray:
        """Tokens (n,) int64 before truncation, special tokens included."""
        return np.array([len(ids) for ids in self._opened.tokenize(texts, None)], dtype=np.int64)

    @cached_property
    def _precision(self) -> Precision:
        return choose_precision(self.precision, choose_device(self.device))

    @cached_property
    def _opened(self) -> _Opened:
        return _open(self.weights, choose_device(self.device), self._precision, self.token_limit)

    def __deepcopy__(self, memo: dict[int, Any]) -> SentenceEncoder:
        # frozen and never changed: scikit-learn's clone may share one set of weights
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # another process opens the weights again instead of receiving a copy of them
        return SentenceEncoder, (self.weights, self.precision, self.device, self.token_limit)


@dataclass(frozen=True)
class _Opened:
    """Tokenizer and modules in memory."""

    tokenizer: Any
    body: torch.nn.Module
    steps: torch.nn.ModuleList
    layout: Layout
    max_tokens: int
    dim: int
    device: str
    precision: Precision

    def tokenize(self, texts: list[str], max_tokens: int | None) -> list[list[int]]:
        prompted = [self.layout.prompt + text for text in texts] if self.layout.prompt else texts
        if self.layout.lower_case:
            prompted = [text.lower() for text in prompted]
        if not prompted:
            return []
        ids: list[list[int]] = self.tokenizer(
            prompted,
            truncation=max_tokens is not None,
            max_length=max_tokens,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return ids

    def encode(self, texts: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (row numbers, vectors) batch by batch."""
        import torch

        ids = self.tokenize(texts, self.max_tokens)
        lengths = np.array([len(row) for row in ids])
        budget = TOKEN_BUDGET["cuda" if self.device.startswith("cuda") else "cpu"]
        half = self.precision == "bf16"
        for rows in token_batches(lengths, budget):
            padded = np.full((len(rows), max(1, int(lengths[rows[0]]))), self.tokenizer.pad_token_id or 0)
            mask = np.arange(padded.shape[1]) < lengths[rows][:, None]
            padded[mask] = np.concatenate([ids[row] for row in rows])
            with torch.inference_mode(), torch.autocast(self.device.split(":")[0], torch.bfloat16, half):
                yield rows, self._forward(torch.from_numpy(padded), torch.from_numpy(mask)).numpy()

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(b, t) token ids and mask -> (b, d) vectors on the CPU."""
        ids, mask = ids.to(self.device), mask.to(self.device)
        # without a mask attention takes its fastest path; equal lengths are common after sorting
        needed = None if bool(mask.all()) else mask.long()
        vectors: torch.Tensor = self.body(input_ids=ids, attention_mask=needed).last_hidden_state.float()
        for step in self.steps:
            vectors = step(vectors, mask.float())
        return vectors.float().cpu()


def _open(weights: Weights, device: str, precision: Precision, token_limit: int | None) -> _Opened:
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, AutoTokenizer

    from textgraft.networks.packed import to_bf16
    from textgraft.networks.steps import build_steps

    layout = read_layout(weights.folder)
    folder = str(layout.transformer)
    try:
        with _quiet_transformers():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            family = AutoModelForTextEncoding if config.is_encoder_decoder else AutoModel
            body = family.from_pretrained(
                folder, config=config, local_files_only=True, dtype=torch.float32, use_safetensors=True
            )
    except Exception as error:  # transformers raises many kinds; each is one fault to our user
        raise WeightsError(f"{weights.name} cannot be opened as an encoder: {_first_line(error)}") from error
    steps, dim = build_steps(layout, int(config.hidden_size))
    body.requires_grad_(False).eval().to(device)
    if precision == "bf16":
        to_bf16(body, device)
    return _Opened(
        tokenizer=tokenizer,
        body=body,
        steps=steps.to(device),
        layout=layout,
        max_tokens=_max_tokens(layout, tokenizer, body, token_limit),
        dim=dim,
        device=device,
        precision=precision,
    )


def _max_tokens(layout: Layout, tokenizer: Any, body: torch.nn.Module, token_limit: int | None) -> int:
    """The smallest of what the person, the model's files and its position table allow."""
    positions = getattr(body.config, "max_position_embeddings", None)
    table = getattr(getattr(body, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    if positions and padding is not None:
        # RoBERTa counts positions from padding_idx + 1, so its table holds fewer tokens than rows
        positions -= padding + 1
    own = layout.max_tokens or tokenizer.model_max_length
    return int(min(limit for limit in (own, positions, token_limit) if limit))


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Silence loading bars and reports, and put the caller's settings back."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
