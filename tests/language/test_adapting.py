"""A language model learns the language of some texts: what it keeps, what is new, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from textgraft.core.progress import Progress
from textgraft.core.schedules import Constant, SlantedTriangular
from textgraft.errors import DataError, ParameterError, TrainingError
from textgraft.language.adapting import Adapting, adapt, adapting_plan, adapting_run, with_words_of
from textgraft.language.folder import PretrainedLanguageModel, open_language_model
from textgraft.language.measuring import perplexity
from textgraft.language.pretraining import Pretraining, pretrain
from textgraft.text.documents import Documents
from textgraft.text.special import PAD_ID, SPECIAL, UNK_ID
from textgraft.text.subwords import train_subwords
from textgraft.text.tokenizer import Tokenizer
from textgraft.text.word_tokens import train_words
from textgraft.training.records import Training

WORDS = ("the cat sat on the mat", "a dog ran to the park", "the bird sang in a tree", "we saw the cat run")
TEXTS = [f"{WORDS[n % 4]} . {WORDS[(n + 1) % 4]} ." for n in range(60)]
THINGS, DAYS = ("refund", "parcel", "invoice"), ("monday", "friday", "sunday", "today", "soon")
DOMAIN = [f"{THINGS[n % 3]} for the order , please . we saw the dog {DAYS[n % 5]} ." for n in range(40)]
NEW = {*THINGS, *DAYS, "for", "order", ",", "please"}
SIZES = Pretraining(
    embedding=12, hidden=16, layers=2, rate=2e-2, batch_size=4, window=12, epochs=3, dropout=0.1
)
FAST = Adapting(epochs=3, rate=2e-2, batch_size=4, window=12, dropout=0.1)


def learned(tokenizer: Tokenizer, how: Pretraining = SIZES) -> PretrainedLanguageModel:
    documents = Documents.of(tokenizer.ids(TEXTS))
    return pretrain(documents, documents.some(np.arange(6)), tokenizer, how)


@pytest.fixture(scope="module")
def words() -> PretrainedLanguageModel:
    return learned(train_words(TEXTS))


@pytest.fixture(scope="module")
def subwords() -> PretrainedLanguageModel:
    return learned(train_subwords(TEXTS, 330))


def asked_of_the_loop(
    model: PretrainedLanguageModel, texts: list[str], how: Adapting
) -> tuple[PretrainedLanguageModel, dict[str, Any]]:
    """What the training loop would be given, and what becomes of the model without it."""
    asked: dict[str, Any] = {}

    def trainer(network: Any, plan: Any, batches: Any, loss_of: Any, **rest: Any) -> Training:
        asked.update(network=network, plan=plan, batches=batches, loss_of=loss_of, **rest)
        return Training(plan, (), 0)

    return adapt(model, texts, how, trainer=trainer), asked


def same(first: PretrainedLanguageModel, second: PretrainedLanguageModel) -> bool:
    assert first.tensors.keys() == second.tensors.keys()
    return all(np.array_equal(tensor, second.tensors[name]) for name, tensor in first.tensors.items())


# ── words ───────────────────────────────────────────────────────────────────────────


def test_words_of_the_model_stay_and_new_ones_start_at_the_mean(words: PretrainedLanguageModel) -> None:
    grown = with_words_of(words, DOMAIN, min_count=2, most_new=100)
    n = len(words.tokenizer.vocabulary)
    assert grown.tokenizer.vocabulary[:n] == words.tokenizer.vocabulary
    assert set(grown.tokenizer.vocabulary[n:]) == NEW
    assert grown.settings.vocabulary_size == n + len(NEW)
    for name in ("body.embedding.weight", "decoder.bias"):
        old, new = words.tensors[name], grown.tensors[name]
        np.testing.assert_array_equal(new[:n], old)
        np.testing.assert_allclose(new[n:], np.broadcast_to(old.mean(0), new[n:].shape), rtol=1e-4, atol=1e-7)
    others = set(words.tensors) - {"body.embedding.weight", "decoder.bias"}
    assert all(np.array_equal(words.tensors[name], grown.tensors[name]) for name in others)
    grown.network()


def test_the_vector_of_padding_stays_nothing(words: PretrainedLanguageModel) -> None:
    vectors = words.tensors["body.embedding.weight"].copy()
    vectors[PAD_ID] = 0.0
    model = replace(words, tensors=words.tensors | {"body.embedding.weight": vectors})
    grown = with_words_of(model, DOMAIN, min_count=1, most_new=100)
    assert not grown.tensors["body.embedding.weight"][PAD_ID].any()


def test_new_words_come_by_how_often_they_occur(words: PretrainedLanguageModel) -> None:
    texts = ["beta alpha gamma beta alpha", "gamma alpha gamma delta the gamma the <unk> xxpad"]
    n = len(words.tokenizer.vocabulary)

    def new(min_count: int, most_new: int) -> tuple[str, ...]:
        found = with_words_of(words, texts, min_count=min_count, most_new=most_new)
        return found.tokenizer.vocabulary[n:]

    assert new(2, 100) == ("gamma", "alpha", "beta")
    assert new(2, 2) == ("gamma", "alpha")
    assert "delta" in new(1, 100)
    assert not set(new(1, 100)) & set(SPECIAL)


def test_nothing_new_gives_the_model_itself(
    words: PretrainedLanguageModel, subwords: PretrainedLanguageModel
) -> None:
    assert with_words_of(words, TEXTS, min_count=1, most_new=100) is words
    assert with_words_of(words, DOMAIN, min_count=1_000, most_new=100) is words
    assert with_words_of(words, DOMAIN, min_count=2, most_new=0) is words
    assert with_words_of(words, ["", " "], min_count=1, most_new=100) is words
    assert with_words_of(subwords, DOMAIN, min_count=1, most_new=100) is subwords


# ── learning ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["words", "subwords"])
def test_a_domain_is_foreseen_better(kind: str, request: pytest.FixtureRequest) -> None:
    model: PretrainedLanguageModel = request.getfixturevalue(kind)
    # no text that is learned from has the words of the others together
    domain = [text for text in DOMAIN if "parcel" not in text or "friday" not in text]
    grown = with_words_of(model, domain, min_count=2, most_new=100)
    others = Documents.of(grown.tokenizer.ids([text for text in DOMAIN if text not in domain]))
    adapted = adapt(model, domain, replace(FAST, epochs=5, factor=1.0))
    assert adapted.tokenizer == grown.tokenizer
    assert perplexity(adapted, others) < 0.6 * perplexity(grown, others)
    assert adapted.perplexity is not None
    losses = [report.valid_loss or math.inf for report in adapted.training.reports]
    assert adapted.perplexity == pytest.approx(math.exp(min(losses)))
    assert adapted.corpus == {
        "documents": 33,
        "tokens": adapted.corpus["tokens"],
        "held_out_documents": 4,
        "held_out_tokens": adapted.corpus["held_out_tokens"],
    }
    every = sum(len(ids) for ids in grown.tokenizer.ids(domain))
    assert adapted.corpus["tokens"] + adapted.corpus["held_out_tokens"] == every


def test_what_a_person_is_told(words: PretrainedLanguageModel) -> None:
    adapted = adapt(words, [*DOMAIN, "", "singleton"], FAST)
    learns, blank, vocabulary, unknown, measured = adapted.training.notes
    n, tokens = len(words.tokenizer.vocabulary), adapted.corpus["tokens"]
    assert learns == f"Learned from {tokens:,} tokens of 37 texts."
    assert blank == "Blank texts passed over: 1."
    assert vocabulary == f"Vocabulary: {n} words kept, {len(NEW)} new."
    ids = np.concatenate(adapted.tokenizer.ids([*DOMAIN, "singleton"]))
    all_words = int((ids == UNK_ID).sum() + (ids >= len(SPECIAL)).sum())
    assert unknown == f"Unknown words: {100 / all_words:.1f} % of those in the texts."
    assert measured.startswith("Perplexity of 4 held-out texts: ")
    assert measured.endswith(f"{adapted.perplexity:,.1f} after epoch {adapted.training.best_epoch} of 3.")


def test_subwords_have_no_sentence_about_words(subwords: PretrainedLanguageModel) -> None:
    notes = adapt(subwords, DOMAIN, FAST).training.notes
    assert len(notes) == 2
    assert not any("ocabulary" in note or "nknown" in note for note in notes)


def test_the_model_before_is_what_the_sentence_says(words: PretrainedLanguageModel) -> None:
    # without training, what is kept is the model with its new words
    adapted, asked = asked_of_the_loop(words, DOMAIN, FAST)
    held_out = asked["valid"].windows.documents
    grown = with_words_of(words, DOMAIN, min_count=2, most_new=100)
    assert same(adapted, grown)
    lanes = asked["batches"].windows.lanes
    before = perplexity(grown, held_out, lanes=lanes, window=FAST.window)
    assert adapted.training.notes[-1] == f"Perplexity of 4 held-out texts: {before:,.1f} before."
    assert adapted.perplexity is None


def test_rates_shrink_from_layer_to_layer_under_a_slanted_triangle(words: PretrainedLanguageModel) -> None:
    _, asked = asked_of_the_loop(words, DOMAIN, replace(FAST, rate=4e-3))
    plan = asked["plan"]
    assert plan == adapting_plan(plan.groups, replace(FAST, rate=4e-3))
    (phase,) = plan.phases
    assert (phase.name, phase.epochs, phase.schedule) == ("adapting", 3, SlantedTriangular())
    assert plan.groups == tuple(words.network().layer_groups())
    # embeddings and decoder are one matrix
    expected = [4e-3 / 2.6**steps for steps in (0, 1, 0, 0)]
    assert phase.peak_rates == pytest.approx(expected)
    assert phase.weight_decay == (0.01,) * 4
    assert asked["settings"].betas == (0.8, 0.99)
    constant = adapting_plan(plan.groups, replace(FAST, schedule=Constant()))
    assert constant.phases[0].schedule == Constant()


def test_little_text_is_read_in_few_lanes(words: PretrainedLanguageModel) -> None:
    how = Adapting(window=10, batch_size=16)
    for texts, lanes in ((["we saw"], 1), (["the cat"] * 19 * 10, 6), (["the cat"] * 2_000, 16)):
        _, asked = asked_of_the_loop(words, texts, how)
        windows = asked["batches"].windows
        assert windows.lanes == lanes
        assert lanes in (1, 16) or lanes == windows.documents.n_tokens // 80
        assert asked["network"].state_before(torch.arange(lanes), 0)[0][0].shape[0] == lanes


@pytest.mark.parametrize(("sampled", "drawn"), [(0, None), (10, None), (5, 5)])
def test_a_vocabulary_much_larger_than_the_draw_is_drawn_from(
    words: PretrainedLanguageModel, sampled: int, drawn: int | None
) -> None:
    assert 4 * 5 < len(words.tokenizer.vocabulary) <= 4 * 10
    _, asked = asked_of_the_loop(words, TEXTS, replace(FAST, sampled=sampled))
    sampler = asked["loss_of"].keywords["sampler"]
    assert (sampler and sampler.words) == drawn


def test_dropout_is_times_the_rates_of_fastai(words: PretrainedLanguageModel) -> None:
    _, asked = asked_of_the_loop(words, DOMAIN, replace(FAST, dropout=0.4))
    assert asked["network"].model.decoder.output_dropout.p == pytest.approx(0.04)
    assert asked["network"].model.body.input_dropout.p == pytest.approx(0.1)


@pytest.mark.parametrize("backward", [False, True])
def test_a_backward_model_reads_backward(words: PretrainedLanguageModel, backward: bool) -> None:
    adapted, asked = asked_of_the_loop(replace(words, backward=backward), DOMAIN, FAST)
    assert adapted.backward is backward
    for batches in (asked["batches"], asked["valid"]):
        assert batches.windows.backward is backward


def test_a_tenth_is_held_out_and_no_more_than_a_thousand(words: PretrainedLanguageModel) -> None:
    for n, held_out in ((20, 2), (19, 0), (400, 40), (10_500, 1_000)):
        adapted, asked = asked_of_the_loop(words, ["the cat"] * n, replace(FAST, window=100))
        assert adapted.corpus["held_out_documents"] == held_out
        assert adapted.corpus["documents"] == n - held_out
        assert (asked["valid"] is None) == (held_out == 0)
    _, first = asked_of_the_loop(words, DOMAIN, FAST)
    _, other = asked_of_the_loop(words, DOMAIN, replace(FAST, seed=1))
    begins = [asked["valid"].windows.documents.begins.tolist() for asked in (first, other)]
    assert begins[0] != begins[1]


def test_the_given_model_and_the_callers_randomness_stay(words: PretrainedLanguageModel) -> None:
    before = {name: tensor.copy() for name, tensor in words.tensors.items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = adapt(words, DOMAIN, FAST), adapt(words, DOMAIN, FAST)
    assert torch.equal(torch.rand(1), expected)
    assert all(np.array_equal(words.tensors[name], tensor) for name, tensor in before.items())
    assert words.corpus["documents"] == 60
    assert same(first, second)
    assert not same(first, adapt(words, DOMAIN, replace(FAST, seed=1)))


# ── runs ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", [2, 7])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    words: PretrainedLanguageModel, tmp_path: Path, step: int
) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.what == "training" and progress.done == step:
            raise Stopped

    whole = adapt(words, DOMAIN, FAST)
    # a checkpoint after every step: what a layer carries must be in it
    run = replace(adapting_run(tmp_path, words, DOMAIN, FAST), seconds=0.0)
    with pytest.raises(Stopped):
        adapt(words, DOMAIN, FAST, run=run, watch=stop)
    resumed = adapt(words, DOMAIN, FAST, run=run)
    assert any("Resumed" in note for note in resumed.training.notes)
    assert same(whole, resumed)
    assert whole.training.notes == resumed.training.notes[:-1]


def test_a_run_is_bound_to_all_that_decides(words: PretrainedLanguageModel, tmp_path: Path) -> None:
    vectors = {name: tensor + (name == "decoder.bias") for name, tensor in words.tensors.items()}
    runs = [
        adapting_run(tmp_path, words, DOMAIN, FAST),
        adapting_run(tmp_path, words, DOMAIN[1:], FAST),
        adapting_run(tmp_path, words, ["".join(DOMAIN)], FAST),
        adapting_run(tmp_path, words, DOMAIN, replace(FAST, seed=1)),
        adapting_run(tmp_path, words, DOMAIN, replace(FAST, schedule=Constant())),
        adapting_run(tmp_path, replace(words, backward=True), DOMAIN, FAST),
        adapting_run(tmp_path, replace(words, tensors=vectors), DOMAIN, FAST),
    ]
    assert len({run.run for run in runs}) == len(runs)
    assert adapting_run(tmp_path, words, list(DOMAIN), FAST) == runs[0]
    adapt(words, DOMAIN, FAST, run=runs[0])
    with pytest.raises(TrainingError, match="another run"):
        adapt(words, DOMAIN, replace(FAST, seed=1), run=runs[3])


def test_a_folder_gives_back_the_adapted_model(words: PretrainedLanguageModel, tmp_path: Path) -> None:
    adapted = adapt(words, DOMAIN, FAST)
    adapted.save(tmp_path / "domain.lm")
    found = open_language_model(tmp_path / "domain.lm")
    assert same(found, adapted)
    assert (found.training, found.perplexity, found.corpus) == (
        adapted.training, adapted.perplexity, adapted.corpus,
    )  # fmt: skip
    # and may be adapted on
    assert adapt(found, DOMAIN, FAST).training.notes[1].endswith(" 0 new.")


# ── edges ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "texts",
    [
        ["the cat"],
        ["the"] * 2,
        ["the"] * 30,
        ["", " ", "the cat sat", "\n"] * 10,
        ["the cat sat on " * 25_000],
        [""] * 30 + ["the cat"],
        ["\0 and \ud800", "we saw"],
    ],
    ids=["two tokens", "two texts", "one token each", "blanks", "one long text", "mostly blank", "dirt"],
)
def test_texts_of_any_length_are_learned_from(words: PretrainedLanguageModel, texts: list[str]) -> None:
    adapted = adapt(words, texts, Adapting(epochs=1))
    assert all(np.isfinite(tensor).all() for tensor in adapted.tensors.values())
    (report,) = adapted.training.reports
    assert math.isfinite(report.train_loss)
    measured = sum(bool(text.strip()) for text in texts) >= 20
    assert (adapted.perplexity is not None) is measured
    assert any("was not measured" in note for note in adapted.training.notes) is not measured


@pytest.mark.parametrize("texts", [[], [""], ["", " "] * 30, ["the"]])
@pytest.mark.parametrize("kind", ["words", "subwords"])
def test_too_little_text_is_refused_in_one_line(
    kind: str, texts: list[str], request: pytest.FixtureRequest
) -> None:
    if kind == "subwords" and texts == ["the"]:
        texts = ["t"]
    with pytest.raises(DataError, match="two tokens or more") as caught:
        adapt(request.getfixturevalue(kind), texts, FAST)
    assert "\n" not in str(caught.value)


def test_one_bare_text_is_no_list_of_texts(words: PretrainedLanguageModel) -> None:
    with pytest.raises(DataError, match="Pass \\[text\\]"):
        adapt(words, "the cat sat", FAST)


def test_a_model_that_reads_both_ways_is_refused(words: PretrainedLanguageModel) -> None:
    both = replace(words, settings=replace(words.settings, bidirectional=True))
    with pytest.raises(ParameterError, match="one way"):
        adapt(both, DOMAIN, FAST)


def test_all_faults_of_numbers_are_told_at_once() -> None:
    wrong: dict[str, Any] = {
        "epochs": 0, "rate": 0.0, "factor": 0.0, "batch_size": 0, "window": 0, "dropout": -1.0,
        "weight_decay": 2.0, "sampled": -1, "min_count": 0, "most_new": -1, "seed": -1,
    }  # fmt: skip
    with pytest.raises(ParameterError) as caught:
        Adapting(**wrong)
    said = str(caught.value)
    assert said.startswith("adapt: ")
    assert "\n" not in said
    for name in wrong:
        assert f"{name} must be" in said
    with pytest.raises(ParameterError, match="factor"):
        Adapting(factor=math.nan)


def test_several_processes_are_refused(
    words: PretrainedLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what a launcher of two would set
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ParameterError, match="learns in one process, found several"):
        adapt(words, DOMAIN, FAST)
