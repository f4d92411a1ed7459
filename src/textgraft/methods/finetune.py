"""Fine-tuning: all layers of a pretrained encoder learn the task.

Devlin et al., "BERT", 2019; with three things that small data needs:

* few rows are first brought together class by class (supervised contrastive warm-up, Khosla
  et al., 2020; the idea of SetFit, Tunstall et al., 2022, without its pairs);
* the head starts as the linear probe of the frozen vectors (Kumar et al., "Fine-Tuning Can
  Distort Pretrained Features", 2022);
* word embeddings stay frozen: rows of words that no training text has could not follow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np

from textgraft.bundle import Bundle
from textgraft.core.decision import Rule
from textgraft.core.plan import Plan, one_cycle
from textgraft.core.progress import Progress, Watch
from textgraft.core.scores import Scores
from textgraft.encoders import Encoder, as_encoder
from textgraft.encoders.encoder import as_trainable
from textgraft.methods.base import Features, Lesson, TextClassifier
from textgraft.methods.confidence import ClassEvidence, scores_of_logits
from textgraft.methods.evidence import unit_rows
from textgraft.methods.limits import check_class_count
from textgraft.training.records import Training


@dataclass(frozen=True)
class Tuned:
    """A tuned network, ready to run, and what it takes to make it again.

    Attributes:
        running: network and tokenizer as they answer.
        changed: tensors that differ from the pretrained ones, and the head, fp32.
        settings: what the network was built with.
        evidence: (n, d) float16 vectors of the training texts, of length 1.
        codes: (n,) their class codes.
        training: how it came to be.
    """

    running: Any
    changed: dict[str, np.ndarray]
    settings: dict[str, Any]
    evidence: np.ndarray
    codes: np.ndarray
    training: Training

    @cached_property
    def of_classes(self) -> ClassEvidence:
        return ClassEvidence(self.evidence, self.codes, self.settings["n_classes"])
