"""Models written by earlier textgrafts open and answer as they did (tests/golden/make_model.py)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import textgraft as tg
from textgraft.encoders.sentence import SentenceEncoder
from textgraft.errors import DataError
from textgraft.pretrained import locate

GOLDEN = Path(__file__).with_name("golden")

READS_TOKENS = ("transformer-gru", "finetune")
"""Methods whose golden models are of the tiny encoder beside them."""

IN_BF16 = (*READS_TOKENS, "word-gru", "ulmfit")
"""Networks that run in bf16 where the hardware has it, and in fp32 elsewhere."""
MODELS = sorted(GOLDEN.glob("format*_*.model"))

SINCE_RISK = ("blend",)
"""Methods that came after rules of risk: their golden models noted what these need."""


def test_there_is_a_golden_model_of_every_method():
    assert {path.stem.split("_")[1] for path in MODELS} == set(tg.METHODS)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_golden_model_opens_and_answers_as_it_did(path):
    version, method = path.stem.split("_")
    golden = json.loads((GOLDEN / f"{version}_answers.json").read_text(encoding="utf-8"))
    expected = golden["answers"][method]
    clf = tg.load(path, encoder=golden_bert() if method in READS_TOKENS else None)
    close = 2e-2 if method in IN_BF16 else 1e-5 if method in ("pair", "siamese") else 2e-6
    scores = clf.predict_scores(golden["queries"])
    assert clf.predict(golden["queries"]).tolist() == expected["labels"]
    np.testing.assert_allclose(scores.confidence, expected["confidence"], atol=close)
    assert clf.threshold_.value == pytest.approx(expected["threshold"], abs=close)
    assert clf.explain(golden["queries"][0], k=1).neighbours[0].text == expected["nearest"]


@pytest.mark.parametrize(
    "path", [path for path in MODELS if path.stem.split("_")[1] not in SINCE_RISK], ids=lambda path: path.stem
)
def test_a_golden_model_of_before_there_was_a_risk_says_so(path):
    clf = tg.load(path, encoder=golden_bert() if path.stem.split("_")[1] in READS_TOKENS else None)
    assert not clf.held_out_.judged
    with pytest.raises(DataError, match="did not note which held-out rows"):
        clf.set_rejection(tg.AtRisk(0.5))


def test_a_golden_model_is_small_and_nothing_in_it_can_be_executed():
    for path in MODELS:
        assert sorted(file.name for file in path.iterdir()) == [
            "arrays.safetensors",
            "manifest.json",
            "texts.json",
        ]
        # the scorer of pairs has layers of 500 and 100
        assert sum(file.stat().st_size for file in path.iterdir()) < (
            400_000 if "pair" in path.stem else 50_000
        )


def golden_bert() -> SentenceEncoder:
    """As tests/golden/make_model.py opened it."""
    return SentenceEncoder(replace(locate(str(GOLDEN / "bert")), name="golden/bert", source="hub"))
