"""How long and how fast the scorers of the method ``pair`` learn when nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Numbers of one kind of scorer.

    Attributes:
        lists: anchors that training should see, each with its partners.
        epochs: fewest and most.
        rate: peak learning rate.
        batch_size: anchors a step.
    """

    lists: int
    epochs: tuple[int, int]
    rate: float
    batch_size: int

    def epochs_of(self, n_lists: int) -> int:
        """Epochs over so many lists."""
        fewest, most = self.epochs
        return min(most, max(fewest, self.lists // n_lists))


PACES = {"dense": Pace(24_000, (4, 12), 1e-3, 32), "cross": Pace(3_000, (1, 3), 5e-5, 8)}
