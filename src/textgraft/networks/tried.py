"""Whether a faster way of computing works here, seen by trying it.

What torch's own compiler uses, and what a model of another family does inside, is no public interface:
it may be absent, refuse its arguments, or mean something else in another version.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gives_the_same(tried: Callable[[], tuple[Tensor, Tensor]], within: float) -> bool:
    """Whether a way of computing gives what a slower one gives.

    Args:
        tried: gives what was found and what was expected.
        within: the largest difference, as a share of the largest number expected.
    """
    try:
        with torch.inference_mode():
            found, expected = tried()
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return False
    return torch.allclose(found, expected, atol=within * float(expected.abs().max() + 1e-6))
