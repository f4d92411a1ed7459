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

    Of codes (b, c) it is :func:`label_loss`, which has no smoothing.

    Args:
        logits: (b, c).
        codes: (b,) int64; or (b, c) 0/1 where a row may have several labels.
        class_weights: (c,) how much a row of each class counts; mean over rows, not over weights,
            so that a batch of light rows weighs less than one of heavy rows.
        smoothing: share of belief spread over all classes (Szegedy et al., "Rethinking the
            Inception Architecture", 2016).
    """
    if codes.ndim == 2:
        return label_loss(logits, codes, class_weights)
    each = F.cross_entropy(logits.float(), codes, reduction="none", label_smoothing=smoothing)
    if class_weights is not None:
        each = each * class_weights[codes]
    return each.mean()


def label_loss(logits: Tensor, targets: Tensor, label_weights: Tensor | None = None) -> Tensor:
    """Mean binary cross entropy of logits (b, c) against targets (b, c) 0/1, each label by itself.

    Args:
        logits: (b, c).
        targets: (b, c).
        label_weights: (c,) how much having a label counts, not having it counting 1.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), targets.float(), pos_weight=label_weights)


def balanced_label_weights(targets: Tensor) -> Tensor:
    """(c,) rows without each label over rows with it, so that both count as much; 1 for one that none has."""
    have = targets.sum(0)
    return torch.where(have > 0, (len(targets) - have) / have.clamp(min=1), 1.0).float().clamp(min=1e-3)


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
    Where rows may have several labels, those that share some are asked for, weighted by the share of
    their labels that both have (after Su, Wang and Dai, "Contrastive Learning-Enhanced Nearest Neighbor
    Mechanism for Multi-Label Text Classification", 2022, whose weight is the number in common).

    Args:
        vectors: (b, d), of any length.
        codes: (b,) class codes, or (b, c) 0/1.
        temperature: similarity that matters; smaller looks at the nearest only.
    """
    self_pairs = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    alike = _common_share(codes) if codes.ndim == 2 else (codes[:, None] == codes[None, :]).float()
    alike = alike.masked_fill(self_pairs, 0.0)
    n_partners = alike.sum(1)
    # bf16 has too few digits for similarities divided by a small temperature
    with torch.autocast(vectors.device.type, enabled=False):
        unit = F.normalize(vectors.float(), dim=1)
        # finite, since minus infinity gives no number where a row has no other at all
        others = (unit @ unit.T / temperature).masked_fill(self_pairs, -1e9)
        log_share = (others - torch.logsumexp(others, dim=1, keepdim=True)) * alike
        each = -log_share.sum(1) / torch.where(n_partners > 0, n_partners, 1.0)
    return each.sum() / (n_partners > 0).sum().clamp(min=1)


def _common_share(targets: Tensor) -> Tensor:
    """(b, b) labels that two rows (b, c) have in common over those that either has; 0 if none has any."""
    held = targets.float()
    common = held @ held.T
    sizes = held.sum(1)
    either = sizes[:, None] + sizes[None, :] - common
    return common / either.clamp(min=1.0)


def contrastive_loss_of_parts(network: Any, parts: tuple[Any, ...]) -> Tensor:
    """:func:`supervised_contrastive_loss` over a batch that comes in parts (ids, mask, codes)."""
    vectors = torch.cat([network(part.ids, part.mask) for part in parts])
    return supervised_contrastive_loss(vectors, torch.cat([part.codes for part in parts]))
