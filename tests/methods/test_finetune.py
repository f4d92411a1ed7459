"""Fine-tuning: what learns, what is kept, what is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import textgraft as tg
from textgraft.core.splits import holdout_rows
from textgraft.encoders.encoder import as_trainable
from textgraft.errors import ParameterError
from textgraft.methods.early_stopping import EARLY_STOPPING_SHARE
from textgraft.methods.finetune import FinetuneClassifier
from textgraft.methods.recipes import RECIPES, recipe_for, recipe_sentence

FAMILIES = ("bert", "roberta", "distilbert", "modernbert", "electra")

TEXTS = ["red apple", "green pear", "ripe plum", "steel saw", "old drill", "blunt chisel"] * 3
LABELS = (["fruit"] * 3 + ["tool"] * 3) * 3
FAST = {"contrast": 1, "epochs": 2, "rate": 3e-3, "batch_size": 9}


@pytest.fixture(params=FAMILIES)
def folder(request: pytest.FixtureRequest, tiny_models: Callable[[str], Path]) -> str:
    return str(tiny_models(request.param))


@pytest.fixture
def bert(tiny_models: Callable[[str], Path]) -> str:
    return str(tiny_models("bert"))


def _pretrained(folder: str) -> dict[str, torch.Tensor]:
    network = as_trainable(tg.load_encoder(folder), "finetune").trainable().network
    return {f"encoder.{name}": tensor for name, tensor in network.state_dict().items()}


def _changed(clf: FinetuneClassifier, folder: str) -> set[str]:
    before = _pretrained(folder)
    return {
        name
        for name, array in clf.learned_.changed.items()
        if name in before and not np.array_equal(array, before[name].numpy())
    }


# ── architectures ───────────────────────────────────────────────────────────────────


def test_numbers_that_rows_decide_can_be_settled() -> None:
    encoder = tg.load_encoder("hashing")
    settled = tg.FinetuneClassifier(encoder, batch_size=7).for_rows(5_000)
    assert (settled.contrast, settled.epochs, settled.batch_size) == (0, 6, 7)
    assert settled.encoder is encoder
    assert settled.rate == 1e-4
    few = tg.FinetuneClassifier().for_rows(50)
    assert (few.contrast, few.epochs) == (8, 0)
    assert tg.TfidfClassifier(C=2.0).for_rows(50).get_params() == tg.TfidfClassifier(C=2.0).get_params()


def test_layer_groups_of_each_family_hold_every_parameter_once(folder: str) -> None:
    network = as_trainable(tg.load_encoder(folder), "finetune").trainable().network
    groups = network.layer_groups()
    assert list(groups) == ["embeddings", "block 1", "block 2"]
    held = [id(p) for modules in groups.values() for module in modules for p in module.parameters()]
    assert sorted(held) == sorted({id(p) for p in network.parameters()})


def test_each_family_learns_and_answers_alike_after_loading(folder: str, tmp_path: Path) -> None:
    clf = FinetuneClassifier(folder, **(FAST | {"epochs": 6})).fit(TEXTS, LABELS)
    assert clf.score(TEXTS, LABELS) == 1.0
    clf.save(tmp_path / "a.model")
    loaded = tg.load(tmp_path / "a.model")
    asked = [*TEXTS[:6], "an apple and a drill", ""]
    assert np.array_equal(clf.predict_proba(asked), loaded.predict_proba(asked))
    assert loaded.explain("red apple") == clf.explain("red apple")
    assert loaded.learned_.training == clf.learned_.training


def test_gradients_reach_every_layer_of_each_family(folder: str) -> None:
    clf = FinetuneClassifier(folder, **(FAST | {"train": "everything"})).fit(TEXTS, LABELS)
    changed = _changed(clf, folder)
    for name, tensor in _pretrained(folder).items():
        # a bias of keys moves all attention alike, so its gradient is zero up to rounding
        if tensor.ndim > 1 and "position" not in name and "token_type" not in name:
            assert name in changed


# ── what learns ─────────────────────────────────────────────────────────────────────


def test_word_embeddings_stay_unless_everything_learns(bert: str) -> None:
    changed = _changed(FinetuneClassifier(bert, **FAST).fit(TEXTS, LABELS), bert)
    assert changed
    assert not any("embeddings" in name for name in changed)


def test_training_the_head_leaves_the_encoder_as_it_was(bert: str) -> None:
    clf = FinetuneClassifier(bert, **(FAST | {"train": "head"})).fit(TEXTS, LABELS)
    assert set(clf.learned_.changed) == {"head.weight", "head.bias"}
    assert [phase.name for phase in clf.learned_.training.plan.phases] == ["fine-tuning"]


@pytest.mark.parametrize("train", [2, np.int64(2)])
def test_the_last_groups_alone_learn(bert: str, train: int) -> None:
    changed = _changed(FinetuneClassifier(bert, **(FAST | {"train": train})).fit(TEXTS, LABELS), bert)
    assert changed
    assert all(".layer.1." in name for name in changed)


def test_no_number_of_groups_thaws_word_embeddings(bert: str) -> None:
    most = FinetuneClassifier(bert, train=3, contrast=1, epochs=1).plan(50, 2)
    assert most == FinetuneClassifier(bert, contrast=1, epochs=1).plan(50, 2)
    said = r"train 4 is more than the 3 layer groups that can learn \(block 1, block 2, head\).*everything"
    with pytest.raises(ParameterError, match=said):
        FinetuneClassifier(bert, train=4).plan(50, 2)
    with pytest.raises(ParameterError, match=said):
        FinetuneClassifier(bert, train=4, **FAST).fit(TEXTS, LABELS)


def test_low_rank_adaptation_is_merged_into_linear_weights(bert: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    clf = FinetuneClassifier(bert, **(FAST | {"lora": 4, "epochs": 6, "rate": 1e-2})).fit(TEXTS, LABELS)
    changed = _changed(clf, bert)
    assert changed
    # only matrices of linear layers, under their own names
    assert all(name.endswith("weight") and "LayerNorm" not in name for name in changed)
    assert set(clf.learned_.changed) == changed | {"head.weight", "head.bias"}
    assert clf.score(TEXTS, LABELS) == 1.0
    clf.save(tmp_path / "a.model")
    assert np.array_equal(tg.load(tmp_path / "a.model").predict_proba(TEXTS), clf.predict_proba(TEXTS))


def test_low_rank_adaptation_of_no_linear_layers_is_refused(tiny_models: Callable[[str], Path]) -> None:
    pytest.importorskip("peft")
    clf = FinetuneClassifier(str(tiny_models("gpt2")), **(FAST | {"lora": 4}))
    for call in (lambda: clf.plan(100, 3), lambda: clf.fit(TEXTS, LABELS)):
        with pytest.raises(ParameterError, match=r"LoRA adapts linear layers .* has none") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_class_weights_change_what_is_learned(bert: str) -> None:
    rows = [*TEXTS[:3] * 6, *TEXTS[3:6]], ["fruit"] * 18 + ["tool"] * 3
    # an untrained head shows what the loss itself asks for
    plain, balanced = (
        FinetuneClassifier(bert, **(FAST | {"class_weights": weights})).fit(*rows)
        for weights in ("none", "balanced")
    )
    rare = list(plain.classes_).index("tool")
    asked = ["thing", "what", "this and that"]
    assert balanced.predict_proba(asked)[:, rare].mean() != plain.predict_proba(asked)[:, rare].mean()


@pytest.mark.parametrize("several", [False, True])
def test_class_weights_weigh_the_head_where_there_are_no_epochs(bert: str, several: bool) -> None:
    texts = [*TEXTS[:3] * 6, *TEXTS[3:6]]
    labels: Any = ["fruit"] * 18 + ["tool"] * 3
    labels = [["thing", label] for label in labels] if several else labels
    plain, balanced = (
        FinetuneClassifier(bert, epochs=0, class_weights=weights).fit(texts, labels, valid=(texts, labels))
        for weights in ("none", "balanced")
    )
    rare = list(plain.classes_).index("tool")
    asked = ["thing", "what", "this and that"]
    assert (balanced.predict_proba(asked)[:, rare] > plain.predict_proba(asked)[:, rare]).all()


def test_parameters_without_effect_are_said(bert: str) -> None:
    def said(**given: Any) -> list[str]:
        notes = FinetuneClassifier(bert, **given).fit(TEXTS, LABELS).learned_.training.notes
        return [note for note in notes if "no effect" in note]

    few = {"contrast": 1, "smoothing": 0.2, "patience": 2, "rate": 1e-3}
    assert said(**few) == ["Of no effect without epochs (-o epochs N): smoothing, patience."]
    assert said(**few, epochs=1) == []
    assert said(contrast=0, rate=1e-3) == ["Of no effect without epochs (-o epochs N): rate."]
    # as it settles numbers itself
    assert said(contrast=8, epochs=0, rate=2e-4, batch_size=32) == []


def test_patience_holds_rows_out_and_keeps_the_best_epoch(bert: str) -> None:
    clf = FinetuneClassifier(bert, **(FAST | {"patience": 1, "epochs": 12, "contrast": 0, "rate": 0.05}))
    training = clf.fit(TEXTS * 3, LABELS * 3).learned_.training
    losses = [report.valid_loss for report in training.reports]
    assert None not in losses
    assert training.best_epoch == 1 + int(np.argmin(losses))


def test_nothing_is_learned_from_rows_that_are_watched(bert: str) -> None:
    texts, labels = np.array(TEXTS * 3, dtype=object), LABELS * 3
    watched = holdout_rows(np.unique(labels, return_inverse=True)[1], EARLY_STOPPING_SHARE, 0)
    others = np.where(watched, "what thing", texts)
    one, other = (
        FinetuneClassifier(bert, **(FAST | {"patience": 1, "epochs": 1}), max_tokens=8)
        .fit(list(some), labels, valid=(TEXTS, LABELS))
        .learned_.changed
        for some in (texts, others)
    )
    assert watched.any()
    assert all(np.array_equal(tensor, other[name]) for name, tensor in one.items())


def test_patience_costs_no_rows_where_there_are_no_epochs(bert: str) -> None:
    given = FAST | {"epochs": 0}
    plain, patient = (
        FinetuneClassifier(bert, **given, patience=patience).fit(TEXTS * 3, LABELS * 3).predict_proba(TEXTS)
        for patience in (None, 1)
    )
    assert np.array_equal(plain, patient)


def test_out_of_vocabulary_batches_of_one_row_are_learned(bert: str) -> None:
    clf = FinetuneClassifier(bert, **(FAST | {"batch_size": 1})).fit(["¤", "🜁 apple", "saw"], ["a", "b", "c"])
    assert clf.predict(["¤"]).shape == (1,)


def test_a_factor_is_one_between_the_layers_of_the_encoder(bert: str) -> None:
    given: dict[str, Any] = FAST | {"factor": 2.0, "rate": 8e-3}
    for stage in FinetuneClassifier(bert, **given).plan(len(TEXTS), 2):
        (phase,) = stage.plan.phases
        rates = dict(zip(stage.plan.groups, phase.peak_rates, strict=True))
        assert rates.pop("head", 0.04) == pytest.approx(0.04)
        assert rates == pytest.approx({"embeddings": 0.0, "block 1": 4e-3, "block 2": 8e-3})


def test_low_rank_matrices_learn_by_the_layer_group_they_are_in(bert: str) -> None:
    pytest.importorskip("peft")
    given: dict[str, Any] = FAST | {"lora": 4, "factor": 2.0, "rate": 8e-3}
    tuning = FinetuneClassifier(bert, **given).plan(len(TEXTS), 2)[1].plan
    assert tuning.groups == ("block 1", "block 2", "head")
    assert tuning.phases[0].peak_rates == pytest.approx((4e-3, 8e-3, 0.04))
    changed = _changed(FinetuneClassifier(bert, **given, train=2).fit(TEXTS, LABELS), bert)
    assert changed
    assert all(".layer.1." in name for name in changed)


# ── what is said ────────────────────────────────────────────────────────────────────


def test_choices_made_by_data_are_said(bert: str) -> None:
    notes = FinetuneClassifier(bert, **FAST).fit(TEXTS, LABELS).learned_.training.notes
    assert "For 18 rows: 1 epochs of contrastive warm-up, then 2 epochs in batches of 9" in notes[0]
    assert "Reads up to 16 tokens (the encoder's most is 64) of a text: 100 %" in notes[1]


def test_the_plan_is_what_is_then_done(bert: str) -> None:
    clf = FinetuneClassifier(bert, **FAST)
    warm_up, tuning = clf.plan(len(TEXTS), 2)
    done = clf.fit(TEXTS, LABELS).learned_.training
    assert (warm_up.name, tuning.name) == ("contrastive warm-up", "fine-tuning")
    assert done.plan.phases[-1] == tuning.plan.phases[0]
    assert len(done.reports) == warm_up.plan.epochs + tuning.plan.epochs == 3
    assert sum(tuning.sizes.values()) == sum(warm_up.sizes.values()) + 2 * 32 + 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "8 epochs of contrastive warm-up at a peak rate of 0.0002, then a head by logistic regression."),
        ({"contrast": 0}, "a head by logistic regression."),
        ({"train": "head"}, "a head by logistic regression."),
        ({"train": 1, "epochs": 3}, "3 epochs in batches of 32 at a peak rate of 0.0002."),
        (
            {"epochs": 3},
            "8 epochs of contrastive warm-up, then 3 epochs in batches of 32 at a peak rate of 0.0002.",
        ),
    ],
)
def test_a_rate_is_said_of_what_is_trained(given: dict[str, Any], said: str) -> None:
    assert recipe_sentence(FinetuneClassifier(**given)._recipe(50), 50) == f"For 50 rows: {said}"


@pytest.mark.parametrize("n_rows", [2, 500, 501, 20_000, 10_000_000])
def test_there_is_a_recipe_for_any_number_of_rows(n_rows: int) -> None:
    recipe = recipe_for(n_rows)
    assert n_rows <= recipe.rows
    assert recipe in RECIPES
    given = FinetuneClassifier(epochs=7, rate=0.5)._recipe(n_rows)
    assert (given.epochs, given.rate, given.batch_size) == (7, 0.5, recipe.batch_size)


def test_more_tokens_than_positions_is_one_clear_line(bert: str) -> None:
    with pytest.raises(ParameterError, match=r"max_tokens 65 is more than .* up to 64 tokens"):
        FinetuneClassifier(bert, max_tokens=65, **FAST).fit(TEXTS, LABELS)


def test_an_encoder_without_weights_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"finetune trains the encoder's weights.*'hashing'"):
        FinetuneClassifier("hashing").fit(TEXTS, LABELS)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_tokenizer_without_a_pad_token_is_no_obstacle(
    family: str, tiny_models: Callable[[str], Path], tmp_path: Path
) -> None:
    import json
    import shutil

    folder = shutil.copytree(tiny_models(family), tmp_path / "padless")
    settings: dict[str, Any] = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    configured = json.loads((folder / "config.json").read_text()).get("pad_token_id")
    assert (configured is None) == (family == "gpt2"), "nothing says what to fill with"
    texts = [*TEXTS, "a much longer text about an apple and a pear and a plum"]
    clf = FinetuneClassifier(str(folder), **FAST).fit(texts, [*LABELS, "fruit"])
    assert np.allclose(clf.predict_proba(texts)[:1], clf.predict_proba(texts[:1]), atol=2e-2)


# ── a kill ──────────────────────────────────────────────────────────────────────────

KILLED = """
import os, sys
sys.path.insert(0, sys.argv[4])
from textgraft.methods.finetune import FinetuneClassifier
from test_finetune import FAST, LABELS, TEXTS
seen = 0
def watch(progress):
    global seen
    seen += progress.what == "training"
    if seen == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
FinetuneClassifier(sys.argv[1], **FAST).fit(TEXTS, LABELS, run=sys.argv[2], watch=watch)
"""


@pytest.mark.parametrize("at", [2, 4])
def test_a_killed_fit_goes_on_and_ends_with_the_same_weights(bert: str, tmp_path: Path, at: int) -> None:
    here = str(Path(__file__).parent)
    run = tmp_path / "run"
    command = [sys.executable, "-c", KILLED, bert, str(run), str(at), here]
    assert subprocess.run(command, env=os.environ | {"TEXTGRAFT_CACHE": "off"}).returncode == -signal.SIGKILL
    assert list(run.rglob("checkpoint.safetensors"))
    resumed = FinetuneClassifier(bert, **FAST).fit(TEXTS, LABELS, run=run)
    whole = FinetuneClassifier(bert, **FAST).fit(TEXTS, LABELS)
    if at == 4:  # the second step of the last epoch; the first kill comes before tuning has a checkpoint
        assert any("Resumed" in note for note in resumed.learned_.training.notes)
    assert resumed.learned_.changed.keys() == whole.learned_.changed.keys()
    for name, array in whole.learned_.changed.items():
        assert np.array_equal(array, resumed.learned_.changed[name]), name


def test_a_run_folder_of_other_rows_is_refused(bert: str, tmp_path: Path) -> None:
    FinetuneClassifier(bert, **FAST).fit(TEXTS, LABELS, run=tmp_path / "run")
    with pytest.raises(tg.TextgraftError, match="another run"):
        FinetuneClassifier(bert, **FAST).fit([*TEXTS[:-1], "other"], LABELS, run=tmp_path / "run")
