"""Linear layers in bf16 with weights laid out once for the processor, for frozen models.

A plain bf16 linear layer on a CPU re-orders its weights for oneDNN on every call. The
operators that torch's own compiler freezes models with take weights that are already
re-ordered. They are not a public interface, so they are tried out, and where they do not
give what a plain layer gives, plain bf16 layers are used.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textgraft.networks.tried import gives_the_same


class PackedLinear(nn.Module):
    """(…, d) -> (…, e) in bf16; weights laid out once."""

    def __init__(self, plain: nn.Linear) -> None:
        super().__init__()
        weight = plain.weight.detach().to(torch.bfloat16)
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        self.bias = None if plain.bias is None else plain.bias.detach().to(torch.bfloat16)

    def forward(self, states: Tensor) -> Tensor:
        states = states.to(torch.bfloat16)
        out: Tensor = torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, "none", [], "")
        return out


def to_bf16(body: nn.Module, device: str) -> None:
    """Put the linear layers of a frozen model into bf16, packed where that works."""
    packing = device == "cpu"
    for parent in list(body.modules()):
        for name, child in list(parent.named_children()):
            # subclasses may compute something else
            if type(child) is nn.Linear:
                packing = packing and _packs(child)
                setattr(parent, name, PackedLinear(child) if packing else child.to(torch.bfloat16))


def _packs(plain: nn.Linear) -> bool:
    probe = torch.linspace(-1.0, 1.0, 3 * plain.in_features).reshape(3, plain.in_features)
    return gives_the_same(lambda: (PackedLinear(plain)(probe).float(), plain(probe)), within=0.05)
