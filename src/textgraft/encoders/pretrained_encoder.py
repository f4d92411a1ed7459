"""What encoders with pretrained weights on disk share: settings, fingerprints, and how they are copied."""

from __future__ import annotations

import hashlib
from abc import ABC
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Self

from textgraft.encoders.precision import Precision, choose_device, choose_precision
from textgraft.pretrained import Weights


@dataclass(frozen=True)
class PretrainedEncoder(ABC):
    """A frozen encoder of weights on disk, opened on first use.

    Attributes:
        weights: where they lie, from :func:`textgraft.pretrained.locate`.
        precision: ``auto``, ``bf16`` or ``fp32``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, …
        token_limit: read at most so many tokens of a text; ``None`` for as many as the encoder can.
    """

    weights: Weights
    precision: str = "auto"
    device: str = "auto"
    token_limit: int | None = None

    code: ClassVar[str]
    """Which code makes the vectors, and its version; part of the fingerprint."""

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
        exact = f"{self.code} {self.weights_fingerprint} {self._precision}"
        return hashlib.sha256(exact.encode()).hexdigest()

    @cached_property
    def _precision(self) -> Precision:
        return choose_precision(self.precision, choose_device(self.device))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # frozen and never changed: scikit-learn's clone may share one set of weights
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # another process opens the weights again instead of receiving a copy of them
        return type(self), tuple(getattr(self, field.name) for field in fields(self))
