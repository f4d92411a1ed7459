"""Token states to one vector a text, each mode as sentence-transformers defines it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def cls(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d), (b, t) -> (b, d): the state of the first token."""
    return states[:, 0]


def at_least_one(mask: Tensor) -> Tensor:
    """(b, t) -> (b, t) bool: a text without any token is read as one token, whatever state stands there."""
    mask = mask.bool()
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    return mask | (first & ~mask.any(1, keepdim=True))


def mean(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d), (b, t) -> (b, d): the mean over real tokens."""
    weights = mask.unsqueeze(-1)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def mean_sqrt_len_tokens(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d), (b, t) -> (b, d): the sum over real tokens by the root of their number."""
    weights = mask.unsqueeze(-1)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9).sqrt()


def weightedmean(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d), (b, t) -> (b, d): later tokens weigh more (Muennighoff, "SGPT", 2022)."""
    places = torch.arange(1, states.shape[1] + 1, device=states.device, dtype=states.dtype)
    return mean(states, mask * places)


def maximum(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d), (b, t) -> (b, d): the largest value over real tokens."""
    return states.masked_fill(mask.unsqueeze(-1) == 0, -1e9).amax(1)


def lasttoken(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d), (b, t) -> (b, d): the state of the last real token."""
    last = mask.sum(1).long().clamp(min=1) - 1
    return states[torch.arange(len(states), device=states.device), last]


POOL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": cls,
    "max": maximum,
    "mean": mean,
    "mean_sqrt_len_tokens": mean_sqrt_len_tokens,
    "weightedmean": weightedmean,
    "lasttoken": lasttoken,
}
