"""Concat pooling: what a recurrent network said last, at most and on average."""

from __future__ import annotations

import torch
from torch import Tensor

from textgraft.networks.pooling import at_least_one, lasttoken, maximum, mean


def concat_pooling(states: Tensor, mask: Tensor) -> Tensor:
    """(b, t, d) states, (b, t) mask -> (b, 3d): last, largest and mean state over real tokens.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.3.
    Padding stands behind each text (mask 1 1 1 0 0) and changes nothing. A text without any token is
    read as one token, whatever state stands there.
    """
    mask = at_least_one(mask)
    # of thousands of states in bf16 a mean would keep two digits
    with torch.autocast(states.device.type, enabled=False):
        states = states.to(torch.promote_types(states.dtype, torch.float32))
        return torch.cat([pool(states, mask) for pool in (lasttoken, maximum, mean)], dim=1)
