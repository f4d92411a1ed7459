"""What ``word-gru`` and ``transformer-gru`` share: numbers by data size, and how they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.plan import Plan, one_cycle
from textgraft.methods.confidence import ClassEvidence
from textgraft.methods.faults import is_count, is_number
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


GRU_RECIPES = (
    GRURecipe(rows=500, epochs=30, batch_size=16),
    GRURecipe(rows=5_000, epochs=12, batch_size=32),
    GRURecipe(rows=np.inf, epochs=5, batch_size=64),
)
"""Usual values for recurrent heads, not yet compared."""


def gru_recipe_for(n_rows: int) -> GRURecipe:
    """The first recipe for so many rows or more."""
    return next(recipe for recipe in GRU_RECIPES if n_rows <= recipe.rows)


def gru_faults(parameters: dict[str, Any]) -> list[str]:
    """What is wrong with the parameters that both methods have."""
    faults = []
    for name, least in (("epochs", 0), ("batch_size", 1), ("max_tokens", 3)):
        value = parameters[name]
        if value != "auto" and not is_count(value, least):
            faults.append(f"{name} must be 'auto' or a whole number from {least}, found {value!r}")
    for name in ("hidden", "layers"):
        if not is_count(parameters[name], 1):
            faults.append(f"{name} must be a whole number from 1, found {parameters[name]!r}")
    rate, dropout, patience = (parameters[name] for name in ("rate", "dropout", "patience"))
    if not is_number(rate, 0.0, 1.0):
        faults.append(f"rate must be a number from 0 to 1, found {rate!r}")
    if not is_number(dropout, 0.0, 0.9):
        faults.append(f"dropout must be a number from 0 to 0.9, found {dropout!r}")
    if patience is not None and not is_count(patience, 0):
        faults.append(f"patience must be a whole number from 0 or None, found {patience!r}")
    return faults


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
        codes: (n,) their class codes.
        training: how it came to be.
    """

    running: Any
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
        arrays = {f"network.{name}": array for name, array in self.tensors.items()}
        return Bundle(about, arrays | {"evidence": self.evidence, "codes": self.codes}, {"words": self.words})


def parts_of(packed: Bundle) -> dict[str, Any]:
    """Fields of a :class:`Recurrent` but ``running``, from what :meth:`Recurrent.packed` gave."""
    arrays = packed.arrays
    return {
        "tensors": {name[8:]: array for name, array in arrays.items() if name.startswith("network.")},
        "settings": packed.about["settings"],
        "words": packed.texts["words"],
        "evidence": arrays["evidence"],
        "codes": arrays["codes"],
        "training": training_from_json(packed.about["training"]),
    }


def tensors_of(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """All tensors of a network, on the CPU."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def load_tensors(network: torch.nn.Module, tensors: dict[str, np.ndarray]) -> None:
    """Give a network its tensors, and freeze it."""
    import torch

    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    network.requires_grad_(False).eval()
