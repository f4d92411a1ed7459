"""Whether this process works alone; asked without importing torch, which takes seconds."""

from __future__ import annotations

import os
import sys
from typing import Any

from textgraft.errors import ParameterError

WORLD_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where launchers say how many processes there are; those that ``accelerate`` reads."""


def launched() -> bool:
    """Whether a launcher started several processes of this program."""
    said = [os.environ.get(name, "") for name in WORLD_SIZES]
    return any(number.isdigit() and int(number) > 1 for number in said)


def writes() -> bool:
    """Whether this process writes: it is alone, or the main one of those that torch has joined."""
    dist = _joined()
    return dist is None or dist.get_rank() == 0


def check_one_process() -> None:
    """Refuse several processes where a language model is to learn.

    Raises:
        ParameterError: a launcher started several, or torch has joined them.
    """
    dist = _joined()
    if launched() or (dist is not None and dist.get_world_size() > 1):
        raise ParameterError(
            "A language model learns in one process, found several: start it without a launcher such as "
            "torchrun. ulmfit learns in several where it has not to adapt (adapt=0)."
        )


def _joined() -> Any:
    """``torch.distributed`` where it has joined processes, else None."""
    # where torch is not imported, nothing is joined
    dist: Any = sys.modules.get("torch.distributed")
    return dist if dist is not None and dist.is_available() and dist.is_initialized() else None
