"""Where memory ends: how an error says so, and what makes room for smaller batches."""

from __future__ import annotations

import gc

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ended, on a CPU or a GPU."""
    said = str(error)
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or "DefaultCPUAllocator" in said
        or "out of memory" in said
    )


def make_room(kind: str) -> None:
    """Let go of what a batch that did not fit still holds on a ``cpu`` or ``cuda`` device.

    Not to be called while the error is handled, whose frames hold what filled the memory.
    """
    gc.collect()
    if kind == "cuda":
        torch.cuda.empty_cache()
