"""What every test can rely on: an own cache folder, no network, real rows, tiny real models."""

from __future__ import annotations

import csv
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# tests run in a process a core, and tiny networks only wait for one another in several threads;
# set before torch is imported, and inherited by the commands that tests run
os.environ.setdefault("OMP_NUM_THREADS", "1")

# a busy machine is no failure
hypothesis.settings.register_profile("textgraft", deadline=None)
hypothesis.settings.load_profile("textgraft")

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Vectors that tests cache lie here, never in the user's own cache."""
    folder = tmp_path_factory.mktemp("vectors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTGRAFT_CACHE", str(folder))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user-cache")))
        yield folder


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection to another machine fails the test, past every ``except Exception``."""
    if request.node.get_closest_marker("network"):
        return
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_remote(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_remote(self.family, address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        _refuse_remote(socket.AF_INET, (host, 0))
        return look_up(host, *rest, **named)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


def _refuse_remote(family: int, address: Any) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0] or "localhost")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        # a BaseException, so that code which tolerates a missing network cannot hide it
        pytest.fail(f"The network was contacted: {host}.")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"{SHARED_DATA} is not here: the data sets for tests are not part of the checkout")
    return SHARED_DATA


@dataclass(frozen=True)
class Tickets:
    """The rows of ``examples/support_tickets.csv``; ``oos`` is out of scope, a few lack text or label."""

    texts: list[str]
    labels: list[str]

    @property
    def in_scope(self) -> tuple[list[str], list[str]]:
        kept = [
            (t, y) for t, y in zip(self.texts, self.labels, strict=True) if t.strip() and y not in ("oos", "")
        ]
        return [text for text, _ in kept], [label for _, label in kept]


@pytest.fixture(scope="session")
def tickets() -> Tickets:
    """About 300 support tickets of nine topics, and some out of scope."""
    with (ROOT / "examples" / "support_tickets.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Tickets([row["text"] for row in rows], [row["label"] for row in rows])


@pytest.fixture(scope="session")
def tiny_language_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give the folder of a tiny random language model that has each of some words as one token."""

    def make(words: Sequence[str], *, backward: bool = False) -> Path:
        place = tmp_path_factory.mktemp("tiny-language") / "tiny.lm"
        save_tiny_language_model(place, words, backward=backward)
        return place

    return make


def save_tiny_language_model(
    place: Path, words: Sequence[str], *, backward: bool = False, embedding: int = 16, hidden: int = 24
) -> None:
    """Write a language model of random weights that has each of some words as one token."""
    from textgraft.language.folder import UNTRAINED, PretrainedLanguageModel
    from textgraft.networks.awd_settings import AWDSettings
    from textgraft.text.special import SPECIAL
    from textgraft.text.word_tokens import WordTokens

    vocabulary = (*SPECIAL, *dict.fromkeys(words))
    settings = AWDSettings(len(vocabulary), embedding, hidden, 2, 0, "qrnn")
    tokenizer = WordTokens(vocabulary)
    empty = PretrainedLanguageModel(settings, {}, tokenizer, backward, UNTRAINED, None, {})
    empty.restarted(0).save(place)


FAMILIES = ("bert", "roberta", "distilbert", "modernbert", "electra")


@pytest.fixture(scope="session")
def tiny_bert_knowing(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Path]:
    """Give the folder of a tiny random BERT that has each of some words as one token."""

    def make(words: list[str]) -> Path:
        place = tmp_path_factory.mktemp("tiny-words") / "bert"
        save_tiny("bert", place, [], words=words, spread=0.05)
        return place

    return make


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory, tickets: Tickets) -> Callable[[str], Path]:
    """Give the folder of a tiny random transformer in plain Hugging Face format, by family."""
    folder = tmp_path_factory.mktemp("tiny")

    def make(family: str) -> Path:
        place = folder / family
        if not place.is_dir():
            save_tiny(family, place, tickets.texts)
        return place

    return make


def save_tiny(
    family: str,
    place: Path,
    corpus: list[str],
    n_pieces: int = 400,
    spread: float = 0.3,
    width: int = 32,
    layers: int = 2,
    words: Sequence[str] = (),
) -> None:
    import torch
    import transformers as hf

    unlimited = ("roberta", "t5", "xlnet", "gpt2")
    tokenizer = _byte_pairs(corpus) if family in unlimited else _word_pieces(corpus, n_pieces, words)
    common = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    sizes = {
        "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": 4,
        "intermediate_size": 2 * width,
    }  # fmt: skip
    distil = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
    config, model = {
        "bert": lambda: (hf.BertConfig(**common, **sizes, max_position_embeddings=64), hf.BertModel),
        # RoBERTa counts positions from pad + 1 = 2, so 66 rows hold 64 tokens
        "roberta": lambda: (hf.RobertaConfig(**common, **sizes, max_position_embeddings=66), hf.RobertaModel),
        "distilbert": lambda: (
            hf.DistilBertConfig(**common, **distil, max_position_embeddings=64),
            hf.DistilBertModel,
        ),
        "modernbert": lambda: (
            hf.ModernBertConfig(
                **common,
                **sizes,
                max_position_embeddings=64,
                cls_token_id=2,
                sep_token_id=3,
                bos_token_id=2,
                eos_token_id=3,
                reference_compile=False,
            ),
            hf.ModernBertModel,
        ),
        "electra": lambda: (
            hf.ElectraConfig(**common, **sizes, embedding_size=32, max_position_embeddings=64),
            hf.ElectraModel,
        ),
        # neither has a position table
        "t5": lambda: (
            hf.T5Config(**common, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4),
            hf.T5EncoderModel,
        ),
        "xlnet": lambda: (
            hf.XLNetConfig(**common, d_model=32, n_layer=2, n_head=4, d_inner=64),
            hf.XLNetModel,
        ),
        # no linear layers, and no id to fill with
        "gpt2": lambda: (
            hf.GPT2Config(
                vocab_size=len(tokenizer),
                n_embd=32,
                n_layer=2,
                n_head=4,
                n_positions=64,
                bos_token_id=0,
                eos_token_id=2,
            ),
            hf.GPT2Model,
        ),
    }[family]()
    state = torch.random.get_rng_state()
    torch.manual_seed(7)
    body = model(config)
    for name, parameter in body.named_parameters():
        # the usual 0.02 leaves a random network nearly constant, which would hide differences
        if parameter.ndim == 2:
            torch.nn.init.normal_(
                parameter, std=spread if "word_embeddings" not in name else max(spread, 0.3)
            )
    torch.random.set_rng_state(state)
    body.save_pretrained(place)
    tokenizer.save_pretrained(place)


def _word_pieces(corpus: list[str], n_pieces: int, words: Sequence[str] = ()) -> Any:
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # pieces learned from a corpus come in another order each time; whole words do not
    letters = [chr(code) for code in range(33, 127)]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    known = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))} if words else None
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(known, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=n_pieces, special_tokens=special, show_progress=False
    )
    if not words:
        made.train_from_iterator(corpus, trainer)
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=64, **dict(zip(names, special, strict=True))
    )


def _byte_pairs(corpus: list[str]) -> Any:
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(corpus, trainer)
    made.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = ("bos_token", "pad_token", "eos_token", "unk_token", "mask_token")
    # no model_max_length: only the position table says how much is too long
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        cls_token="<s>",
        sep_token="</s>",
        **dict(zip(names, special, strict=True)),
    )


def pytest_report_header() -> str:
    return f"shared data: {'found' if SHARED_DATA.is_dir() else 'absent'}; cores: {os.cpu_count()}"
