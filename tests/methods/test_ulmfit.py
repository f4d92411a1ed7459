"""ULMFiT: three stages, each with what it promises."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.core.progress import unwatched
from textgraft.errors import ModelFolderError, ParameterError, TrainingError, WeightsError
from textgraft.language.folder import open_language_model
from textgraft.methods.lesson import Lesson
from textgraft.methods.ulmfit import ULMFiTClassifier
from textgraft.methods.ulmfit_recipes import usual_recipe
from textgraft.networks.awd_settings import CLASSIFIER_RATES, LANGUAGE_MODEL_RATES
from textgraft.training.records import Training

WORDS = {"fruit": ["apple", "pear", "plum", "cherry"], "tool": ["hammer", "saw", "drill", "wrench"]}
KNOWN = [word for words in WORDS.values() for word in words]
SMALL: dict[str, Any] = {
    "adapt": 1, "thaw": 1, "epochs": 8, "rate": 5e-2, "factor": 1.3, "dropout": 0.0, "batch_size": 8
}  # fmt: skip


def corpus(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    labels = [draw.choice(list(WORDS)) for _ in range(n)]
    return [" ".join(draw.choices(WORDS[label], k=5)) for label in labels], labels


@pytest.fixture(scope="module")
def forward(tiny_language_model: Callable[..., Path]) -> str:
    return str(tiny_language_model(KNOWN))


@pytest.fixture(scope="module")
def backward(tiny_language_model: Callable[..., Path]) -> str:
    return str(tiny_language_model(KNOWN, backward=True))


@pytest.fixture(scope="module")
def fitted(forward: str) -> ULMFiTClassifier:
    return ULMFiTClassifier(forward, **SMALL).fit(*corpus(40))


def test_the_plan_is_the_papers(forward: str) -> None:
    adapting, classifying = ULMFiTClassifier(forward, rate=0.01).plan(6_000, 3)
    assert adapting.parameter == "adapt_rate"
    assert classifying.plan.groups == ("embeddings", "layer 1", "layer 2", "head")
    learns = [[rate > 0 for rate in phase.peak_rates] for phase in classifying.plan.phases]
    assert learns == [
        [False, False, False, True],
        [False, False, True, True],
        [False, True, True, True],
        [True, True, True, True],
    ]
    last = classifying.plan.phases[-1].peak_rates
    assert last[-1] == 0.01
    assert [b / a for a, b in pairwise(last)] == pytest.approx([2.6] * 3)
    assert {type(phase.schedule).__name__ for phase in classifying.plan.phases} == {"SlantedTriangular"}


def test_each_part_of_the_recipe_can_be_switched_off(forward: str) -> None:
    (stage,) = ULMFiTClassifier(
        forward, adapt=0, gradual=False, factor=1.0, schedule="constant", thaw=1, epochs=4
    ).plan(100, 2)
    (phase,) = stage.plan.phases
    assert phase.epochs == 3 + 4
    assert len(set(phase.peak_rates)) == 1
    assert type(phase.schedule).__name__ == "Constant"


def test_rows_without_a_label_are_read_too(forward: str) -> None:
    texts, labels = corpus(24)
    more = ["quince quince apple", "quince pear quince"] * 20
    plain = ULMFiTClassifier(forward, **SMALL).fit(texts, labels)
    told = ULMFiTClassifier(forward, **SMALL).fit([*texts, *more], [*labels, *[""] * len(more)])
    assert "quince" not in plain.learned_.grafts[0].tokenizer.vocabulary
    assert "quince" in told.learned_.grafts[0].tokenizer.vocabulary
    assert any("40 texts without a label" in note for note in told.learned_.training.notes)
    assert list(told.classes_) == ["fruit", "tool"]


def test_scratch_forgets_what_was_pretrained(forward: str) -> None:
    texts, labels = corpus(24)
    untrained = SMALL | {"adapt": 0, "epochs": 0, "thaw": 0, "seed": 1}
    kept, lost = (
        ULMFiTClassifier(forward, scratch=scratch, **untrained).fit(texts, labels)
        for scratch in (False, True)
    )
    name, before = "body.embedding.weight", open_language_model(forward).tensors
    np.testing.assert_allclose(kept.learned_.grafts[0].tensors[name], before[name], atol=1e-4)
    assert np.abs(lost.learned_.grafts[0].tensors[name] - before[name]).max() > 0.05


def test_two_directions_answer_together(forward: str, backward: str, tmp_path: Path) -> None:
    texts, labels = corpus(40)
    both = ULMFiTClassifier(forward, backward=backward, **SMALL).fit(texts, labels)
    one, other = both.learned_.grafts
    assert (one.backward, other.backward) == (False, True)
    assert one.ids(["apple saw"])[0][1:] == other.ids(["apple saw"])[0][:0:-1]
    apart = [np.exp(graft.vectors_and_logits(texts)[1]) for graft in (one, other)]
    mean = np.mean([row / row.sum(1, keepdims=True) for row in apart], axis=0)
    np.testing.assert_allclose(both.predict_proba(texts), mean, rtol=1e-4, atol=1e-6)
    assert "backward embeddings" in both.learned_.training.plan.groups
    both.save(tmp_path / "both.model")
    again = tg.load(tmp_path / "both.model")
    assert np.array_equal(again.predict_proba(texts), both.predict_proba(texts))


def test_a_model_needs_no_language_model_beside_it(
    tiny_language_model: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tiny_language_model(KNOWN)
    texts, labels = corpus(40)
    clf = ULMFiTClassifier(str(folder), **SMALL).fit(texts, labels)
    clf.save(tmp_path / "a.model")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    again = tg.load(tmp_path / "a.model")
    assert np.array_equal(again.predict_proba(texts), clf.predict_proba(texts))
    assert again.explain(texts[0]).neighbours[0].similarity == pytest.approx(1, abs=1e-2)


def test_an_encoder_is_grafted_under_a_new_head(fitted: ULMFiTClassifier, tmp_path: Path) -> None:
    fitted.save_language_model(tmp_path / "body.lm")
    body = fitted.learned_.grafts[0].tensors
    model = open_language_model(tmp_path / "body.lm")
    assert all(np.array_equal(model.tensors[name], body[name]) for name in body if name.startswith("body."))
    texts, _ = corpus(30, seed=5)
    starts = ["a" if text.split()[0] < "l" else "b" for text in texts]
    new = ULMFiTClassifier(str(tmp_path / "body.lm"), **(SMALL | {"adapt": 0})).fit(texts, starts)
    assert list(new.classes_) == ["a", "b"]


@pytest.mark.parametrize("text", ["", " ", "apple", "zzz", "apple " * 100_000], ids=len)
def test_texts_of_any_length_are_answered(fitted: ULMFiTClassifier, text: str) -> None:
    scores = fitted.predict_scores([text, "saw drill"])
    assert np.isfinite(scores.confidence).all()
    assert fitted.predict(["saw drill saw"])[0] == "tool"


def test_a_long_text_is_learned_from_whole_if_asked(forward: str) -> None:
    texts, labels = corpus(10)
    texts[0] = "apple " * 20_000
    clf = ULMFiTClassifier(forward, **(SMALL | {"epochs": 1, "max_tokens": 20_002, "adapt": 0}))
    clf.fit(texts, labels)
    assert any("100 % of the training texts are read whole" in note for note in clf.learned_.training.notes)


def test_a_killed_fit_goes_on_to_the_same_weights(forward: str, tmp_path: Path) -> None:
    texts, labels = corpus(40)
    whole = ULMFiTClassifier(forward, **SMALL).fit(texts, labels)

    class Stop(Exception):
        pass

    def stop(progress: Any) -> None:
        if progress.what == "training" and progress.done * 2 > progress.total:
            raise Stop

    with pytest.raises(Stop):
        ULMFiTClassifier(forward, **SMALL).fit(texts, labels, run=tmp_path / "run", watch=stop)
    again = ULMFiTClassifier(forward, **SMALL).fit(texts, labels, run=tmp_path / "run")
    for name, tensor in whole.learned_.grafts[0].tensors.items():
        assert np.array_equal(again.learned_.grafts[0].tensors[name], tensor), name


def test_a_run_does_not_go_on_with_another_language_model(
    tiny_language_model: Callable[..., Path], tmp_path: Path
) -> None:
    folder, rows = tiny_language_model(KNOWN), corpus(16)
    quick = SMALL | {"epochs": 1}
    ULMFiTClassifier(str(folder), **quick).fit(*rows, run=tmp_path / "run")
    open_language_model(folder).restarted(7).save(folder)
    with pytest.raises(TrainingError, match="another run"):
        ULMFiTClassifier(str(folder), **quick).fit(*rows, run=tmp_path / "run")


def test_rates_can_be_tried(forward: str) -> None:
    found = ULMFiTClassifier(forward, **SMALL).find_rate(*corpus(60))
    assert (found.stage, found.parameter) == ("adapting", "adapt_rate")
    found = ULMFiTClassifier(forward, **(SMALL | {"adapt": 0})).find_rate(*corpus(60))
    assert (found.stage, found.parameter) == ("classifying", "rate")


def test_the_wrong_model_is_refused_in_one_line(
    forward: str, backward: str, fitted: ULMFiTClassifier, tmp_path: Path
) -> None:
    rows = corpus(10)
    with pytest.raises(WeightsError, match="Unknown language model 'nowhere': expected one of english"):
        ULMFiTClassifier("nowhere").fit(*rows)
    with pytest.raises(ParameterError, match="language_model must be a name or a path, found 3"):
        ULMFiTClassifier(3).fit(*rows)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="reads texts from their end, expected"):
        ULMFiTClassifier(backward).fit(*rows)
    with pytest.raises(ParameterError, match="textgraft pretrain CORPUS --backward --to"):
        ULMFiTClassifier(forward, backward=forward).fit(*rows)
    fitted.save(tmp_path / "c.model")
    with pytest.raises(ModelFolderError, match="a classifier of the method 'ulmfit', expected a language"):
        ULMFiTClassifier(str(tmp_path / "c.model")).fit(*rows)


def test_words_that_no_text_has_cost_nothing_and_keep_their_vectors(forward: str) -> None:
    texts, labels = corpus(24)
    clf = ULMFiTClassifier(forward, **(SMALL | {"adapt": 0})).fit(
        [text.replace("wrench", "saw") for text in texts], labels
    )
    (graft,) = clf.learned_.grafts
    known, before = graft.tokenizer.vocabulary, open_language_model(forward).tensors["body.embedding.weight"]
    moved = np.abs(graft.tensors["body.embedding.weight"] - before).max(axis=1) > 1e-3
    assert not moved[known.index("wrench")]
    assert moved[[known.index(word) for word in ("saw", "drill", "apple", "pear")]].all()
    assert len(clf.learned_.training.plan.groups) == 4


@pytest.mark.parametrize(
    ("n_rows", "adapt", "thaw", "epochs", "batch_size"),
    [
        (2, 10, 3, 15, 16),
        (500, 10, 3, 15, 16),
        (501, 6, 1, 15, 32),
        (10_000, 6, 1, 15, 32),
        (10_001, 2, 1, 3, 64),
    ],
)
def test_the_recipe_goes_by_the_number_of_rows(
    n_rows: int, adapt: int, thaw: int, epochs: int, batch_size: int
) -> None:
    found = usual_recipe(n_rows)
    assert (found.adapt, found.thaw, found.epochs, found.batch_size) == (adapt, thaw, epochs, batch_size)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_parameters_reach_the_training_of_both_networks(
    forward: str, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    asked: list[dict[str, Any]] = []

    def trainer(network: Any, plan: Any, batches: Any, loss_of: Any, **rest: Any) -> Training:
        asked.append({"network": network, "plan": plan, "batches": batches, **rest})
        return Training(plan, (), 0)

    for module in ("encoders.precision", "methods.ulmfit"):
        monkeypatch.setattr(f"textgraft.{module}.choose_precision", lambda *_: precision)
    # longer than what is read of a text
    texts, codes = ["apple saw " * 1_000, "saw drill " * 1_000] * 10, np.array([0, 1] * 10)
    clf = ULMFiTClassifier(
        forward, adapt=3, adapt_rate=0.02, rate=0.03, factor=1.5, dropout=0.2, schedule="linear-decay", seed=5
    )
    lesson = Lesson(np.array(texts, object), codes, 2, np.array([], object), trainer=trainer)
    learned: Any = clf._learn(lesson, unwatched)
    adapting, classifying = asked
    assert [one["settings"].betas for one in asked] == [(0.8, 0.99), (0.7, 0.99)]
    assert [one["settings"].bf16 for one in asked] == [precision == "bf16"] * 2
    assert [one["settings"].seed for one in asked] == [5, 5]
    schedules = [type(phase.schedule).__name__ for one in asked for phase in one["plan"].phases]
    assert set(schedules) == {"LinearDecay"}
    (phase,) = adapting["plan"].phases
    assert (phase.epochs, phase.peak_rates) == (3, pytest.approx((0.02, 0.02 / 1.5, 0.02, 0.02)))
    # the recipe of 20 rows: thaw layer by layer, then learn all
    assert [phase.epochs for phase in classifying["plan"].phases] == [3, 3, 3, 15]
    assert classifying["plan"].phases[-1].peak_rates[-1] == 0.03
    for network, rates in (
        (adapting["network"].model, LANGUAGE_MODEL_RATES.times(0.2)),
        (classifying["network"], CLASSIFIER_RATES.times(0.2)),
    ):
        body = network.body
        assert (body.embedding_dropout.p, body.input_dropout.p) == (rates.embedding, rates.input)
        assert (body.hidden_dropout.p, body.layers[0].weight_dropout.p) == (rates.hidden, rates.weight)
    assert adapting["network"].model.decoder.output_dropout.p == LANGUAGE_MODEL_RATES.times(0.2).output
    assert learned.grafts[0].max_tokens == 1_400
    assert "Reads up to 1400 tokens of a text: 0 % of the training texts are read whole." in (
        learned.training.notes
    )
