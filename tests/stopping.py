"""What a training that stopped early shows."""

from __future__ import annotations

import numpy as np

from textgraft.training.records import Training


def check_stopped_early(training: Training, *, most: int, learned: int) -> None:
    """Rows were watched, ``learned`` others learned from, and the best of fewer than ``most`` epochs kept."""
    losses = [report.valid_loss for report in training.reports]
    assert None not in losses
    assert len(losses) < most
    assert training.best_epoch == 1 + int(np.argmin(losses)) == len(losses) - 1
    assert {report.rows for report in training.reports} == {learned}
