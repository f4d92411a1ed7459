"""``textgraft pretrain``: from a corpus to a language model."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgraft.cli.language_summary import saved_sentence, summary_of
from textgraft.cli.options import (
    BatchSize,
    Corpus,
    Dropout,
    Encoding,
    EndOfText,
    Half,
    Json,
    Seed,
    Text,
    Window,
)

if TYPE_CHECKING:
    from textgraft.training.records import EpochReport

HELD_OUT = 0.01
"""Share of the documents that perplexity is measured on when no file is named for it."""


def pretrain(
    corpus: Corpus,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the language model goes.")],
    valid: Annotated[
        list[str] | None,
        typer.Option("--valid", metavar="FILE", help="Texts to measure on; else 1 % of the corpus."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Where tokens, checkpoints and a log are kept; TO.run if not given. The same command goes "
            "on after a kill.",
        ),
    ] = None,
    tokens: Annotated[str, typer.Option("--tokens", metavar="KIND", help="subwords, or words.")] = "subwords",
    vocabulary: Annotated[int, typer.Option("--vocabulary", min=300, help="Tokens at most.")] = 15_000,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="Layers: lstm, or qrnn.")] = "lstm",
    embedding: Annotated[int, typer.Option("--embedding", help="Numbers of a token's vector.")] = 400,
    hidden: Annotated[int, typer.Option("--hidden", help="Units of a layer.")] = 1152,
    layers: Annotated[int, typer.Option("--layers", help="Recurrent layers.")] = 3,
    epochs: Annotated[int, typer.Option("--epochs", help="Times that every token is seen.")] = 1,
    rate: Annotated[float, typer.Option("--rate", help="Peak learning rate.")] = 5e-3,
    batch_size: BatchSize = 64,
    window: Window = 72,
    dropout: Dropout = 0.5,
    sampled: Annotated[
        int,
        typer.Option(
            "--sampled", metavar="N", help="Learn from N drawn tokens, not from the whole vocabulary."
        ),
    ] = 0,
    most: Annotated[
        int | None,
        typer.Option(
            "--most",
            metavar="N",
            min=1,
            help="Learn from documents of N tokens, drawn at random; else from all.",
        ),
    ] = None,
    half: Half = False,
    backward: Annotated[
        bool, typer.Option("--backward", help="Read texts from their end, for a second model.")
    ] = False,
    checkpoint_minutes: Annotated[
        float, typer.Option("--checkpoint-minutes", min=0.0, help="Minutes between two checkpoints.")
    ] = 5.0,
    part: EndOfText = "line",
    text: Text = None,
    encoding: Encoding = "utf-8",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Learn a language model from unlabelled texts, larger than memory if need be.

    A vocabulary is learned first, then the corpus is kept as token ids in the run's folder, then the network
    learns. Whatever stops it, the same command goes on from there.

    Examples:

      textgraft pretrain articles.txt --to english.lm

      textgraft pretrain a.parquet b.jsonl --text body --valid held_out.parquet --epochs 2 --to news.lm

      zcat posts.txt.gz | textgraft pretrain - --hidden 512 --layers 2 --to small.lm

      textgraft pretrain articles.txt --backward --to backward.lm

      textgraft pretrain large.parquet --most 20000000 --kind qrnn --sampled 1024 --to quick.lm
    """
    from textgraft.cli.corpora import open_corpus
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.outputs import check_outputs
    from textgraft.cli.progress import shown_progress, with_speed
    from textgraft.core.progress import Progress
    from textgraft.language.folder import KIND
    from textgraft.language.pretraining import Pretraining, epoch_sentence, pretrain
    from textgraft.language.tokenizers import check_kind, kept_tokenizer
    from textgraft.text.token_store import kept_tokens
    from textgraft.training.together import check_one_process

    began = time.monotonic()
    how = Pretraining(
        kind=kind,
        embedding=embedding,
        hidden=hidden,
        layers=layers,
        epochs=epochs,
        rate=rate,
        batch_size=batch_size,
        window=window,
        dropout=dropout,
        sampled=sampled,
        backward=backward,
        seed=seed,
    )
    check_kind(tokens)
    check_one_process()
    folder = run or to.parent / f"{to.name}.run"
    check_outputs(to, folder, None, KIND)
    reading: dict[str, Any] = {"text": text, "encoding": encoding, "part": part}
    with shown_progress("reading the corpus") as watch, open_corpus(corpus, **reading) as opened:
        fingerprint = opened.fingerprint()
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = kept_tokenizer(
            folder / "tokenizer.json", opened.documents, tokens, vocabulary, fingerprint, watch
        )
        watch(Progress("splitting texts into tokens", 0, 1))
        learns = kept_tokens(folder / "corpus.tokens", opened.documents, tokenizer, fingerprint)
        decides = f"{fingerprint} {most}"
        if valid:
            with open_corpus(valid, **reading) as others:
                decides += f" {others.fingerprint()}"
                held_out = kept_tokens(
                    folder / "valid.tokens", others.documents, tokenizer, others.fingerprint()
                )
        else:
            learns, held_out = learns.held_out(HELD_OUT, seed)
        if most is not None:
            learns = learns.drawn(most, seed)

        def tell(report: EpochReport) -> None:
            print(epoch_sentence(report, learns.n_tokens), file=sys.stderr, flush=True)

        model = pretrain(
            learns, held_out, tokenizer, how,
            run=folder / "training", corpus=decides, seconds=60.0 * checkpoint_minutes,
            watch=with_speed(watch, "training", "tokens", learns.n_tokens * epochs), watch_epoch=tell,
        )  # fmt: skip
        model.save(to, half=half)
    summary = summary_of(model, to, time.monotonic() - began)
    if json:
        print_json(summary)
    else:
        print_text(_told(summary, folder))


def _told(summary: dict[str, Any], run: Path) -> str:
    return "\n".join(
        [
            f"Learned from {summary['tokens']:,} tokens of {summary['documents']:,} documents, "
            f"{summary['vocabulary']:,} different ones; {summary['parameters']:,} parameters.",
            *summary["notes"],
            f"Perplexity {summary['perplexity']:,.1f} a token on {summary['held_out_tokens']:,} held-out "
            f"tokens, after epoch {summary['best_epoch']} of {summary['epochs']}.",
            saved_sentence(summary, run),
        ]
    )
