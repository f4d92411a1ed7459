"""Subwords and words: the same for the same texts, read back as written, safe from what texts say."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import DataError, ModelFolderError, ParameterError
from textgraft.text.rules import tidy, untidy, with_marks, without_marks
from textgraft.text.special import BOS_ID, PAD_ID, SPECIAL, UNK_ID
from textgraft.text.subwords import SMALLEST, Subwords, train_subwords
from textgraft.text.tokenizer import Tokenizer, fingerprint, tokenizer_from_json
from textgraft.text.word_tokens import marked_words, train_words

TEXTS = [
    "The cat sat on the mat. The CAT was happy!",
    "A dog and a cat: soooo many animals, soooo little time.",
    "No no no, said the dog.\nThe cat said nothing; 1998 was a good year.",
] * 4

TRAINED: list[Tokenizer] = [
    train_subwords(TEXTS, 400),
    train_subwords(TEXTS, 400, rules=False),
    train_words(TEXTS, min_count=1),
    train_words(TEXTS, min_count=1, rules=False),
]
EACH = pytest.mark.parametrize("tokenizer", TRAINED, ids=["subwords", "subwords-raw", "words", "words-raw"])
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    [ids] = tokenizer.ids([text])
    assert ids[0] == BOS_ID
    return [tokenizer.vocabulary[token] for token in ids[1:]]


@EACH
def test_special_tokens_come_first(tokenizer: Tokenizer) -> None:
    assert tokenizer.vocabulary[:7] == SPECIAL
    assert [SPECIAL[number] for number in (PAD_ID, UNK_ID, BOS_ID)] == ["<pad>", "<unk>", "<bos>"]
    assert len(set(tokenizer.vocabulary)) == len(tokenizer.vocabulary)


@EACH
def test_a_tokenizer_comes_back_from_its_file(tokenizer: Tokenizer) -> None:
    again = tokenizer_from_json(tokenizer.to_json())
    assert again == tokenizer
    assert again.to_json() == tokenizer.to_json()
    assert fingerprint(again) == fingerprint(tokenizer)
    texts = ["The cat's NEW hat", "", "日本語 and so on"]
    for one, other in zip(again.ids(texts), tokenizer.ids(texts), strict=True):
        assert (one == other).all()


def test_tokenizers_differ_by_fingerprint() -> None:
    assert len({fingerprint(tokenizer) for tokenizer in TRAINED}) == len(TRAINED)


@EACH
def test_ids_are_arrays_that_begin_with_bos(tokenizer: Tokenizer) -> None:
    rows = tokenizer.ids(["the cat", "", " \n "])
    assert [row.dtype for row in rows] == [np.int64] * 3
    assert rows[1].tolist() == rows[2].tolist() == [BOS_ID]
    assert tokenizer.ids([]) == []
    # each text alone gives what it gives among others
    assert tokenizer.ids(["the cat"])[0].tolist() == rows[0].tolist()


@EACH
@given(text=ANY_TEXT)
def test_no_text_writes_a_token_of_ours(tokenizer: Tokenizer, text: str) -> None:
    for attack in (text, f"<<bos>> <pad < unk> &lt;bos> {text} xxmaj \ue000 <bos >"):
        [ids] = tokenizer.ids([attack])
        assert ids[0] == BOS_ID
        assert not np.isin(ids[1:], [PAD_ID, BOS_ID]).any()
        if isinstance(tokenizer, Subwords):
            assert UNK_ID not in ids


@given(ANY_TEXT)
def test_subwords_are_undone_whatever_the_text(text: str) -> None:
    marked, raw = TRAINED[0], TRAINED[1]
    assert raw.decode(raw.ids([text])[0]) == untidy(tidy(text))
    assert marked.decode(marked.ids([text])[0]) == untidy(without_marks(with_marks(tidy(text))))


@EACH
@given(ids=st.lists(st.integers(0, 30), max_size=30))
def test_any_ids_can_be_shown(tokenizer: Tokenizer, ids: list[int]) -> None:
    """A language model writes what it likes, half a character too."""
    shown = tokenizer.decode(np.array(ids, dtype=np.int64))
    assert "<bos>" not in shown
    assert "<pad>" not in shown


def test_subwords_in_numbers() -> None:
    assert tokens(TRAINED[0], "The cat said") == ["xxmaj", "Ġthe", "Ġcat", "Ġsaid"]
    assert tokens(TRAINED[0], "the CAT\nsoooo") == ["Ġthe", "xxup", "Ġcat", "Ċ", "Ġs", "xxrep", "4", "Ġo"]
    assert tokens(TRAINED[0], "(no no no)") == ["Ġ", "(", "no", "Ġno", "Ġno", ")"]
    assert tokens(TRAINED[0], "the ☃")[-3:] == ["â", "ĺ", "ĥ"]
    assert "ĠThe" in TRAINED[1].vocabulary
    assert "ĠThe" not in TRAINED[0].vocabulary


def test_words_in_numbers() -> None:
    assert tokens(TRAINED[2], "The cat SAID: isn't") == [
        "xxmaj",
        "the",
        "cat",
        "xxup",
        "said",
        ":",
        "<unk>",
        "<unk>",
    ]
    assert tokens(TRAINED[2], "No no no no, soooo!!!!") == [
        "xxmaj", "xxwrep", "4", "no", ",", "s", "xxrep", "4", "o", "xxrep", "4", "!",
    ]  # fmt: skip
    assert tokens(TRAINED[3], "The CAT") == ["the", "cat"]
    assert marked_words("IT'S XXMAJ xxmaj", True) == ["xxup", "it", "'s", "xxup", "xx", "maj", "xx", "maj"]
    assert TRAINED[2].decode(TRAINED[2].ids(["The CAT said no no no"])[0]) == "The CAT said no no no"


def test_words_are_capped_and_most_frequent_first() -> None:
    assert train_words(["b c b c a c"], max_words=2).vocabulary == (*SPECIAL, "c", "b")
    assert train_words(["b c b c a c"]).vocabulary == (*SPECIAL, "c", "b")
    assert train_words(["b c", "a"], min_count=1).vocabulary == (*SPECIAL, "a", "b", "c")


def test_a_size_is_kept() -> None:
    assert len(train_subwords(TEXTS, SMALLEST + 10).vocabulary) == SMALLEST + 10
    assert len(train_subwords(TEXTS, 300).vocabulary) == 300
    # short texts have no more to join
    assert len(train_subwords(["ab"], 300).vocabulary) == SMALLEST


def test_the_order_of_texts_and_the_process_do_not_matter(tmp_path: Path) -> None:
    """Trained in other processes, whose hashes and threads differ, the files are equal byte for byte."""
    program = (
        "import hashlib, random; from textgraft.text.subwords import train_subwords\n"
        "draw = random.Random(0)\n"
        "texts = [' '.join(draw.choice('Abcde') * draw.randint(1, 3) for _ in range(400))] * 9\n"
        "texts += ['日本語 и так далее ' + str(n) for n in range(400)]\n"
        "print(hashlib.sha256(train_subwords(texts, 600).to_json().encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, threads in (("0", "1"), ("1", "3"), ("2", "2"))
    }
    assert len(found) == 1
    assert train_subwords(TEXTS, 400) == train_subwords(list(reversed(TEXTS)), 400) == TRAINED[0]


def test_training_reads_a_stream_once() -> None:
    assert train_subwords(iter(TEXTS), 400) == TRAINED[0]
    assert train_words(iter(TEXTS), min_count=1) == TRAINED[2]


def test_a_document_of_100_000_tokens() -> None:
    text = " ".join(f"cat {n % 97}" for n in range(50_000))
    for tokenizer in TRAINED:
        [ids] = tokenizer.ids([text])
        assert len(ids) > 100_000
        assert tokenizer.decode(ids).count("cat") == 50_000


def test_a_corpus_without_text_is_refused() -> None:
    with pytest.raises(DataError, match="none that is not blank"):
        train_subwords([" ", ""])
    with pytest.raises(DataError, match="none that is not blank"):
        train_words(iter([]))


def test_a_vocabulary_without_room_for_bytes_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"Expected 263 tokens or more .* found 200"):
        train_subwords(TEXTS, 200)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ('{"kind": "letters"}', "subwords or words, found 'letters'"),
        ('{"kind": "words", "rules": true, "vocabulary": ["<pad>"]}', "begins with"),
        (TRAINED[2].to_json().replace('"cat"', '"dog"'), "twice"),
        (TRAINED[0].to_json().replace('"Ġth",', ""), "lacks a part of the merge"),
        (TRAINED[0].to_json()[:500], "damaged"),
    ],
)
def test_damaged_files_are_refused_in_one_line(written: str, said: str) -> None:
    with pytest.raises(ModelFolderError, match=said) as caught:
        tokenizer_from_json(written)
    assert "\n" not in str(caught.value)


def test_a_changed_tokenizer_has_another_fingerprint() -> None:
    changed = TRAINED[0].to_json().replace('"rules": true', '"rules": false')
    assert fingerprint(tokenizer_from_json(changed)) != fingerprint(TRAINED[0])
    assert fingerprint(TRAINED[0]) == hashlib.sha256(TRAINED[0].to_json().encode()).hexdigest()


@pytest.mark.data
def test_real_documents_are_read_in_few_tokens_and_undone(shared_data: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    texts = pq.read_table(shared_data / "general_english_valid.parquet")["text"].to_pylist()[:60]
    tokenizer = train_subwords(texts[:40], 4_000)
    ids = tokenizer.ids(texts[40:])
    words = sum(len(text.split()) for text in texts[40:])
    # a fifth of a token a word is a mark of case
    assert 1.4 < sum(map(len, ids)) / words < 2.2
    for text, row in zip(texts[40:], ids, strict=True):
        assert tokenizer.decode(row).casefold() == untidy(tidy(text)).casefold()
