"""A sentence encoder that reads its lower layers too, asked for by its name."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

import textgraft as tg
from textgraft.encoders.sentence import SentenceEncoder
from textgraft.errors import ParameterError, WeightsError

TEXTS = ["red apple", "a steel saw cuts the red apple", "red", "a green pear and a red apple"]
LABELS = ["fruit", "tool", "fruit", "fruit"]


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "modernbert", "electra"])
def test_the_second_part_is_the_mean_of_the_lower_half_of_the_layers(
    family: str, tiny_models: Callable[[str], Path]
) -> None:
    from transformers import AutoModel

    folder = str(tiny_models(family))
    plain = tg.load_encoder(folder, cache=None, precision="fp32")
    both = tg.load_encoder(f"{folder}+lower", cache=None, precision="fp32")
    vectors = torch.from_numpy(both.encode(TEXTS))
    assert both.dim == 2 * plain.dim == vectors.shape[1]
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))
    last, lower = vectors.chunk(2, dim=1)
    expected = normalize(torch.from_numpy(plain.encode(TEXTS)), dim=1)
    torch.testing.assert_close(normalize(last, dim=1), expected, atol=1e-4, rtol=1e-3)

    body = AutoModel.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    assert isinstance(plain, SentenceEncoder)
    for row, ids in zip(lower, plain._opened.tokenizer.ids(TEXTS, None), strict=True):
        with torch.inference_mode():
            every = body(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
        assert len(every) == 3
        wanted = normalize(((every[0] + every[1]) / 2)[0].mean(0), dim=0)
        torch.testing.assert_close(normalize(row, dim=0), wanted, atol=1e-4, rtol=1e-3)


def test_it_is_another_encoder_to_caches_and_saved_models(tiny_models: Callable[[str], Path]) -> None:
    folder = str(tiny_models("bert"))
    plain, both = (tg.load_encoder(name, cache=None) for name in (folder, f"{folder}+lower"))
    assert both.name == f"{plain.name}+lower"
    assert both.weights_fingerprint != plain.weights_fingerprint
    assert both.fingerprint != plain.fingerprint
    again = pickle.loads(pickle.dumps(both))
    assert again == both
    assert again.weights_fingerprint == both.weights_fingerprint
    assert np.array_equal(again.encode(TEXTS), both.encode(TEXTS))


@pytest.mark.parametrize("method", ["linear", "knn", "blend"])
def test_methods_learn_from_it_and_remember_it(
    method: str, tiny_models: Callable[[str], Path], tmp_path: Path
) -> None:
    kind = {"linear": tg.LinearClassifier, "knn": tg.KNNClassifier, "blend": tg.BlendClassifier}[method]
    clf = kind(encoder=f"{tiny_models('bert')}+lower").fit(TEXTS * 3, LABELS * 3)
    clf.save(tmp_path / "model")
    loaded = tg.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict_proba(TEXTS), clf.predict_proba(TEXTS), atol=1e-3)
    assert loaded.encoder_ is not None
    assert loaded.encoder_.name.endswith("+lower")


def test_a_network_that_learns_refuses_it_in_one_line(tiny_models: Callable[[str], Path]) -> None:
    folder = str(tiny_models("bert"))
    with pytest.raises(ParameterError, match=r"methods that leave it frozen; this one needs '.*bert'\.$"):
        tg.FinetuneClassifier(encoder=f"{folder}+lower").fit(TEXTS, LABELS)


@pytest.mark.parametrize("name", ["use", "hashing", "hashing:64"])
def test_encoders_without_layers_refuse_it(name: str) -> None:
    with pytest.raises(ParameterError, match=f"'{name}' has no lower layers"):
        tg.load_encoder(f"{name}+lower")


def test_a_folder_of_such_a_name_is_itself(tiny_models: Callable[[str], Path], tmp_path: Path) -> None:
    place = tmp_path / "mine+lower"
    place.symlink_to(tiny_models("bert"), target_is_directory=True)
    assert tg.load_encoder(str(place), cache=None).dim == 32


def test_an_unknown_name_is_still_unknown() -> None:
    with pytest.raises(WeightsError, match="Unknown encoder 'minlm'"):
        tg.load_encoder("minlm+lower")


def test_the_packaged_encoder_tells_texts_of_like_words_apart() -> None:
    encoder = tg.load_encoder("minilm+lower", cache=None)
    assert encoder.dim == 768
    vectors = encoder.encode(["how do I pay?", "How do I pay?", "what must I do to settle my bill"])
    likeness = vectors @ vectors[0]
    assert likeness[1] > 0.99 > likeness[2]
