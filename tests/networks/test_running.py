"""A network over many texts: outputs in order, and batches halved where memory ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from textgraft.errors import TrainingError
from textgraft.networks.running import outputs_by_batch, outputs_in_order

IDS = [[row + 1] * (1 + row % 7) for row in range(50)]

ENDS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


class Scarce:
    """(b, t) ids and mask -> (b, 2): sum and number of ids, on a machine whose memory holds so many rows."""

    def __init__(self, most: int, error: Exception = ENDS[0]) -> None:
        self.most, self.error, self.failed = most, error, 0

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        if len(ids) > self.most:
            self.failed += 1
            raise self.error
        return torch.stack([(ids * mask).sum(1), mask.sum(1)], dim=1).float()


@pytest.mark.parametrize("most", [50, 20, 3, 1])
@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_where_memory_ends_batches_are_halved_and_outputs_are_the_same(most: int, error: Exception) -> None:
    network = Scarce(most, error)
    found = outputs_in_order(network, IDS, 2, 0, "cpu", False, budget=140)
    assert found.tolist() == [[sum(row), len(row)] for row in IDS]


def test_batches_to_come_are_as_small_at_once() -> None:
    network = Scarce(5)
    batches = list(outputs_by_batch(network, IDS, 0, "cpu", False, budget=70))
    assert sorted(int(row) for rows, _ in batches for row in rows) == list(range(50))
    # the first batch holds 10 rows, the last one more of shorter texts
    assert network.failed <= 3


def test_one_text_too_large_for_memory() -> None:
    with pytest.raises(TrainingError, match="One text alone does not fit in memory"):
        outputs_in_order(Scarce(0), IDS, 2, 0, "cpu", False)


def test_other_errors_are_not_taken_for_it() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        outputs_in_order(Scarce(1, RuntimeError("shapes differ")), IDS, 2, 0, "cpu", False)


def test_no_texts_at_all() -> None:
    assert outputs_in_order(Scarce(1), [], 2, 0, "cpu", False).shape == (0, 2)
    (batch,) = outputs_by_batch(Scarce(1), [[]], 0, "cpu", False)
    assert np.array_equal(batch[1], [[0.0, 0.0]])
