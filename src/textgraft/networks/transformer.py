"""A pretrained transformer body as a folder has it: tokenizer, token states, layer groups.

Any encoder of ``transformers``; the blocks are found in the module itself, so that BERT,
DistilBERT, RoBERTa, MiniLM, ModernBERT and their kin need no branch of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textgraft.errors import WeightsError
from textgraft.networks.layout import Layout, read_layout
from textgraft.networks.unpadded import Unpadded
from textgraft.pretrained import Weights, listing

USUAL_TOKENS = 512
"""Read of a text where neither the model's files nor a position table set a limit."""

ENDLESS = 1_000_000
"""Tokens from which a limit says that there is none; ``transformers`` writes 10³⁰."""

_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
_OTHER_DROPOUT = ("hidden_dropout_prob", "dropout", "embedding_dropout", "mlp_dropout", "dropout_rate")
"""What families call their rates of dropout."""


@dataclass(frozen=True)
class TextTokenizer:
    """Texts to token ids as a folder's own files say.

    Attributes:
        fast: the tokenizer of ``transformers``.
        prompt: put before each text.
        lower_case: whether texts are lowered first.
        pad: an id to fill with; what it is does not matter, since it is masked.
        max_tokens: the most that the model takes of a text.
    """

    fast: Any
    prompt: str
    lower_case: bool
    pad: int
    max_tokens: int

    def ids(self, texts: list[str], limit: int | None) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut to ``limit``."""
        prompted = [self.prompt + text for text in texts] if self.prompt else texts
        if self.lower_case:
            prompted = [text.lower() for text in prompted]
        if not prompted:
            return []
        ids: list[list[int]] = self.fast(
            prompted,
            truncation=limit is not None,
            max_length=limit,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return ids


class Transformer(nn.Module):
    """(b, t) token ids and mask -> (b, t, d) states of a pretrained body.

    Attributes:
        dim: numbers of a state.
        unpads: whether padding can be left out, which is done on a CPU; states at padding are then 0.
        reads: which states it gives: of the ``last`` block; the ``mean`` of those of the embeddings and of
            every block (Peters et al., "Deep Contextualized Word Representations", 2018, who learn a share
            for each); or ``last and lower``, (b, t, 2d): those of the last block, and beside them the mean
            of those of the embeddings and of the lower half of the blocks.
    """

    def __init__(self, body: nn.Module, dim: int) -> None:
        super().__init__()
        self.body = body
        self.dim = dim
        self.unpads = False
        self.reads = "last"

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        whole = bool(mask.all())
        if not whole and self.unpads_on(ids.device.type) and bool(mask[:, 0].all()):
            where = Unpadded.of(mask)
            return where.put(self._states(**unpadded_inputs(self.body, ids, where))[0], mask)
        # without a mask attention takes its fastest path; equal lengths are common after sorting
        return self._states(input_ids=ids, attention_mask=None if whole else mask.long())

    def unpads_on(self, device: str) -> bool:
        """Whether padding is left out there, so that batches need no parts of equal length."""
        return self.unpads and device == "cpu"

    def _states(self, **inputs: Any) -> Tensor:
        found = self.body(**inputs, output_hidden_states=self.reads != "last")
        last: Tensor = found.last_hidden_state
        if self.reads == "last":
            return last
        every = found.hidden_states
        if self.reads == "mean":
            return torch.stack(every).mean(0)
        return torch.cat([last, torch.stack(every[: len(every) // 2 + 1]).mean(0).to(last.dtype)], dim=-1)

    def layer_groups(self) -> dict[str, list[nn.Module]]:
        """``embeddings``, then each block; what follows the blocks belongs to the last one."""
        blocks = _blocks(self.body)
        inside = {id(module) for block in blocks for module in block.modules()}
        holders = {id(m) for m in self.body.modules() if any(id(c) in inside for c in m.modules())}
        before: list[nn.Module] = []
        after: list[nn.Module] = []
        for module in _outermost(self.body, inside | holders):
            (after if _is_after(self.body, module, blocks[0]) else before).append(module)
        groups: dict[str, list[nn.Module]] = {"embeddings": before}
        for number, block in enumerate(blocks, 1):
            groups[f"block {number}"] = [block]
        groups[f"block {len(blocks)}"] += after
        return groups


def open_transformer(
    weights: Weights, *, dropout: float | None = None, attention_dropout: float | None = None
) -> tuple[Transformer, TextTokenizer, Layout]:
    """Read a body in fp32, its tokenizer and what its folder says about pooling.

    Args:
        weights: where the model lies.
        dropout: of hidden states, in place of the folder's own.
        attention_dropout: of attention weights, likewise.

    Raises:
        WeightsError: the folder cannot be opened as an encoder.
    """
    from transformers import (
        MODEL_FOR_TEXT_ENCODING_MAPPING,
        AutoConfig,
        AutoModel,
        AutoModelForTextEncoding,
    )

    layout = read_layout(weights.folder)
    folder = str(layout.transformer)
    try:
        with _quiet_transformers():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            _set_all(config, _OTHER_DROPOUT, dropout)
            _set_all(config, _ATTENTION_DROPOUT, attention_dropout)
            tokenizer = _open_tokenizer(weights.name, layout.transformer)
            # an encoder saved by itself says that it has no decoder; its full model would ask for one
            encodes = config.is_encoder_decoder or type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
            family = AutoModelForTextEncoding if encodes else AutoModel
            body = family.from_pretrained(
                folder, config=config, local_files_only=True, dtype=torch.float32, use_safetensors=True
            )
    except WeightsError:
        raise
    except Exception as error:  # transformers raises many kinds; each is one fault to our user
        raise WeightsError(f"{weights.name} cannot be opened as an encoder: {_first_line(error)}") from error
    if getattr(body, "pooler", None) is not None:
        # made for another task, and not part of the states
        body.pooler = None
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else config.pad_token_id
    texts = TextTokenizer(
        tokenizer, layout.prompt, layout.lower_case, pad or 0, _max_tokens(layout, tokenizer, body)
    )
    return Transformer(body.eval(), int(config.hidden_size)), texts, layout


def unpadded_inputs(body: Any, ids: Tensor, where: Unpadded) -> dict[str, Any]:
    """What a body is told to give states (1, m, d) of a batch of ids (b, t) without its padding.

    The body must attend by :func:`textgraft.networks.attention.attend`.
    """
    positions = where.positions + _first_position(body)
    return {"input_ids": where.taken(ids)[None], "position_ids": positions[None], "unpadded": where}


def _open_tokenizer(name: str, folder: Path) -> Any:
    """The tokenizer of a folder.

    Raises:
        WeightsError: the folder has none.
    """
    from transformers import AutoTokenizer

    known = False
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        # without files transformers may make one up that knows special tokens only: all texts are alike
        special = {*tokenizer.all_special_tokens, "▁"}
        known = any(tokenizer.convert_ids_to_tokens(id) not in special for id in range(len(tokenizer)))
    except Exception:
        # a file that is there and broken is another fault
        if (folder / "tokenizer.json").is_file():
            raise
    if not known:
        raise WeightsError(
            f"{name} has no tokenizer that can be opened: expected tokenizer.json, or the files that one is "
            f"made from, in {folder}, found {listing(folder)}. Save the tokenizer of the model there."
        )
    return tokenizer


def _blocks(body: nn.Module) -> list[nn.Module]:
    """The list of like blocks that holds most of the body's parameters."""
    lists = [module for module in body.modules() if isinstance(module, nn.ModuleList) and len(module)]
    if not lists:
        return [body]
    largest = max(lists, key=lambda blocks: sum(p.numel() for p in blocks.parameters()))
    return list(largest)


def _outermost(module: nn.Module, passed: set[int]) -> Iterator[nn.Module]:
    """Modules with parameters that are neither passed nor inside one that was given."""
    for child in module.children():
        if id(child) not in passed:
            if any(True for _ in child.parameters()):
                yield child
        elif not isinstance(child, nn.ModuleList):
            yield from _outermost(child, passed)


def _is_after(body: nn.Module, module: nn.Module, block: nn.Module) -> bool:
    """Whether a module was registered after the blocks; an embedding never counts as after."""
    order = {id(found): number for number, found in enumerate(body.modules())}
    embeds = any(isinstance(part, nn.Embedding) for part in module.modules())
    return not embeds and order[id(module)] > order[id(block)]


def _set_all(config: Any, names: tuple[str, ...], value: float | None) -> None:
    for name in names:
        if value is not None and isinstance(getattr(config, name, None), float | int):
            setattr(config, name, value)


def _max_tokens(layout: Layout, tokenizer: Any, body: nn.Module) -> int:
    """The smaller of what the model's files and its position table allow, where they set a limit."""
    positions = getattr(body.config, "max_position_embeddings", None) or 0
    own = layout.max_tokens or tokenizer.model_max_length
    # XLNet, which counts no positions, says −1
    limits = [limit for limit in (own, positions - _first_position(body)) if 0 < limit < ENDLESS]
    return int(min(limits, default=USUAL_TOKENS))


def _first_position(body: nn.Module) -> int:
    """Row of a position table that a text's first token has."""
    table = getattr(getattr(body, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    # RoBERTa counts positions from padding_idx + 1, so its table holds fewer tokens than rows
    return 0 if padding is None else int(padding) + 1


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Silence loading bars and reports, and put the caller's settings back."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
