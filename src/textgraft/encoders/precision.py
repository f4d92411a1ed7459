"""Where to compute and how exactly: detected, never assumed."""

from __future__ import annotations

from typing import Literal

from textgraft.errors import ParameterError

Precision = Literal["fp32", "bf16"]


def choose_device(device: str) -> str:
    """``auto`` is CUDA where there is one, else the CPU."""
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def choose_precision(precision: str, device: str) -> Precision:
    """``auto`` is bf16 where the processor or GPU multiplies it natively, else fp32.

    A processor without AMX or AVX-512 BF16 emulates bf16, slower than fp32.

    Raises:
        ParameterError: for another word than ``auto``, ``bf16`` or ``fp32``.
    """
    if precision == "auto":
        return "bf16" if _has_fast_bf16(device) else "fp32"
    if precision not in ("fp32", "bf16"):
        raise ParameterError(f"Expected a precision 'auto', 'bf16' or 'fp32', found {precision!r}.")
    return "bf16" if precision == "bf16" else "fp32"


def _has_fast_bf16(device: str) -> bool:
    import torch

    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported())
    if device != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
