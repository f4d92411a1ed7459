"""``textgraft next``: which texts to label next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Encoding, Json, Text


def label_next(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    file: Annotated[
        Path, typer.Argument(help="Texts without labels: CSV, TSV, JSONL, Parquet, .txt or '-'.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many texts to choose.")] = 20,
    text: Text = None,
    encoding: Encoding = "utf-8",
    json: Json = False,
) -> None:
    """Choose the texts whose labels would teach a model most.

    Takes texts that the model is unsure of (the two most believed classes are close) and of these a
    few that stand for all of them, so that no question is asked twice. Labels in the file are not read.

    Examples:

      textgraft next cards.model queries.csv

      textgraft next cards.model chat.txt -k 50

      textgraft next cards.model queries.jsonl --json | jq -r .text
    """
    from dataclasses import asdict

    from textgraft.cli.files import stream_texts
    from textgraft.cli.models import open_model
    from textgraft.cli.output import json_line, print_text, write_whole
    from textgraft.cli.progress import shown_progress
    from textgraft.experiments.label_next import label_next as choose

    texts = [one for block in stream_texts(file, text=text, encoding=encoding) for one in block]
    with shown_progress("opening the model") as watch:
        found = choose(open_model(model, None), texts, k=k, watch=watch)
    if json:
        write_whole("".join(json_line(asdict(one)) for one in found.wanted))
    else:
        print_text(found.table())
