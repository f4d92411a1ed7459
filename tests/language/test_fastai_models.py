"""fastai's files: what they give, and that nothing in them is ever run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from textgraft.errors import WeightsError
from textgraft.language.fastai import read_fastai
from textgraft.language.folder import open_language_model
from textgraft.text.pickled_words import read_pickled_words

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "awd_lstm"
WORDS = ["xxunk", "xxpad", "xxbos", "xxmaj", *(f"word{n}" for n in range(26))]


def weights_of(name: str) -> dict[str, torch.Tensor]:
    prefix = "weights."
    tensors = load_file(GOLDEN / f"{name}.safetensors")
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path, weights_of("lstm"), WORDS)


def write(folder: Path, tensors: Any, words: Any, protocol: int = 4) -> tuple[Path, Path]:
    torch.save(tensors, folder / "lm.pth")
    (folder / "itos.pkl").write_bytes(pickle.dumps(words, protocol))
    return folder / "lm.pth", folder / "itos.pkl"


@pytest.mark.parametrize("name", ["lstm", "lstm_bidirectional", "qrnn", "qrnn_bidirectional"])
def test_states_are_those_of_fastai(tmp_path: Path, name: str) -> None:
    model = read_fastai(*write(tmp_path, weights_of(name), WORDS))
    golden = load_file(GOLDEN / f"{name}.safetensors")
    # ids of fastai's words -> ids of ours
    place = {word: at for at, word in enumerate(model.tokenizer.vocabulary)}
    ours = {"xxunk": "<unk>", "xxpad": "<pad>", "xxbos": "<bos>"}
    to_ours = torch.tensor([place[ours.get(word, word)] for word in WORDS])
    ids = golden["ids"][0]
    # our <pad> is zero, theirs was not in this made-up model
    rows = (ids != 1).all(1)
    assert rows.any()
    with torch.no_grad():
        raw = model.network()(to_ours[ids[rows]]).raw
    torch.testing.assert_close(raw, golden["raw"][0][rows], rtol=1e-5, atol=1e-5)


def test_words_that_fastai_lacks_start_at_the_mean(files: tuple[Path, Path]) -> None:
    model = read_fastai(*files)
    vocabulary, matrix = model.tokenizer.vocabulary, model.tensors["body.embedding.weight"]
    assert vocabulary[:7] == ("<pad>", "<unk>", "<bos>", "xxmaj", "xxup", "xxrep", "xxwrep")
    old = weights_of("lstm")["0.encoder.weight"].numpy()
    np.testing.assert_allclose(matrix[vocabulary.index("word3")], old[WORDS.index("word3")])
    np.testing.assert_allclose(matrix[vocabulary.index("xxup")], old.mean(0), rtol=1e-5)
    assert not matrix[0].any()
    assert model.perplexity is None
    assert "30 words kept, 3 new" in model.training.notes[0]


def test_it_can_be_kept_in_a_folder_of_ours(files: tuple[Path, Path], tmp_path: Path) -> None:
    model = read_fastai(*files, backward=True)
    model.save(tmp_path / "a.lm")
    found = open_language_model(tmp_path / "a.lm")
    assert found.backward
    assert found.perplexity is None
    for name, tensor in model.tensors.items():
        np.testing.assert_array_equal(found.tensors[name], tensor)


def test_what_learn_save_wrote_holds_the_model_beside_the_optimiser(tmp_path: Path) -> None:
    model = read_fastai(*write(tmp_path, {"model": weights_of("lstm"), "opt": {"state": []}}, WORDS))
    assert model.settings.hidden == 20


class Harmful:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_harmful_list_of_words_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    harmed = tmp_path / "harmed"
    for number, words in enumerate([Harmful(harmed), ["a", Harmful(harmed)], [["a"], Harmful(harmed)]]):
        path = tmp_path / f"{number}.pkl"
        path.write_bytes(pickle.dumps(words, protocol))
        with pytest.raises(WeightsError, match="list of words"):
            read_pickled_words(path)
    assert not harmed.exists()
    # the trap would have worked
    pickle.loads(path.read_bytes())
    assert harmed.exists()


def test_harmful_weights_are_refused_and_not_run(tmp_path: Path) -> None:
    harmed = tmp_path / "harmed"
    files = write(tmp_path, weights_of("lstm") | {"x": Harmful(harmed)}, WORDS)
    with pytest.raises(WeightsError, match=r"expected tensors alone, found \w+\.mkdir as well") as caught:
        read_fastai(*files)
    assert not harmed.exists()
    # torch would say how to run it
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    for hint in ("\n", "\x1b", "weights_only", "safe_globals"):
        assert hint not in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_that_are_cut_anywhere_are_refused_in_one_line(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "lm.pth"
    torch.save({"0.encoder.weight": torch.zeros(4, 2)}, path, _use_new_zipfile_serialization=zipped)
    (tmp_path / "itos.pkl").write_bytes(pickle.dumps(["a", "b", "c", "d"]))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError) as caught:
            read_fastai(path, tmp_path / "itos.pkl")
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "said"),
    [(b"hello", "expected a file of tensors"), (pickle.dumps(["a"]), "expected a file of tensors")],
)
def test_what_is_no_file_of_tensors_is_refused(tmp_path: Path, found: bytes, said: str) -> None:
    _, words = write(tmp_path, {}, WORDS)
    (tmp_path / "lm.pth").write_bytes(found)
    with pytest.raises(WeightsError, match=said):
        read_fastai(tmp_path / "lm.pth", words)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_lists_of_words_of_every_binary_protocol(tmp_path: Path, protocol: int) -> None:
    words = ["the", "café", "雨", "x" * 300, *(f"w{n}" for n in range(3_000))]
    path = tmp_path / "itos.pkl"
    path.write_bytes(pickle.dumps(words, protocol))
    assert read_pickled_words(path) == words


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_word_that_comes_again_is_read_again(tmp_path: Path, protocol: int) -> None:
    again = "xxfake"
    words = ["the", again, "cat", again, "sat", again]
    path = tmp_path / "itos.pkl"
    path.write_bytes(pickle.dumps(words, protocol))
    assert read_pickled_words(path) == words


def test_a_list_within_itself_is_refused(tmp_path: Path) -> None:
    words: list[Any] = ["a"]
    words.append(words)
    path = tmp_path / "itos.pkl"
    path.write_bytes(pickle.dumps(words))
    with pytest.raises(WeightsError, match="the instruction BINGET"):
        read_pickled_words(path)


def test_words_that_fill_a_vocabulary_up_are_left_out(tmp_path: Path) -> None:
    # fastai 2 makes the number of words one that eight divides
    words, tensors = [*WORDS[:-4], *["xxfake"] * 4], weights_of("lstm")
    tensors["1.decoder.bias"][-4:] = 1e6
    model = read_fastai(*write(tmp_path, tensors, words))
    assert "xxfake" not in model.tokenizer.vocabulary
    assert model.settings.vocabulary_size == len(model.tokenizer.vocabulary) == 26 + 3
    assert np.abs(model.tensors["decoder.bias"]).max() < 1e6
    word = model.tokenizer.vocabulary.index("word3")
    expected = tensors["0.encoder.weight"][WORDS.index("word3")].numpy()
    np.testing.assert_array_equal(model.tensors["body.embedding.weight"][word], expected)
    model.network()


@pytest.mark.parametrize("found", [{"a": 1}, ["a", 1], ["a", None], [["a"]], "a", [], ("a",), ["a", b"b"]])
def test_anything_but_a_list_of_strings_is_refused(tmp_path: Path, found: object) -> None:
    path = tmp_path / "itos.pkl"
    path.write_bytes(pickle.dumps(found))
    with pytest.raises(WeightsError, match="list of words"):
        read_pickled_words(path)


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps(["a", "b"])[:-4]])
def test_a_torn_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "itos.pkl"
    path.write_bytes(data)
    with pytest.raises(WeightsError):
        read_pickled_words(path)


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="30 words"):
        read_fastai(*write(tmp_path, weights_of("lstm"), WORDS[:-1]))
    with pytest.raises(WeightsError, match="twice"):
        read_fastai(*write(tmp_path, weights_of("lstm"), [*WORDS[:-1], "_unk_"]))
    with pytest.raises(WeightsError, match="tensors by name"):
        read_fastai(*write(tmp_path, [1, 2], WORDS))
    with pytest.raises(WeightsError, match="cannot be read"):
        read_fastai(tmp_path / "nowhere.pth", tmp_path / "itos.pkl")


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("0.rnns.1.module.bias_ih_l0", None, r"expected body\.layers\.1\.bias_ih_l0, found none"),
        ("0.rnns.1.module.weight_ih_l0", (7, 7), r"expected .* of the shape \(80, 20\), found \(7, 7\)"),
        ("0.rnns.0.module.weight_hh_l0_reverse", (80, 20), "_reverse, found none"),
        ("1.decoder.bias", (5,), r"expected decoder\.bias of the shape \(30,\), found \(5,\)"),
        ("0.encoder.weight", (30,), "a matrix '0.encoder.weight'"),
        ("0.rnns.0.weight_hh_l0_raw", (), "layers one after another"),
    ],
)
def test_tensors_of_another_size_are_refused(
    tmp_path: Path, name: str, tensor: tuple[int, ...] | None, said: str
) -> None:
    tensors = weights_of("lstm")
    tensors.pop(name, None)
    if tensor is not None:
        tensors[name] = torch.zeros(tensor)
    with pytest.raises(WeightsError, match=said) as caught:
        read_fastai(*write(tmp_path, tensors, WORDS))
    assert "\n" not in str(caught.value)
