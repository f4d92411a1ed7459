"""Language models that fastai published: a ``.pth`` of weights and a ``.pkl`` of words.

Both are pickles. Of the first, torch's ``weights_only`` reader takes tensors and nothing else; the second
is read by :mod:`textgraft.text.pickled_words`, which runs nothing at all.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textgraft.errors import WeightsError
from textgraft.language.folder import UNTRAINED, PretrainedLanguageModel, tensor_fault
from textgraft.networks.awd_settings import AWDSettings
from textgraft.text.pickled_words import read_pickled_words
from textgraft.text.special import BOS, PAD_ID, SPECIAL
from textgraft.text.vocabulary import PAD, UNK
from textgraft.text.vocabulary_transfer import transfer_vocabulary
from textgraft.text.word_tokens import WordTokens

if TYPE_CHECKING:
    from torch import Tensor

OURS = {"xxpad": PAD, "_pad_": PAD, "xxunk": UNK, "_unk_": UNK, "xxbos": BOS, "_bos_": BOS}
"""Special tokens that fastai spells otherwise, now and in 2018; ``xxmaj`` and the like are spelled alike."""

FAKE = "xxfake"
"""What fastai fills a vocabulary up with, to a number that eight divides; no text has it."""

_FORBIDDEN = re.compile(r"GLOBAL ([\w.]+)")
"""How torch names what it would have to import."""


def read_fastai(weights: str | Path, words: str | Path, *, backward: bool = False) -> PretrainedLanguageModel:
    """fastai's language model under our tokenizer.

    Words keep their vectors; special tokens of ours that it lacks start at the mean. fastai split texts
    with spaCy, we split them in the same style, so some words are found less often.

    Args:
        weights: a ``.pth`` of ``save_encoder``, of ``learn.save`` without its optimiser (``with_opt=False``)
            or the published models.
        words: the ``.pkl`` beside it, a list of strings.
        backward: whether the model reads texts from their end.

    Raises:
        WeightsError: the files are no such model, do not fit together, or hold more than tensors and words.
    """
    from textgraft.networks.fastai_names import from_fastai

    weights, words = Path(weights), Path(words)
    spelled = [OURS.get(word, word) for word in read_pickled_words(words)]
    real = [row for row, word in enumerate(spelled) if word != FAKE]
    known = [spelled[row] for row in real]
    if len(set(known)) != len(known):
        raise WeightsError(f"{words}: expected each word once, found one twice.")
    tensors = {name: tensor.float().numpy() for name, tensor in from_fastai(_tensors(weights)).items()}
    tensors = {name: array for name, array in tensors.items() if not name.startswith("head.")}
    embedding = tensors["body.embedding.weight"]
    if len(embedding) != len(spelled):
        raise WeightsError(
            f"{weights} has vectors of {len(embedding):,} words, {words} has {len(spelled):,}. "
            "Name the two files of one model."
        )
    # where only an encoder was saved there is none
    bias = tensors.setdefault("decoder.bias", np.zeros(len(spelled), np.float32))
    settings = _settings(weights, tensors)
    fault = tensor_fault(settings, tensors)
    if fault is not None:
        raise WeightsError(f"{weights} is no whole language model of fastai: {fault}. Save or copy it again.")
    vocabulary = (*SPECIAL, *(word for word in known if word not in SPECIAL))
    found = transfer_vocabulary(known, embedding[real], vocabulary, bias[real])
    assert found.bias is not None
    tensors["body.embedding.weight"], tensors["decoder.bias"] = found.matrix, found.bias
    tensors["body.embedding.weight"][PAD_ID] = 0.0
    settings = replace(settings, vocabulary_size=len(vocabulary))
    note = f"Read from fastai's {weights.name}: {found.kept:,} words kept, {found.new:,} new."
    training = replace(UNTRAINED, notes=(note,))
    return PretrainedLanguageModel(settings, tensors, WordTokens(vocabulary), backward, training, None, {})


def _tensors(path: Path) -> dict[str, Tensor]:
    import torch

    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged file raises errors of any kind within torch's reader
        raise _refused(path, error) from None
    # learn.save keeps the optimiser beside the model
    found = found.get("model", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items()
    ):
        raise WeightsError(f"{path}: expected tensors by name, found {type(found).__name__}.")
    return found


def _refused(path: Path, error: Exception) -> WeightsError:
    """In words of ours alone: torch's go on to say how to run what the file holds."""
    forbidden = _FORBIDDEN.search(str(error))
    if forbidden is None:
        return WeightsError(f"{path}: expected a file of tensors, found another or a damaged one.")
    return WeightsError(
        f"{path}: expected tensors alone, found {forbidden[1]} as well, so nothing of it was run. Save the "
        "weights alone, as save_encoder does, or learn.save with with_opt=False."
    )


def _settings(path: Path, tensors: dict[str, np.ndarray]) -> AWDSettings:
    """Sizes, as the tensors have them."""
    embedding = tensors["body.embedding.weight"]
    places = {int(name.split(".")[2]) for name in tensors if name.startswith("body.layers.")}
    recurrent = tensors.get("body.layers.0.weight_hh_l0")
    first = tensors.get("body.layers.0.weight") if recurrent is None else recurrent
    if first is None or first.ndim != 2 or places != set(range(len(places))):
        raise WeightsError(f"{path}: expected layers one after another, found {sorted(places)}.")
    ends = 2 if any(name.endswith("_reverse") for name in tensors) else 1
    units = len(first) // (3 if recurrent is None else 4) * ends
    return AWDSettings(
        len(embedding),
        embedding.shape[1],
        units,
        len(places),
        PAD_ID,
        "qrnn" if recurrent is None else "lstm",
        ends == 2,
    )
