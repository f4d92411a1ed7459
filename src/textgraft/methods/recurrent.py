"""What ``word-gru`` and ``transformer-gru`` share: numbers by data size, and how they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.bundle import Bundle, with_prefix, without_prefix
from textgraft.core.plan import Plan, one_cycle
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.confidence.kinds import ALONE, confidence_faults
from textgraft.methods.faults import auto_count_faults, is_count, is_number, patience_faults
from textgraft.methods.lesson import Lesson
from textgraft.methods.network_classifier import Answering
from textgraft.text.truncation import truncate_faults
from textgraft.training.records import Training, training_from_json, training_to_json

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class GRURecipe:
    """Numbers that depend on how many rows there are.

    Attributes:
        rows: up to so many.
        epochs: times that every row is seen.
        batch_size: texts a step.
    """

    rows: float
    epochs: int
    batch_size: int

    def sentence(self, n_rows: int) -> str:
        """What was chosen for so many rows."""
        return f"For {n_rows:,} rows: {self.epochs} epochs in batches of {self.batch_size}."


GRU_RECIPES = (
    GRURecipe(rows=500, epochs=30, batch_size=16),
    GRURecipe(rows=5_000, epochs=12, batch_size=32),
    GRURecipe(rows=np.inf, epochs=5, batch_size=64),
)
"""Usual values for recurrent heads, not yet compared."""


def gru_recipe(n_rows: int, epochs: int | str, batch_size: int | str) -> GRURecipe:
    """Numbers for so many rows; the first recipe for so many or more says what is ``auto``."""
    usual = next(recipe for recipe in GRU_RECIPES if n_rows <= recipe.rows)
    return replace(
        usual,
        epochs=usual.epochs if epochs == "auto" else int(epochs),
        batch_size=usual.batch_size if batch_size == "auto" else int(batch_size),
    )


def gru_faults(parameters: dict[str, Any]) -> list[str]:
    """What is wrong with the parameters that both methods have."""
    faults = auto_count_faults(parameters, {"epochs": 0, "batch_size": 1, "max_tokens": 3})
    for name in ("hidden", "layers"):
        if not is_count(parameters[name], 1):
            faults.append(f"{name} must be a whole number from 1, found {parameters[name]!r}")
    faults += confidence_faults(parameters["confidence"], ALONE)
    rate, dropout = parameters["rate"], parameters["dropout"]
    if not is_number(rate, 0.0, 1.0):
        faults.append(f"rate must be a number from 0 to 1, found {rate!r}")
    if not is_number(dropout, 0.0, 0.9):
        faults.append(f"dropout must be a number from 0 to 0.9, found {dropout!r}")
    return faults + truncate_faults(parameters["truncate"]) + patience_faults(parameters["patience"])


def gru_plan(groups: tuple[str, ...], epochs: int, rate: float, *, thaw: bool = False) -> Plan:
    """One cycle over the recurrent layers and the head; pretrained vectors learn only if thawed."""
    plan = one_cycle(groups, epochs, float(rate))
    return plan if thaw else plan.freeze_all_but([name for name in groups if name != "embeddings"])


@dataclass(frozen=True)
class Recurrent:
    """What a recurrent method learned.

    Attributes:
        running: whatever answers for it: texts -> vectors (n, e) of length 1 and logits (n, c).
        tensors: of the network, by name.
        settings: to build the network again.
        words: of the vocabulary, if it has one.
        evidence: (n, e) float16 vectors of the training texts, of length 1.
        codes: (n,) their class codes, or (n, c) 0/1.
        training: how it came to be.
    """

    running: Answering
    tensors: dict[str, np.ndarray]
    settings: dict[str, Any]
    words: list[str]
    evidence: np.ndarray
    codes: np.ndarray
    training: Training

    @cached_property
    def of_classes(self) -> ClassEvidence:
        return ClassEvidence(self.evidence, self.codes, self.settings["n_classes"])

    def packed(self) -> Bundle:
        """Settings, arrays and words to make it again."""
        about = {"settings": self.settings, "training": training_to_json(self.training)}
        arrays = with_prefix("network.", self.tensors)
        return Bundle(about, arrays | {"evidence": self.evidence, "codes": self.codes}, {"words": self.words})


def recurrent_of(
    network: torch.nn.Module,
    running: Answering,
    evidence: np.ndarray,
    lesson: Lesson,
    settings: dict[str, Any],
    training: Training,
    words: Sequence[str] = (),
) -> Recurrent:
    """What a trained network is kept as, with the texts it learned from as evidence.

    Args:
        network: learns no more.
        running: what answers for it.
        evidence: (n, e) vectors of the texts it learned from, of length 1.
        lesson: what it learned from.
        settings, training, words: as of :class:`Recurrent`.
    """
    from textgraft.networks.tensors import all_tensors

    tensors = all_tensors(network)
    kept = evidence.astype(np.float16)
    return Recurrent(running, tensors, settings, list(words), kept, lesson.codes, training)


def parts_of(packed: Bundle) -> dict[str, Any]:
    """Fields of a :class:`Recurrent` but ``running``, from what :meth:`Recurrent.packed` gave."""
    arrays = packed.arrays
    return {
        "tensors": without_prefix("network.", arrays),
        "settings": packed.about["settings"],
        "words": packed.texts["words"],
        "evidence": arrays["evidence"],
        "codes": arrays["codes"],
        "training": training_from_json(packed.about["training"]),
    }


def load_tensors(network: torch.nn.Module, tensors: dict[str, np.ndarray]) -> None:
    """Give a network its tensors, and freeze it."""
    from textgraft.networks.tensors import put_tensors

    put_tensors(network, tensors, strict=True)
    network.requires_grad_(False).eval()
