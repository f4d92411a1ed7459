"""A language model on disk: sizes, weights and tokenizer, and how it came to be."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.bundle import (
    Bundle,
    in_full,
    in_half,
    kind_of,
    read_bundle,
    with_prefix,
    without_prefix,
    write_bundle,
)
from textgraft.core.plan import Plan
from textgraft.errors import ModelFolderError
from textgraft.networks.awd_settings import NO_DROPOUT, AWDSettings, DropoutRates
from textgraft.text.tokenizer import Tokenizer, tokenizer_from_json
from textgraft.text.tokenizer import fingerprint as tokenizer_fingerprint
from textgraft.training.records import Training, training_from_json, training_to_json

if TYPE_CHECKING:
    from textgraft.networks.language_model import LanguageModel

KIND = "language model"

UNTRAINED = Training(Plan(("body",), ()), (), 0)
"""The record of weights that nothing was learned by here."""


@dataclass(frozen=True)
class PretrainedLanguageModel:
    """What pretraining gives.

    Attributes:
        settings: sizes of the network.
        tensors: its weights by name, float32.
        tokenizer: how texts become ids.
        backward: whether it reads texts from their end.
        training: how it came to be.
        perplexity: of held-out documents, per token; ``None`` if it was not measured.
        corpus: a few facts about what it learned from: documents, tokens, held-out tokens.
    """

    settings: AWDSettings
    tensors: dict[str, np.ndarray]
    tokenizer: Tokenizer
    backward: bool
    training: Training
    perplexity: float | None
    corpus: dict[str, int]

    def network(self, rates: DropoutRates = NO_DROPOUT) -> LanguageModel:
        """A fresh copy of the network that can learn.

        Args:
            rates: shares dropped while it learns.
        """
        import torch

        from textgraft.networks.language_model import LanguageModel
        from textgraft.networks.tensors import put_tensors

        # first weights are drawn, though none of them stays
        with torch.random.fork_rng([]):
            network = LanguageModel(self.settings, rates)
        put_tensors(network, self.tensors, strict=True)
        return network.eval()

    def fingerprint(self) -> str:
        """SHA-256 of all that decides what it says of a text."""
        sizes = [asdict(self.settings), self.backward, tokenizer_fingerprint(self.tokenizer)]
        digest = hashlib.sha256(json.dumps(sizes, sort_keys=True).encode())
        for name, tensor in sorted(self.tensors.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor).tobytes())
        return digest.hexdigest()

    def restarted(self, seed: int) -> PretrainedLanguageModel:
        """The same sizes and tokens with random weights, as if nothing had been learned."""
        import torch

        from textgraft.networks.language_model import LanguageModel
        from textgraft.networks.tensors import all_tensors

        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            tensors = all_tensors(LanguageModel(self.settings))
        return replace(self, tensors=tensors, training=UNTRAINED, perplexity=None)

    def save(self, path: str | Path, *, half: bool = False) -> None:
        """Write a folder of JSON and safetensors, replacing an older one.

        Args:
            path: the folder.
            half: whether to keep matrices in 16 bits (float16), for half the size.

        Raises:
            ModelFolderError: something else is in the way, or the disk refuses.
        """
        about = {
            "kind": KIND,
            "settings": asdict(self.settings),
            "backward": self.backward,
            "training": training_to_json(self.training),
            "perplexity": self.perplexity,
            "corpus": self.corpus,
        }
        arrays = with_prefix("network.", in_half(self.tensors) if half else self.tensors)
        write_bundle(path, Bundle(about, arrays, {"tokenizer": self.tokenizer.to_json().split("\n")}))


def open_language_model(path: str | Path) -> PretrainedLanguageModel:
    """Read what :meth:`PretrainedLanguageModel.save` wrote.

    Raises:
        ModelFolderError: it is no language model, or damaged.
    """
    bundle = read_bundle(path)
    about: dict[str, Any] = bundle.about
    if (kind := kind_of(about)) != KIND:
        made = f" of the method {about['method']!r}" if "method" in about else ""
        raise ModelFolderError(
            f"{path} is a {kind}{made}, expected a language model. "
            "Make one with: textgraft pretrain CORPUS --to FOLDER"
        )
    try:
        found = PretrainedLanguageModel(
            settings=AWDSettings(**about["settings"]),
            tensors=in_full(without_prefix("network.", bundle.arrays)),
            tokenizer=tokenizer_from_json("\n".join(bundle.texts["tokenizer"])),
            backward=about["backward"],
            training=training_from_json(about["training"]),
            perplexity=about["perplexity"],
            corpus=about["corpus"],
        )
    except (KeyError, TypeError) as error:
        raise ModelFolderError(
            f"{path} is damaged ({error!r}). Restore it from a copy or pretrain again."
        ) from error
    if len(found.tokenizer.vocabulary) != found.settings.vocabulary_size:
        raise ModelFolderError(
            f"{path} is damaged: its tokenizer has {len(found.tokenizer.vocabulary):,} tokens, its network "
            f"{found.settings.vocabulary_size:,}. Restore it from a copy or pretrain again."
        )
    fault = tensor_fault(found.settings, found.tensors)
    if fault is not None:
        raise ModelFolderError(f"{path} is damaged: {fault}. Restore it from a copy or pretrain again.")
    return found


def tensor_fault(settings: AWDSettings, tensors: dict[str, np.ndarray]) -> str | None:
    """The first tensor that a language model of these sizes lacks, or has otherwise; ``None`` if all fit.

    Args:
        settings: sizes.
        tensors: by name.
    """
    from textgraft.networks.language_model import tensor_shapes

    shapes = tensor_shapes(settings)
    for name in sorted(shapes.keys() | tensors.keys()):
        if name not in tensors:
            return f"expected {name}, found none"
        if name not in shapes:
            return f"found {name}, which no language model of its sizes has"
        if tensors[name].shape != shapes[name]:
            return f"expected {name} of the shape {shapes[name]}, found {tensors[name].shape}"
    return None
