"""The methods: name → where its class lives. The only registry."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from textgraft.errors import ModelFolderError, ParameterError

if TYPE_CHECKING:
    from textgraft.encoders.encoder import Encoder
    from textgraft.methods.base import TextClassifier

METHODS = {
    "tfidf": "textgraft.methods.tfidf:TfidfClassifier",
    "linear": "textgraft.methods.linear:LinearClassifier",
    "knn": "textgraft.methods.knn:KNNClassifier",
    "blend": "textgraft.methods.blend:BlendClassifier",
    "pair": "textgraft.methods.pair:PairClassifier",
    "siamese": "textgraft.methods.siamese:SiameseClassifier",
    "word-gru": "textgraft.methods.word_gru:WordGRUClassifier",
    "transformer-gru": "textgraft.methods.transformer_gru:TransformerGRUClassifier",
    "ulmfit": "textgraft.methods.ulmfit:ULMFiTClassifier",
    "finetune": "textgraft.methods.finetune:FinetuneClassifier",
}
"""In the order of their cost: try the first first."""


def method_class(name: str) -> type[TextClassifier]:
    """The class behind a method's name.

    Raises:
        ParameterError: no method has that name.
    """
    if name not in METHODS:
        raise ParameterError(f"Unknown method {name!r}: expected one of {', '.join(METHODS)}.")
    module, _, attribute = METHODS[name].partition(":")
    found: type[TextClassifier] = getattr(importlib.import_module(module), attribute)
    return found


def load(
    path: str | Path, *, encoder: Encoder | None = None, cache: str | Path | None = "auto"
) -> TextClassifier:
    """Open a classifier that :meth:`TextClassifier.save` wrote.

    Args:
        path: the model folder.
        encoder: the encoder it was fitted with, for one that has no name to open it by.
        cache: where vectors are kept, as in :func:`textgraft.load_encoder`.

    Raises:
        ModelFolderError: not a model, of a newer format, or damaged.
        WeightsError: its encoder is not here, or is not the one it was fitted with.
    """
    from textgraft.bundle import CLASSIFIER, kind_of, read_bundle
    from textgraft.methods.saved import opened_encoder

    bundle = read_bundle(path)
    if (kind := kind_of(bundle.about)) != CLASSIFIER:
        raise ModelFolderError(
            f"{path} is a {kind}, expected a classifier. Make one of it with: "
            f"textgraft fit FILE -m ulmfit -o language_model {path} --to FOLDER"
        )
    name = bundle.about.get("method")
    if name not in METHODS:
        raise ModelFolderError(
            f"{path} was made by the method {name!r}, which this textgraft does not have "
            f"(it has {', '.join(METHODS)}). Upgrade: pip install -U textgraft."
        )
    try:
        opened = encoder or opened_encoder(bundle, cache)
        return method_class(name).restored(bundle, opened)
    except (KeyError, TypeError, IndexError) as error:
        raise ModelFolderError(f"{path} is damaged: {error!r} while reading it.") from error
