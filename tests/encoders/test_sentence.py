"""The fast encoder gives the vectors that sentence-transformers gives."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

from textgraft.core.progress import Progress
from textgraft.encoders import CachedEncoder, SentenceEncoder, load_encoder
from textgraft.encoders.precision import choose_precision
from textgraft.errors import ParameterError, WeightsError
from textgraft.methods.finetune import FinetuneClassifier
from textgraft.methods.knn import KNNClassifier
from textgraft.networks.pooling import POOL
from textgraft.networks.steps import PoolStep
from textgraft.pretrained import locate

TINY = ("bert", "roberta", "distilbert")


@pytest.fixture(scope="session")
def peer() -> Any:
    """sentence-transformers, whose import costs seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sentence_transformers
        import sentence_transformers.sentence_transformer.modules
    return sentence_transformers


@pytest.fixture(scope="session")
def varied(tickets: Any) -> list[str]:
    """About 60 texts of all sorts."""
    long = " ".join(tickets.texts[:60])
    odd = [
        "",
        " ",
        ".",
        "a",
        "I",
        "?!",
        "😀",
        "👩‍👩‍👧‍👦 family",
        "مرحبا، أين بطاقتي؟",
        "שלום עולם",
        "汉字かな交じり文",
    ]
    odd += [
        "naïve café",
        "e\u0301le\u0300ve",
        "A" * 300,
        "x " * 400,
        long,
        long[::-1],
        "tab\tand\nline",
        "[MASK] [SEP]",
    ]
    odd += [
        "http://example.org/a?b=c&d",
        "1,234.56 €",
        "ALL CAPS TEXT",
        "\ufffd\u200b\ufeff",
        "the " * 254,
        "the " * 255,
    ]
    return odd + tickets.texts[100:135]


def _cosine_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    similarity = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return float((1 - similarity).max())


def _theirs(peer: Any, folder: Path, texts: list[str]) -> np.ndarray:
    model = peer.SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, convert_to_numpy=True, show_progress_bar=False)


def _ours(folder: Path, texts: list[str], precision: str = "fp32") -> np.ndarray:
    return SentenceEncoder(locate(str(folder)), precision).encode(texts)


@pytest.fixture(scope="session")
def minilm_theirs(peer: Any, varied: list[str]) -> np.ndarray:
    return _theirs(peer, locate("minilm").folder, varied)


@pytest.fixture(scope="session")
def minilm_fp32() -> SentenceEncoder:
    return SentenceEncoder(locate("minilm"), "fp32")


@pytest.mark.parametrize(("precision", "distance"), [("auto", 1e-4), ("fp32", 1e-6)])
def test_minilm_agrees_with_sentence_transformers(
    minilm_theirs: np.ndarray,
    minilm_fp32: SentenceEncoder,
    varied: list[str],
    precision: str,
    distance: float,
) -> None:
    encoder = minilm_fp32 if precision == "fp32" else SentenceEncoder(locate("minilm"), precision)
    ours = encoder.encode(varied)
    assert ours.dtype == np.float32
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    assert _cosine_distance(ours, minilm_theirs) <= distance


def test_bf16_is_near_even_where_it_is_emulated(minilm_theirs: np.ndarray, varied: list[str]) -> None:
    few = slice(0, 8)
    ours = SentenceEncoder(locate("minilm"), "bf16").encode(varied[few])
    assert _cosine_distance(ours, minilm_theirs[few]) <= 1e-3


@pytest.mark.parametrize("family", TINY)
def test_a_plain_folder_agrees(
    peer: Any, tiny_models: Callable[[str], Path], varied: list[str], family: str
) -> None:
    folder = tiny_models(family)
    texts = [text for text in varied if len(text) < 100]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = _theirs(peer, folder, texts)
    ours = _ours(folder, texts)
    assert ours.std(axis=0).mean() > 0.05, "a constant encoder would agree with anything"
    assert np.allclose(ours, theirs, atol=1e-4)
    assert _cosine_distance(ours, theirs) <= 1e-6
    assert _cosine_distance(_ours(folder, texts, "auto"), theirs) <= 1e-3


def _save_in_their_format(
    peer: Any, source: Path, target: Path, pooling: Any, dense: bool, prompt: str = "", **settings: Any
) -> Path:
    modules = peer.sentence_transformer.modules
    body = modules.Transformer(str(source), **settings)
    steps = [body, modules.Pooling(32, pooling_mode=pooling)]
    width = 32 * (1 if isinstance(pooling, str) else len(pooling))
    if dense:
        state = torch.random.get_rng_state()
        torch.manual_seed(3)
        steps += [modules.Dense(width, 24, activation_function=torch.nn.Tanh()), modules.Normalize()]
        torch.random.set_rng_state(state)
    # writing a model card asks the hub about the base model
    prompts = {"prompts": {"ask": prompt}, "default_prompt_name": "ask"} if prompt else {}
    peer.SentenceTransformer(modules=steps, device="cpu", **prompts).save(
        str(target), create_model_card=False
    )
    return target


@pytest.mark.parametrize(
    ("family", "pooling", "dense", "prompt", "settings"),
    [
        ("bert", "cls", True, "", {"max_seq_length": 20}),
        ("bert", "mean", False, "please answer: ", {}),
        ("bert", "mean", False, "", {"do_lower_case": True}),
        ("roberta", "max", True, "query: ", {}),
        ("roberta", ("cls", "mean", "max"), False, "", {"max_seq_length": 64}),
        ("distilbert", "lasttoken", True, "", {"max_seq_length": 9}),
        ("distilbert", "weightedmean", False, "", {}),
    ],
)
def test_a_folder_in_their_format_agrees(
    peer: Any,
    tiny_models: Callable[[str], Path],
    varied: list[str],
    tmp_path: Path,
    family: str,
    pooling: Any,
    dense: bool,
    prompt: str,
    settings: dict[str, Any],
) -> None:
    folder = _save_in_their_format(
        peer, tiny_models(family), tmp_path / "saved", pooling, dense, prompt, **settings
    )
    # RoBERTa in sentence-transformers breaks on what is longer than its table; we do not
    texts = varied if settings.get("max_seq_length") else [text for text in varied if len(text) < 100]
    theirs, ours = _theirs(peer, folder, texts), _ours(folder, texts)
    assert ours.shape == theirs.shape
    assert _cosine_distance(ours, theirs) <= 1e-6
    assert np.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("mode", list(POOL))
def test_every_pooling_mode_agrees(peer: Any, mode: str) -> None:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(5, 7, 12, generator=generator)
    mask = (torch.arange(7) < torch.tensor([7, 1, 3, 6, 2])[:, None]).long()
    theirs = peer.sentence_transformer.modules.Pooling(12, pooling_mode=mode)(
        {"token_embeddings": states, "attention_mask": mask}
    )["sentence_embedding"]
    assert torch.allclose(PoolStep((mode,))(states, mask.float()), theirs, atol=1e-6)


def test_several_pooling_modes_are_joined_in_their_order(peer: Any) -> None:
    states = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(3, 4).long()
    modes = tuple(POOL)
    theirs = peer.sentence_transformer.modules.Pooling(6, pooling_mode=modes)(
        {"token_embeddings": states, "attention_mask": mask}
    )["sentence_embedding"]
    assert torch.allclose(PoolStep(modes)(states, mask.float()), theirs, atol=1e-6)


def check_reads_at_most(tokens: int, encoder: Any) -> None:
    """What stands behind so many tokens changes nothing."""
    assert encoder.max_tokens == tokens
    long = "where is my parcel please " * 200
    assert encoder.count_tokens([long])[0] > tokens
    vectors = encoder.encode([long, long + "?", "short"])
    assert np.isfinite(vectors).all()
    assert np.array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("family", TINY)
def test_a_text_longer_than_the_position_table_is_cut_and_works(
    tiny_models: Callable[[str], Path], family: str
) -> None:
    encoder = SentenceEncoder(locate(str(tiny_models(family))), "fp32")
    check_reads_at_most(64, encoder)


@pytest.mark.parametrize("family", ["t5", "xlnet"])
def test_where_nothing_sets_a_limit_there_is_a_usual_one(
    tiny_models: Callable[[str], Path], family: str
) -> None:
    folder = str(tiny_models(family))
    encoder = load_encoder(folder, cache=None)
    check_reads_at_most(512, encoder)
    clf = FinetuneClassifier(folder, contrast=0, epochs=1, truncate="end")
    notes = clf.fit(["red apple", "steel saw"] * 3, ["a", "b"] * 3).learned_.training.notes
    assert any("(the encoder's most is 512)" in note for note in notes)


def test_a_token_limit_cuts_earlier_and_is_another_encoder(tiny_models: Callable[[str], Path]) -> None:
    folder = str(tiny_models("bert"))
    whole = load_encoder(folder, cache=None, precision="fp32")
    short = load_encoder(folder, cache=None, precision="fp32", token_limit=5)
    assert (whole.max_tokens, short.max_tokens) == (64, 5)
    assert short.settings == {"token_limit": 5}
    assert whole.weights_fingerprint != short.weights_fingerprint
    a, b = "please send the invoice again", "please send the invoice of order seven"
    assert np.allclose(*short.encode([a, b]), atol=1e-5)
    assert not np.allclose(*whole.encode([a, b]), atol=1e-3)
    with pytest.raises(ParameterError, match="3 or more, found 2"):
        load_encoder(folder, token_limit=2)


def test_order_and_company_of_texts_change_nothing(minilm_fp32: SentenceEncoder, varied: list[str]) -> None:
    encoder, some = minilm_fp32, [text for text in varied if len(text) < 200][::2]
    shuffled = np.random.default_rng(0).permutation(len(some))
    vectors = encoder.encode(some)
    again = encoder.encode([some[row] for row in shuffled])
    assert np.allclose(again, vectors[shuffled], atol=1e-5)
    assert np.allclose(encoder.encode(some[3:4]), vectors[3:4], atol=1e-5)
    assert np.array_equal(encoder.encode(some), vectors)


def test_more_texts_than_are_sorted_at_once_keep_their_order(
    tiny_models: Callable[[str], Path], tickets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = SentenceEncoder(locate(str(tiny_models("bert"))), "fp32")
    whole = encoder.encode(tickets.texts[:50])
    monkeypatch.setattr("textgraft.encoders.sentence.TEXTS_AT_ONCE", 7)
    seen: list[Progress] = []
    assert np.allclose(encoder.encode(tickets.texts[:50], seen.append), whole, atol=1e-5)
    assert [step.done for step in seen] == sorted({step.done for step in seen})
    assert (seen[-1].done, seen[-1].total) == (50, 50)


def test_no_texts_are_no_vectors(tiny_models: Callable[[str], Path]) -> None:
    encoder = SentenceEncoder(locate(str(tiny_models("bert"))))
    assert encoder.encode([]).shape == (0, 32)
    assert encoder.count_tokens([]).shape == (0,)


def test_tokens_are_counted_before_truncation(minilm_fp32: SentenceEncoder) -> None:
    encoder = minilm_fp32
    assert list(encoder.count_tokens(["", "card", "the " * 1_000])) == [2, 3, 1_002]
    assert encoder.max_tokens == 256


def test_copies_share_the_weights_and_a_pickle_holds_none(tiny_models: Callable[[str], Path]) -> None:
    encoder = SentenceEncoder(locate(str(tiny_models("bert"))), "fp32", "cpu", 12)
    vectors = encoder.encode(["some text"])
    assert copy.deepcopy(encoder) is encoder
    assert copy.deepcopy(CachedEncoder(encoder, Path("x"))).inner is encoder
    assert clone(KNNClassifier(encoder)).encoder is encoder
    pickled = pickle.dumps(encoder)
    assert len(pickled) < 2_000
    opened = pickle.loads(pickled)
    assert opened == encoder
    assert np.array_equal(opened.encode(["some text"]), vectors)


def test_fingerprints_tell_weights_and_precision_apart(tiny_models: Callable[[str], Path]) -> None:
    bert, roberta = (locate(str(tiny_models(family))) for family in ("bert", "roberta"))
    fp32, bf16 = SentenceEncoder(bert, "fp32"), SentenceEncoder(bert, "bf16")
    assert fp32.weights_fingerprint == bf16.weights_fingerprint
    assert fp32.fingerprint != bf16.fingerprint
    assert SentenceEncoder(roberta).weights_fingerprint != fp32.weights_fingerprint


def test_a_copied_folder_has_the_same_fingerprint_and_a_changed_file_another(
    tiny_models: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tiny_models("bert")
    shutil.copytree(source, tmp_path / "copy")
    assert locate(str(tmp_path / "copy")).fingerprint == locate(str(source)).fingerprint
    config = json.loads((tmp_path / "copy" / "config.json").read_text())
    (tmp_path / "copy" / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 0.5}))
    assert locate(str(tmp_path / "copy")).fingerprint != locate(str(source)).fingerprint


def test_pickled_weights_are_never_opened(tiny_models: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(tiny_models("bert"), folder)
    (folder / "model.safetensors").unlink()

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(WeightsError, match="cannot be opened") as caught:
        load_encoder(str(folder), cache=None).encode(["x"])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("damage", ["tokenizer.json", "config.json", "model.safetensors"])
def test_a_broken_folder_is_one_clear_error(
    tiny_models: Callable[[str], Path], tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_models("bert"), folder)
    (folder / damage).write_text("{")
    with pytest.raises(WeightsError, match="cannot be opened") as caught:
        load_encoder(str(folder), cache=None).encode(["x"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "t5"])
@pytest.mark.parametrize("left", [[], ["tokenizer_config.json"]])
def test_a_folder_without_a_tokenizer_is_refused(
    tiny_models: Callable[[str], Path], tmp_path: Path, family: str, left: list[str]
) -> None:
    folder = tmp_path / "wordless"
    shutil.copytree(tiny_models(family), folder, ignore=shutil.ignore_patterns("tokenizer.json"))
    for name in {"tokenizer_config.json", "special_tokens_map.json"} - set(left):
        (folder / name).unlink(missing_ok=True)
    for encoder in (SentenceEncoder(locate(str(folder))), _as_from_the_hub(folder)):
        for opened in (lambda encoder=encoder: encoder.dim, encoder.trainable):
            with pytest.raises(WeightsError, match="has no tokenizer that can be opened") as caught:
                opened()
            assert str(caught.value).startswith(encoder.weights.name)
            assert "found config.json, model.safetensors" in str(caught.value)
            assert "\n" not in str(caught.value)


def _as_from_the_hub(folder: Path) -> SentenceEncoder:
    return SentenceEncoder(replace(locate(str(folder)), name="org/wordless", source="hub"))


def test_a_dense_layer_of_the_wrong_width_is_refused(
    peer: Any, tiny_models: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = _save_in_their_format(peer, tiny_models("bert"), tmp_path / "saved", "mean", True)
    (config,) = folder.glob("*_Pooling/config.json")
    config.write_text(json.dumps({"pooling_mode": ["mean", "max"]}))
    with pytest.raises(WeightsError, match="gives 64"):
        load_encoder(str(folder), cache=None).encode(["x"])
    (weights,) = folder.glob("*_Dense/model.safetensors")
    weights.unlink()
    with pytest.raises(WeightsError, match="dense layer"):
        load_encoder(str(folder), cache=None).encode(["x"])


def test_opening_leaves_the_settings_of_transformers_alone(tiny_models: Callable[[str], Path]) -> None:
    from transformers.utils import logging

    before = (logging.get_verbosity(), logging.is_progress_bar_enabled())
    SentenceEncoder(locate(str(tiny_models("distilbert")))).encode(["x"])
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_encoding_draws_no_random_numbers(tiny_models: Callable[[str], Path]) -> None:
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    SentenceEncoder(locate(str(tiny_models("bert")))).encode(["x"])
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_other_precisions_are_refused() -> None:
    with pytest.raises(ParameterError, match="'fp64'"):
        choose_precision("fp64", "cpu")
    assert choose_precision("auto", "cpu") in ("fp32", "bf16")
    assert choose_precision("fp32", "cuda") == "fp32"


@pytest.mark.gpu
def test_a_gpu_gives_the_same_vectors(varied: list[str]) -> None:
    on_cpu = SentenceEncoder(locate("minilm"), "fp32", "cpu").encode(varied)
    assert _cosine_distance(SentenceEncoder(locate("minilm"), "auto", "cuda").encode(varied), on_cpu) <= 1e-3
