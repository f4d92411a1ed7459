"""The language model that comes with textgraft, and how any other is found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from textgraft.errors import ModelFolderError, ParameterError, WeightsError
from textgraft.language.measuring import perplexity
from textgraft.language.packaged import FOLDER, PACKAGED, find_language_model
from textgraft.text.documents import Documents

TEXT = (
    "The museum was founded at the end of the nineteenth century and stands on a hill above the river.",
    "He had never been a patient man, and the long winter in the mountains had not changed that.",
    "The country exports coffee, timber and machinery, and imports most of the oil that it needs.",
    "She opened the letter, read it twice, and put it back into the drawer without a word.",
)


def test_english_foresees_english() -> None:
    model = find_language_model("english", backward=False)
    draw = random.Random(0)
    mixed = [" ".join(draw.sample(text.split(), len(text.split()))) for text in TEXT]
    plain, shuffled = (
        perplexity(model, Documents.of(model.tokenizer.ids(list(texts))), lanes=1) for texts in (TEXT, mixed)
    )
    assert plain < 250
    assert shuffled > 2 * plain


def test_what_is_packaged_is_small_and_holds_nothing_that_runs() -> None:
    for folder in PACKAGED.values():
        files = sorted((FOLDER / folder).iterdir())
        assert [path.name for path in files] == ["arrays.safetensors", "manifest.json", "texts.json"]
        assert sum(path.stat().st_size for path in files) < 32e6
    assert (FOLDER / "README.md").is_file()


def test_what_is_no_language_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="expected one of english, or a folder that textgraft pretrain"):
        find_language_model("englisch")
    with pytest.raises(ModelFolderError, match=r"no manifest\.json"):
        find_language_model(str(tmp_path))
    with pytest.raises(ParameterError, match="reads texts from their beginning, expected one that reads"):
        find_language_model("english", backward=True)
