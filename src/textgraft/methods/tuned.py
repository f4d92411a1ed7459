"""A fine-tuned network: how it answers, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from textgraft.bundle import Bundle, with_prefix, without_prefix
from textgraft.encoders.encoder import Trainable
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.evidence import unit_rows
from textgraft.methods.probe import fit_label_probes, fit_probe, strength_of
from textgraft.networks.packed import to_bf16
from textgraft.networks.pooled import ClassifierNetwork
from textgraft.networks.running import outputs_in_order
from textgraft.networks.tensors import changed_tensors, put_tensors
from textgraft.training.records import Training, training_from_json, training_to_json

if TYPE_CHECKING:
    from textgraft.encoders.encoder import Tokens

ROWS_PROBED = 1_000, 200, 10_000
"""Rows that the head's start is computed from: at least, for each class, at most. More cost a pass
of the encoder, and training moves the head on from there anyway."""

PROBE_STRENGTH = 5.0
"""As the method ``linear`` has it, for vectors of length 1."""


@dataclass(frozen=True)
class Running:
    """A classifier network that answers: frozen, in the precision of its device.

    Attributes:
        network: a :class:`ClassifierNetwork`, its linear layers packed where bf16 is fast.
        tokens: how texts become ids.
        max_tokens: read of a text.
        device: where it runs.
        bf16: whether matrix products are in bf16.
    """

    network: ClassifierNetwork
    tokens: Tokens
    max_tokens: int
    device: str
    bf16: bool

    def vectors_and_logits(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, d) of length 1 and logits (n, c) of n texts."""
        dim, n_classes = self.network.encoder.dim, self.network.head.out_features
        ids = self.tokens.ids(texts, self.max_tokens)
        both = outputs_in_order(
            self.network.vectors_and_logits, ids, dim + n_classes, self.tokens.pad, self.device, self.bf16
        )
        return unit_rows(both[:, :dim]), both[:, dim:]


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning learned.

    Attributes:
        running: the network as it answers.
        changed: fp32 tensors that differ from the pretrained ones, by their names in the network.
        pool: how states become a vector.
        evidence: (n, d) float16 vectors of the training texts, of length 1.
        codes: (n,) their class codes, or (n, c) 0/1.
        training: how it came to be.
    """

    running: Running
    changed: dict[str, np.ndarray]
    pool: str
    evidence: np.ndarray
    codes: np.ndarray
    training: Training

    @cached_property
    def of_classes(self) -> ClassEvidence:
        return ClassEvidence(self.evidence, self.codes, self.running.network.head.out_features)

    def packed(self) -> Bundle:
        """Settings and arrays to make it again from the same pretrained weights."""
        about = {
            "max_tokens": self.running.max_tokens,
            "pool": self.pool,
            "n_classes": self.running.network.head.out_features,
            "training": training_to_json(self.training),
        }
        arrays = with_prefix("network.", self.changed)
        return Bundle(about, arrays | {"evidence": self.evidence, "codes": self.codes}, {})


def tuned_from(packed: Bundle, pretrained: Trainable) -> Tuned:
    """The inverse of :meth:`Tuned.packed`."""
    about, arrays = packed.about, packed.arrays
    changed = without_prefix("network.", arrays)
    network = ClassifierNetwork(pretrained.network, about["n_classes"], 0.0)
    put_tensors(network, changed)
    return Tuned(
        running=ready(network, pretrained, about["max_tokens"]),
        changed=changed,
        pool=about["pool"],
        evidence=arrays["evidence"],
        codes=arrays["codes"],
        training=training_from_json(about["training"]),
    )


def ready(network: ClassifierNetwork, pretrained: Trainable, max_tokens: int) -> Running:
    """A network made ready to answer; the one given must not be used any more."""
    bf16 = pretrained.precision == "bf16"
    network.requires_grad_(False).eval().to(pretrained.device)
    if bf16:
        to_bf16(network.encoder, pretrained.device)
    return Running(network, pretrained.tokens, max_tokens, pretrained.device, bf16)


def start_from_probe(
    network: ClassifierNetwork,
    pretrained: Trainable,
    ids: list[list[int]],
    codes: np.ndarray,
    *,
    balanced: bool,
) -> None:
    """Set the head to logistic regression over the vectors as they are.

    Of very many rows, evenly spaced ones are looked at; a class none of them has starts unlikely. Codes are
    (n,), or (n, c) 0/1 where a row may have several labels. Where balanced, small classes count as much as
    large ones.
    """
    several = codes.ndim == 2
    order = np.arange(len(codes)) if several else np.argsort(codes, kind="stable")
    least, each, most = ROWS_PROBED
    n_probed = min(len(order), max(least, each * network.head.out_features), most)
    rows = order[np.linspace(0, len(order) - 1, n_probed).astype(int)]
    network.eval()
    vectors = outputs_in_order(
        network.encoder,
        [ids[row] for row in rows],
        network.encoder.dim,
        pretrained.tokens.pad,
        pretrained.device,
        pretrained.precision == "bf16",
    )
    spread = max(1e-12, float((vectors**2).sum(1).mean()))
    if several:
        strength = strength_of(PROBE_STRENGTH / spread, codes.shape[1])
        _set_head(network, *fit_label_probes(vectors, codes[rows], strength, balanced=balanced))
        return
    present = np.unique(codes[rows])
    if len(present) < 2:
        return
    n_classes = network.head.out_features
    # the same penalty whatever the vectors' length is
    strength = strength_of(PROBE_STRENGTH / spread, len(present))
    weight, bias = fit_probe(vectors, codes[rows], strength, balanced=balanced)
    whole_weight = np.zeros((n_classes, vectors.shape[1]), dtype=np.float32)
    whole_bias = np.full(n_classes, float(bias.min()), dtype=np.float32)
    whole_weight[present], whole_bias[present] = weight, bias
    _set_head(network, whole_weight, whole_bias)


def _set_head(network: ClassifierNetwork, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(weight))
        network.head.bias.copy_(torch.from_numpy(bias))


def learned_from(
    network: ClassifierNetwork,
    before: dict[str, torch.Tensor],
    pretrained: Trainable,
    max_tokens: int,
    texts: list[str],
    codes: np.ndarray,
    training: Training,
) -> Tuned:
    """A trained network made ready, with the training texts as evidence.

    Args:
        network: as training left it; must not be used any more.
        before: the encoder's tensors as they were pretrained, by their names in the network.
        pretrained: where the network came from.
        max_tokens: read of a text.
        texts, codes: the training rows.
        training: how it went.
    """
    changed = changed_tensors(network, before)
    running = ready(network, pretrained, max_tokens)
    vectors, _ = running.vectors_and_logits(texts)
    pool = getattr(pretrained.network, "pool", "auto")
    return Tuned(running, changed, pool, vectors.astype(np.float16), codes, training)
