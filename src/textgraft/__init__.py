"""textgraft: text classification by transfer learning, with an honest "I don't know".

>>> import textgraft as tg
>>> clf = tg.KNNClassifier(encoder="minilm", reject=tg.AtCoverage(0.95))

The names below load what they need on first use; importing textgraft does nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textgraft.core.decision import REJECTED
    from textgraft.core.plan import Plan
    from textgraft.core.rules import AtCoverage, AtRisk, AtSimilarity
    from textgraft.encoders import CachedEncoder, Encoder, load_encoder
    from textgraft.errors import (
        DataError,
        MissingExtraError,
        ModelFolderError,
        NotFittedError,
        ParameterError,
        TextgraftError,
        TrainingError,
        WeightsError,
    )
    from textgraft.experiments.comparing.compare import compare
    from textgraft.experiments.comparing.comparison import Comparison
    from textgraft.experiments.evaluate import Evaluation
    from textgraft.experiments.evaluate_labels import MultilabelEvaluation
    from textgraft.experiments.measuring import evaluate
    from textgraft.experiments.pictures.heatmap import draw_heatmap
    from textgraft.experiments.pictures.losses import draw_losses
    from textgraft.methods import METHODS, load
    from textgraft.methods.base import TextClassifier
    from textgraft.methods.blend import BlendClassifier
    from textgraft.methods.finetune import FinetuneClassifier
    from textgraft.methods.knn import KNNClassifier
    from textgraft.methods.linear import LinearClassifier
    from textgraft.methods.pair import PairClassifier
    from textgraft.methods.siamese import SiameseClassifier
    from textgraft.methods.tfidf import TfidfClassifier
    from textgraft.methods.transformer_gru import TransformerGRUClassifier
    from textgraft.methods.ulmfit import ULMFiTClassifier
    from textgraft.methods.word_gru import WordGRUClassifier
    from textgraft.training.records import Training

_PLACES = {
    "REJECTED": "core.decision",
    "AtCoverage": "core.rules",
    "AtRisk": "core.rules",
    "AtSimilarity": "core.rules",
    "CachedEncoder": "encoders",
    "Encoder": "encoders",
    "load_encoder": "encoders",
    "DataError": "errors",
    "MissingExtraError": "errors",
    "ModelFolderError": "errors",
    "NotFittedError": "errors",
    "ParameterError": "errors",
    "TextgraftError": "errors",
    "WeightsError": "errors",
    "Comparison": "experiments.comparing.comparison",
    "compare": "experiments.comparing.compare",
    "Evaluation": "experiments.evaluate",
    "MultilabelEvaluation": "experiments.evaluate_labels",
    "evaluate": "experiments.measuring",
    "draw_heatmap": "experiments.pictures.heatmap",
    "METHODS": "methods",
    "load": "methods",
    "TextClassifier": "methods.base",
    "BlendClassifier": "methods.blend",
    "KNNClassifier": "methods.knn",
    "LinearClassifier": "methods.linear",
    "TfidfClassifier": "methods.tfidf",
    "FinetuneClassifier": "methods.finetune",
    "ULMFiTClassifier": "methods.ulmfit",
    "PairClassifier": "methods.pair",
    "SiameseClassifier": "methods.siamese",
    "TransformerGRUClassifier": "methods.transformer_gru",
    "WordGRUClassifier": "methods.word_gru",
    "Training": "training.records",
    "draw_losses": "experiments.pictures.losses",
    "Plan": "core.plan",
    "TrainingError": "errors",
}

__all__ = [
    "METHODS",
    "REJECTED",
    "AtCoverage",
    "AtRisk",
    "AtSimilarity",
    "BlendClassifier",
    "CachedEncoder",
    "Comparison",
    "DataError",
    "Encoder",
    "Evaluation",
    "FinetuneClassifier",
    "KNNClassifier",
    "LinearClassifier",
    "MissingExtraError",
    "ModelFolderError",
    "MultilabelEvaluation",
    "NotFittedError",
    "PairClassifier",
    "ParameterError",
    "Plan",
    "SiameseClassifier",
    "TextClassifier",
    "TextgraftError",
    "TfidfClassifier",
    "Training",
    "TrainingError",
    "TransformerGRUClassifier",
    "ULMFiTClassifier",
    "WeightsError",
    "WordGRUClassifier",
    "compare",
    "draw_heatmap",
    "draw_losses",
    "evaluate",
    "load",
    "load_encoder",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("textgraft")
    if name not in _PLACES:
        raise AttributeError(f"module 'textgraft' has no attribute {name!r}")
    return getattr(importlib.import_module(f"textgraft.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
