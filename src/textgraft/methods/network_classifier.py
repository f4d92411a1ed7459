"""A classifier whose network gives vectors and logits of texts."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import expit

from textgraft.core.scores import Scores
from textgraft.methods.base import TextClassifier
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.confidence.kinds import Confidence, scores_of_logits
from textgraft.methods.lesson import Features, Lesson
from textgraft.methods.runs import option_names, run_folder

if TYPE_CHECKING:
    from textgraft.training.settings import Settings


class Answering(Protocol):
    """A network as it answers."""

    def vectors_and_logits(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, e) of length 1 and logits (n, c) of n texts."""


class LearnedNetwork(Protocol):
    """What such a classifier learned."""

    @property
    def running(self) -> Answering:
        """The network."""

    @property
    def of_classes(self) -> ClassEvidence:
        """The training texts, by class."""


class NetworkClassifier(TextClassifier, ABC):
    """What is the same for all of them: how they answer, and how training is set up."""

    reads = "texts"
    answers_with = ("confidence",)

    patience: int | None
    confidence: str

    def _score(self, learned: LearnedNetwork, features: Features, n_classes: int) -> Scores:
        vectors, logits = learned.running.vectors_and_logits(list(features))
        return scores_of_logits(logits, vectors, learned.of_classes, Confidence(self.confidence))

    def _believe(self, learned: LearnedNetwork, features: Features) -> np.ndarray:
        logits = learned.running.vectors_and_logits(list(features))[1]
        return np.asarray(expit(logits.astype(np.float64)))

    def _embed(self, learned: LearnedNetwork, features: Features) -> np.ndarray:
        return learned.running.vectors_and_logits(list(features))[0]

    def _settings(self, lesson: Lesson, stage: str, device: str, *, bf16: bool, **found: str) -> Settings:
        """Where and how one stage trains.

        Args:
            lesson, stage: as of :func:`textgraft.methods.runs.run_folder`.
            device, bf16: where, and in which precision.
            found: fingerprints of what parameters name, for whose names they stand in the run.
        """
        from textgraft.training.settings import Settings

        parameters = self.get_params(deep=False)
        return Settings(
            seed=self.seed,
            device=device,
            bf16=bf16,
            patience=self.patience,
            run=run_folder(lesson, stage, parameters | found),
            options=option_names(parameters),
        )
