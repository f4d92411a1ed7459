"""Opening a model folder for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier


def open_model(path: Path, reject: str | None, cache: str | None = "auto") -> TextClassifier:
    """The classifier in a folder, under another rejection rule if one is given.

    Raises:
        ModelFolderError, WeightsError: it cannot be opened.
        ParameterError, DataError: the rule cannot be.
    """
    from textgraft.core.rules import parse_rule
    from textgraft.methods import load

    rule = None if reject is None else parse_rule(reject)
    classifier = load(path, cache=cache)
    return classifier if reject is None else classifier.set_rejection(rule)
