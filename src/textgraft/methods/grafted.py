"""Language models under a classifier's head: how they answer, and how they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.bundle import Bundle, in_full, in_half, with_prefix, without_prefix
from textgraft.encoders.precision import choose_device, choose_precision
from textgraft.language.folder import PretrainedLanguageModel
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.evidence import unit_rows
from textgraft.networks.awd_settings import AWDSettings
from textgraft.text.documents import backwards
from textgraft.text.special import PAD_ID
from textgraft.text.tokenizer import Tokenizer, tokenizer_from_json
from textgraft.training.records import Training, training_from_json, training_to_json

if TYPE_CHECKING:
    from textgraft.networks.recurrent_classifier import RecurrentClassifier

TOKENS_A_BATCH = 16_384
"""Tokens read together when answering; recurrent layers want more texts side by side than attention."""

EMBEDDING, DECODER_BIAS = "body.embedding.weight", "decoder.bias"
"""Names of what a language model has for each word."""

PROBABLE = 1e-12
"""Added to a probability before its logarithm is taken."""


@dataclass(frozen=True)
class Graft:
    """One language model with a head, as arrays.

    Attributes:
        settings: sizes of the body.
        tensors: of a :class:`textgraft.networks.recurrent_classifier.RecurrentClassifier`, by name; matrices
            hold numbers that float16 has.
        decoder_bias: (v,) of the language model that the body came from.
        tokenizer: how texts become ids.
        backward: whether texts are read from their end.
        pool: what the head sees of the states.
        n_classes: c.
        max_tokens: read of a text.
    """

    settings: AWDSettings
    tensors: dict[str, np.ndarray]
    decoder_bias: np.ndarray
    tokenizer: Tokenizer
    backward: bool
    pool: str
    n_classes: int
    max_tokens: int

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, as many as are read."""
        return as_read(self.tokenizer.ids(list(texts)), self.max_tokens, backward=self.backward)

    def language_model(self, training: Training) -> PretrainedLanguageModel:
        """The body with its decoder: a language model again, to be grafted elsewhere.

        Args:
            training: how it came to be.
        """
        body = {name: array for name, array in self.tensors.items() if name.startswith("body.")}
        tensors = {name: array.astype(np.float32) for name, array in body.items()}
        tensors[DECODER_BIAS] = self.decoder_bias
        return PretrainedLanguageModel(
            self.settings, tensors, self.tokenizer, self.backward, training, None, {}
        )

    @cached_property
    def _network(self) -> RecurrentClassifier:
        from textgraft.networks.awd_lstm import AWDLSTM
        from textgraft.networks.awd_settings import NO_DROPOUT
        from textgraft.networks.recurrent_classifier import RecurrentClassifier
        from textgraft.networks.tensors import put_tensors

        network = RecurrentClassifier(AWDLSTM(self.settings, NO_DROPOUT), self.n_classes, pool=self.pool)
        put_tensors(network, self.tensors, strict=True)
        return network.requires_grad_(False).eval().to(choose_device("auto"))

    def vectors_and_logits(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, v), pooled states behind batch-norm, and logits (n, c) of n texts."""
        from textgraft.networks.running import outputs_in_order

        network, device = self._network, choose_device("auto")
        both = outputs_in_order(
            network.vectors_and_logits,
            self.ids(texts),
            network.dim + self.n_classes,
            PAD_ID,
            device,
            choose_precision("auto", device) == "bf16",
            TOKENS_A_BATCH,
        )
        return both[:, : network.dim], both[:, network.dim :]


@dataclass(frozen=True)
class Grafts:
    """What ULMFiT learned: one language model under a head, or a forward and a backward one.

    Attributes:
        grafts: those that answer together.
        evidence: (n, v) float16 vectors of the training texts, of length 1.
        codes: (n,) their class codes, or (n, c) 0/1.
        training: how it came to be.
    """

    grafts: tuple[Graft, ...]
    evidence: np.ndarray
    codes: np.ndarray
    training: Training

    @property
    def running(self) -> Grafts:
        """What answers."""
        return self

    @cached_property
    def of_classes(self) -> ClassEvidence:
        return ClassEvidence(self.evidence, self.codes, self.grafts[0].n_classes)

    def vectors_and_logits(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, v) of length 1 and logits (n, c) of n texts."""
        return answers_together(self.grafts, texts, several=self.codes.ndim == 2)

    def packed(self) -> Bundle:
        """Settings, arrays and words to make it again."""
        about: dict[str, Any] = {"training": training_to_json(self.training), "grafts": []}
        arrays = {"evidence": self.evidence, "codes": self.codes}
        texts = {}
        for number, graft in enumerate(self.grafts):
            about["grafts"].append(
                {
                    "settings": asdict(graft.settings),
                    "backward": graft.backward,
                    "pool": graft.pool,
                    "n_classes": graft.n_classes,
                    "max_tokens": graft.max_tokens,
                }
            )
            arrays |= with_prefix(f"graft {number}.", in_half(graft.tensors))
            arrays[f"decoder bias {number}"] = graft.decoder_bias
            texts[f"tokenizer {number}"] = graft.tokenizer.to_json().split("\n")
        return Bundle(about, arrays, texts)


def grafts_from(packed: Bundle) -> Grafts:
    """The inverse of :meth:`Grafts.packed`."""
    arrays = packed.arrays
    grafts = tuple(
        Graft(
            **(about | {"settings": AWDSettings(**about["settings"])}),
            tensors=in_full(without_prefix(f"graft {number}.", arrays)),
            decoder_bias=arrays[f"decoder bias {number}"],
            tokenizer=tokenizer_from_json("\n".join(packed.texts[f"tokenizer {number}"])),
        )
        for number, about in enumerate(packed.about["grafts"])
    )
    return Grafts(grafts, arrays["evidence"], arrays["codes"], training_from_json(packed.about["training"]))


def answers_together(
    grafts: Sequence[Graft], texts: list[str], *, several: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, v) of length 1, side by side, and the logarithm (n, c) of the mean belief.

    Where a text may have ``several`` labels, each believed by itself, it is the log-odds of the mean belief.
    """
    from scipy.special import expit, logit, softmax

    vectors, logits = zip(*(graft.vectors_and_logits(texts) for graft in grafts), strict=True)
    if len(grafts) == 1:
        return unit_rows(vectors[0]), logits[0]
    together = unit_rows(np.concatenate([unit_rows(one) for one in vectors], axis=1))
    if several:
        belief = np.mean([expit(one.astype(np.float64)) for one in logits], axis=0)
        return together, logit(np.clip(belief, PROBABLE, 1.0 - PROBABLE))
    belief = np.mean([softmax(one, axis=1) for one in logits], axis=0)
    return together, np.log(belief + PROBABLE)


def as_read(ids: Sequence[np.ndarray], limit: int, *, backward: bool = False) -> list[list[int]]:
    """Ids of each text in the order in which a language model reads them, the first ``limit`` of them."""
    return [(backwards(one) if backward else one)[:limit].tolist() for one in ids]


@dataclass(frozen=True)
class WordsInUse:
    """The words of a language model that some texts have.

    The others learn nothing from these texts, but would cost the optimiser as much.

    Attributes:
        words: (u,) their ids, ascending; ``<pad>`` is the first.
    """

    words: np.ndarray

    @classmethod
    def of(cls, ids: Sequence[list[int]]) -> WordsInUse:
        """Those of some texts."""
        return cls(np.unique(np.concatenate([[PAD_ID], *ids]).astype(np.int64)))

    def renumbered(self, ids: Sequence[list[int]]) -> list[list[int]]:
        """Ids of texts that have no other words, from 0 to u − 1."""
        return [np.searchsorted(self.words, row).tolist() for row in ids]

    def alone(self, model: PretrainedLanguageModel) -> PretrainedLanguageModel:
        """The model as if it knew these words alone; its tokenizer stays, so ids have to be renumbered."""
        tensors = {name: model.tensors[name][self.words] for name in (EMBEDDING, DECODER_BIAS)}
        settings = replace(model.settings, vocabulary_size=len(self.words))
        return replace(model, settings=settings, tensors=model.tensors | tensors)

    def among_all(
        self, tensors: dict[str, np.ndarray], model: PretrainedLanguageModel
    ) -> dict[str, np.ndarray]:
        """Tensors of a network over these words, with the vectors that all others have in the model."""
        whole = model.tensors[EMBEDDING].copy()
        whole[self.words] = tensors[EMBEDDING]
        return tensors | {EMBEDDING: whole}
