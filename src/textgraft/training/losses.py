"""Losses over a batch: what a network is asked to make small."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def classification_loss(
    logits: Tensor, codes: Tensor, class_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Mean cross entropy of logits (b, c) against class codes (b,).

    Args:
        logits: (b, c).
        codes: (b,) int64.
        class_weights: (c,) how much a row of each class counts; mean over rows, not over weights,
            so that a batch of light rows weighs less than one of heavy rows.
        smoothing: share of belief spread over all classes (Szegedy et al., "Rethinking the
            Inception Architecture", 2016).
    """
    each = F.cross_entropy(logits.float(), codes, reduction="none", label_smoothing=smoothing)
    if class_weights is not None:
        each = each * class_weights[codes]
    return each.mean()


def balanced_class_weights(counts: Tensor) -> Tensor:
    """(c,) weights inverse to class sizes, whose mean over all rows is 1."""
    present = counts > 0
    weights = torch.where(present, counts.sum() / (present.sum() * counts.clamp(min=1)), 0.0)
    return weights.float()


def supervised_contrastive_loss(vectors: Tensor, codes: Tensor, temperature: float = 0.1) -> Tensor:
    """Mean loss of vectors (b, d) that asks rows of one class to lie together.

    For each row, minus the mean log-probability of choosing a row of its class among all
    others by similarity (Khosla et al., "Supervised Contrastive Learning", 2020, equation 2).
    Rows that are alone in their class in the batch are not asked; a batch of such rows costs 0.

    Args:
        vectors: (b, d), of any length.
        codes: (b,) class codes.
        temperature: similarity that matters; smaller looks at the nearest only.
    """
    self_pairs = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    partners = (codes[:, None] == codes[None, :]) & ~self_pairs
    n_partners = partners.sum(1)
    # bf16 has too few digits for similarities divided by a small temperature
    with torch.autocast(vectors.device.type, enabled=False):
        unit = F.normalize(vectors.float(), dim=1)
        # finite, since minus infinity gives no number where a row has no other at all
        others = (unit @ unit.T / temperature).masked_fill(self_pairs, -1e9)
        log_share = (others - torch.logsumexp(others, dim=1, keepdim=True)).masked_fill(~partners, 0.0)
        each = -log_share.sum(1) / n_partners.clamp(min=1)
    return each.sum() / (n_partners > 0).sum().clamp(min=1)


def contrastive_loss_of_parts(network: Any, parts: tuple[Any, ...]) -> Tensor:
    """:func:`supervised_contrastive_loss` over a batch that comes in parts (ids, mask, codes)."""
    vectors = torch.cat([network(part.ids, part.mask) for part in parts])
    return supervised_contrastive_loss(vectors, torch.cat([part.codes for part in parts]))
