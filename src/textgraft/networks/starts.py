"""Where documents begin within a window of a longer stream of text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Starts:
    """Words before which a recurrent layer forgets what it carried.

    Attributes:
        mask: (b, t) bool, true at the first word of a document.
        steps: places in the window where any row begins one, ascending; known on the CPU, so that layers
            need not wait for a device.
    """

    mask: Tensor
    steps: tuple[int, ...]

    @classmethod
    def of(cls, starts: Tensor | None, steps: int) -> Starts | None:
        """Starts of a window of so many steps, or None where nothing begins.

        Args:
            starts: (b, t) bool; or (b,) bool, rows where a document begins with the window.
            steps: t.
        """
        if starts is None:
            return None
        mask = starts.bool()
        if mask.ndim == 1:
            mask = mask[:, None] & (torch.arange(steps, device=mask.device) == 0)
        places = tuple(int(place) for place in mask.any(0).nonzero().flatten())
        return cls(mask, places) if places else None

    def backward(self) -> Starts:
        """The same for a layer that reads the window from its end to its beginning.

        Such a layer leaves a document where the next one begins. What it carried into the window
        is forgotten where a document begins with the window, as the other direction does.
        """
        mask = torch.cat([self.mask[:, :1], self.mask[:, 1:].flip(1)], dim=1)
        t = mask.shape[1]
        return Starts(mask, tuple(sorted(t - place if place else 0 for place in self.steps)))

    def spans(self) -> list[tuple[int, int, Tensor | None]]:
        """Pieces [begin, end) of the window in which nothing begins but rows (b,) at their first word."""
        t = self.mask.shape[1]
        edges = sorted({0, *self.steps})
        return [
            (begin, end, self.mask[:, begin] if begin in self.steps else None)
            for begin, end in zip(edges, [*edges[1:], t], strict=True)
        ]
