"""Whether this process works alone; asked without importing torch, which takes seconds."""

from __future__ import annotations

import os
import sys
from typing import Any

WORLD_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where launchers say how many processes there are; those that ``accelerate`` reads."""


def launched() -> bool:
    """Whether a launcher started several processes of this program."""
    said = [os.environ.get(name, "") for name in WORLD_SIZES]
    return any(number.isdigit() and int(number) > 1 for number in said)


def writes() -> bool:
    """Whether this process writes: it is alone, or the main one of those that torch has joined."""
    # where torch is not imported, nothing is joined
    dist: Any = sys.modules.get("torch.distributed")
    joined = dist is not None and dist.is_available() and dist.is_initialized()
    return not joined or dist.get_rank() == 0
