"""Learning a language model, keeping it in a folder, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import textgraft as tg
from textgraft.bundle import Bundle, write_bundle
from textgraft.core.progress import Progress, unwatched
from textgraft.errors import DataError, ModelFolderError, ParameterError, TrainingError
from textgraft.language.folder import PretrainedLanguageModel, open_language_model
from textgraft.language.pretraining import Pretraining, epoch_sentence, pretrain
from textgraft.language.tokenizers import kept_tokenizer
from textgraft.text.documents import Documents
from textgraft.text.special import SPECIAL
from textgraft.text.subwords import train_subwords

WORDS = ("the cat sat on the mat", "a dog ran to the park", "the bird sang in a tree", "we saw the cat run")
TEXTS = [f"{WORDS[n % 4]} . {WORDS[(n + 1) % 4]} ." for n in range(60)]
TOKENIZER = train_subwords(TEXTS, 330)
SMALL = Pretraining(embedding=16, hidden=24, layers=2, epochs=3, rate=2e-2, batch_size=4, window=12)


def documents(texts: list[str] = TEXTS) -> Documents:
    return Documents.of(TOKENIZER.ids(texts))


def learn(how: Pretraining = SMALL, **arguments: object) -> PretrainedLanguageModel:
    return pretrain(documents(), documents(TEXTS[:6]), TOKENIZER, how, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
@pytest.mark.parametrize("backward", [False, True])
def test_a_model_learns_what_comes_next(kind: str, backward: bool) -> None:
    model = learn(replace(SMALL, kind=kind, backward=backward, dropout=0.1))
    reports = [report.valid_loss or math.inf for report in model.training.reports]
    assert len(reports) == 3
    assert reports[-1] < reports[0] < math.log(len(TOKENIZER.vocabulary))
    assert model.perplexity == pytest.approx(math.exp(min(reports)))
    assert model.backward is backward


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["lstm", "qrnn"])
def test_a_gpu_learns_what_a_processor_does(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = learn(replace(SMALL, kind=kind, dropout=0.0))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    expected = learn(replace(SMALL, kind=kind, dropout=0.0))
    # bf16 on either, so about the same and not the same
    assert found.perplexity == pytest.approx(expected.perplexity, rel=0.1)
    assert all(isinstance(tensor, np.ndarray) for tensor in found.tensors.values())


def test_a_sample_of_the_vocabulary_teaches_too() -> None:
    model = learn(replace(SMALL, sampled=60, dropout=0.1))
    reports = [report.valid_loss or math.inf for report in model.training.reports]
    assert reports[-1] < reports[0] < math.log(len(TOKENIZER.vocabulary))
    exact = learn(replace(SMALL, dropout=0.1))
    # measured on the whole vocabulary, so not far from what exact learning gives
    assert model.perplexity < 1.5 * exact.perplexity


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    first, second, other = learn(), learn(), learn(replace(SMALL, seed=1))
    for name, tensor in first.tensors.items():
        np.testing.assert_array_equal(second.tensors[name], tensor)
    assert any(not np.array_equal(other.tensors[name], tensor) for name, tensor in first.tensors.items())


@pytest.mark.parametrize("step", [3, 17, 40])
def test_a_run_that_was_stopped_within_an_epoch_goes_on_to_the_same_weights(
    tmp_path: Path, step: int
) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.what == "training" and progress.done == step:
            raise Stopped

    whole = learn()
    # a checkpoint after every step: what a layer carries must be in it
    with pytest.raises(Stopped):
        learn(run=tmp_path, watch=stop, seconds=0.0)
    resumed = learn(run=tmp_path)
    assert any("Resumed" in note for note in resumed.training.notes)
    for name, tensor in whole.tensors.items():
        np.testing.assert_array_equal(resumed.tensors[name], tensor)


def test_a_run_does_not_go_on_with_another_corpus(tmp_path: Path) -> None:
    learn(run=tmp_path, corpus="one")
    with pytest.raises(TrainingError, match="another run"):
        learn(run=tmp_path, corpus="two")


@pytest.mark.parametrize("kind", ["subwords", "words"])
def test_a_vocabulary_has_as_many_tokens_as_were_asked_for(tmp_path: Path, kind: str) -> None:
    texts = [f"{n} word{n} twice{n}" for n in range(400)] * 2
    found = kept_tokenizer(tmp_path / "tokenizer.json", lambda: texts, kind, 350, "", unwatched)
    assert len(found.vocabulary) == 350
    assert found.vocabulary[: len(SPECIAL)] == SPECIAL


def test_a_folder_gives_back_the_same_model(tmp_path: Path) -> None:
    model = learn()
    model.save(tmp_path / "a.lm")
    found = open_language_model(tmp_path / "a.lm")
    assert found.settings == model.settings
    assert found.training == model.training
    assert found.perplexity == model.perplexity
    assert found.corpus == model.corpus
    assert found.tokenizer.to_json() == TOKENIZER.to_json()
    ids = torch.from_numpy(TOKENIZER.ids(["the cat sat"])[0])[None]
    with torch.no_grad():
        torch.testing.assert_close(found.network()(ids).raw, model.network()(ids).raw, rtol=0, atol=0)


def test_a_classifier_is_no_language_model(tmp_path: Path) -> None:
    tg.TfidfClassifier().fit(["a b", "c d"] * 4, ["x", "y"] * 4).save(tmp_path / "a.model")
    with pytest.raises(ModelFolderError, match=r"classifier of the method 'tfidf'.* --to FOLDER"):
        open_language_model(tmp_path / "a.model")
    model = learn()
    with pytest.raises(ModelFolderError, match="is a classifier, which a language model would replace"):
        model.save(tmp_path / "a.model")
    model.save(tmp_path / "a.lm")
    with pytest.raises(ModelFolderError, match="is a language model, expected a classifier"):
        tg.load(tmp_path / "a.lm")


def test_a_tokenizer_of_another_size_is_refused(tmp_path: Path) -> None:
    model = learn()
    other = train_subwords(TEXTS, 300)
    replace(model, tokenizer=other).save(tmp_path / "a.lm")
    with pytest.raises(ModelFolderError, match="300 tokens"):
        open_language_model(tmp_path / "a.lm")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decoder.bias": None}, r"expected decoder\.bias, found none"),
        ({"body.embedding.weight": (330, 3)}, r"of the shape \(\d+, 16\), found \(330, 3\)"),
        ({"body.layers.7.bias": (3,)}, "found body.layers.7.bias, which no language model"),
    ],
)
def test_tensors_of_another_size_are_refused(
    tmp_path: Path, change: dict[str, tuple[int, ...] | None], said: str
) -> None:
    model = learn(replace(SMALL, epochs=1))
    zeros = {name: np.zeros(shape, np.float32) for name, shape in change.items() if shape is not None}
    kept = {name: tensor for name, tensor in model.tensors.items() if name not in change}
    replace(model, tensors=kept | zeros).save(tmp_path / "a.lm")
    with pytest.raises(ModelFolderError, match=said) as caught:
        open_language_model(tmp_path / "a.lm")
    assert str(tmp_path / "a.lm") in str(caught.value)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "a.lm", Bundle({"kind": "language model"}, {}, {}))
    with pytest.raises(ModelFolderError, match="damaged"):
        open_language_model(tmp_path / "a.lm")


@pytest.mark.parametrize("sampled", [len(TOKENIZER.vocabulary), 5_000])
def test_a_draw_as_large_as_the_vocabulary_is_refused(sampled: int) -> None:
    with pytest.raises(ParameterError, match=f"has, which is {len(TOKENIZER.vocabulary)}; found sampled"):
        learn(replace(SMALL, sampled=sampled))


def test_too_few_tokens_are_refused_in_one_line() -> None:
    with pytest.raises(DataError, match="lanes") as caught:
        pretrain(documents(["hi"]), documents(["hi"]), TOKENIZER, replace(SMALL, batch_size=64))
    assert "\n" not in str(caught.value)


def test_all_faults_of_numbers_are_told_at_once() -> None:
    with pytest.raises(ParameterError) as caught:
        Pretraining(kind="gru", embedding=0, rate=0.0, dropout=-1.0, weight_decay=2.0, seed=-1)
    for name in ("kind", "embedding", "rate", "dropout", "weight_decay", "seed"):
        assert f"{name} must be" in str(caught.value)


def test_the_sentence_of_an_epoch_has_what_a_person_waits_for() -> None:
    report = replace(learn().training.reports[0], valid_loss=math.log(80.0), seconds=2.0)
    said = epoch_sentence(report, 5_000)
    assert "perplexity 80.0" in said
    assert "2,500 tokens/s" in said
    json.dumps(said)
