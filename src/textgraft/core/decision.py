"""From belief to label: the most believed class, or none where the confidence is too low.

A *rule* (``core.rules``) is what a person asks for; fitting it on held-out confidence gives a
*threshold* (``core.threshold``). A text is rejected when its confidence is below the threshold.
"""

from __future__ import annotations

import numpy as np

from textgraft.core.scores import Scores
from textgraft.core.threshold import Threshold

REJECTED = "<rejected>"
"""The label of a text that no class is claimed for (``None`` would break sklearn.metrics)."""


def accepted(scores: Scores, threshold: Threshold) -> np.ndarray:
    """(n,) bool: whose confidence reaches the threshold."""
    return np.asarray(scores.confidence >= threshold.cuts(scores.best))


def decide(scores: Scores, classes: np.ndarray, threshold: Threshold) -> np.ndarray:
    """(n,) labels as objects: the most believed class, or ``REJECTED``."""
    labels = classes[scores.best].astype(object)
    labels[~accepted(scores, threshold)] = REJECTED
    return np.asarray(labels)
