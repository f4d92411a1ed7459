"""Low-rank adaptation: few numbers learn, and disappear into the weights afterwards.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2022, by the library ``peft``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from textgraft.errors import MissingExtraError, ParameterError


class LoraEncoder(nn.Module):
    """An encoder of vectors whose linear layers learn through low-rank matrices only.

    Args:
        encoder: a module from ids and mask to (b, d) vectors.
        rank: of the matrices; their product is scaled by 2, as is usual.
        dropout: of what goes into them.
        seed: of their start.

    Raises:
        MissingExtraError: ``peft`` is not installed.
        ParameterError: the encoder has no linear layers.
    """

    def __init__(self, encoder: Any, rank: int, dropout: float, seed: int) -> None:
        super().__init__()
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError as error:
            raise MissingExtraError.of("LoRA", "lora") from error

        self.dim: int = encoder.dim
        linear = [name for name, module in encoder.named_modules() if type(module) is nn.Linear]
        if not linear:
            # those of GPT-2 are transposed, a kind of their own
            raise ParameterError(
                "LoRA adapts linear layers (torch.nn.Linear), and this encoder has none. Set lora to 0, or "
                "use another encoder."
            )
        config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=dropout, target_modules=linear)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.adapted: Any = get_peft_model(encoder, config)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        vectors: Tensor = self.adapted(ids, mask)
        return vectors

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """The low-rank matrices of each layer group of the encoder that has linear layers."""
        groups: dict[str, list[nn.Module]] = self.adapted.get_base_model().layer_groups()
        matrices = {
            group: [inner for module in modules for name, inner in module.named_modules() if _is_matrix(name)]
            for group, modules in groups.items()
        }
        return {group: some for group, some in matrices.items() if some}

    def merged(self) -> Any:
        """The encoder with the matrices added to its weights."""
        return self.adapted.merge_and_unload()


def _is_matrix(name: str) -> bool:
    return "lora_A." in name or "lora_B." in name
