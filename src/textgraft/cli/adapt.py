"""``textgraft adapt``: from a language model and some texts to one that has learned their language."""

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


def adapt(
    texts: Corpus,
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="MODEL", help="The language model to begin with: english, or a folder."
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the adapted one goes.")],
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Where checkpoints and a log are kept; TO.run if not given. The same command goes on after "
            "a kill.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", help="Times that every token is seen.")] = 4,
    rate: Annotated[float, typer.Option("--rate", help="Peak learning rate of the last layer.")] = 4e-3,
    batch_size: BatchSize = 64,
    window: Window = 72,
    dropout: Dropout = 0.5,
    half: Half = False,
    part: EndOfText = "line",
    text: Text = None,
    encoding: Encoding = "utf-8",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Let a language model learn the language of your texts, before a classifier is made of it.

    Labels are not needed, so give all texts that there are. Words that the model does not know and that
    occur twice are added. A tenth of 20 texts or more is held out to measure on.

    Examples:

      textgraft adapt tickets.csv --from english --to tickets.lm

      textgraft adapt labelled.csv unlabelled.jsonl --text body --from english --to domain.lm

      textgraft adapt tickets.csv --from english --to tickets.lm --epochs 10 --rate 0.002

      textgraft adapt tickets.csv --from backward.lm --to tickets_backward.lm
    """
    from textgraft.cli.corpora import open_corpus
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.outputs import check_outputs
    from textgraft.cli.progress import shown_progress
    from textgraft.language.adapting import Adapting, adapt, adapting_run
    from textgraft.language.folder import KIND
    from textgraft.language.packaged import find_language_model
    from textgraft.language.pretraining import epoch_sentence

    def tell(report: EpochReport) -> None:
        print(epoch_sentence(report), file=sys.stderr, flush=True)

    began = time.monotonic()
    how = Adapting(
        epochs=epochs,
        rate=rate,
        batch_size=batch_size,
        window=window,
        dropout=dropout,
        seed=seed,
    )
    folder = run or to.parent / f"{to.name}.run"
    check_outputs(to, folder, None, KIND)
    model = find_language_model(source)
    reading: dict[str, Any] = {"text": text, "encoding": encoding, "part": part}
    with shown_progress("reading the texts") as watch:
        with open_corpus(texts, **reading) as opened:
            read = list(opened.documents())
        kept = adapting_run(folder, model, read, how)
        adapted = adapt(model, read, how, run=kept, watch=watch, watch_epoch=tell)
        adapted.save(to, half=half)
    summary = summary_of(adapted, to, time.monotonic() - began)
    if json:
        print_json(summary)
    else:
        print_text("\n".join([*summary["notes"], saved_sentence(summary, folder)]))
