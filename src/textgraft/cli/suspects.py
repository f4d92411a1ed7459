"""``textgraft suspects``: labels of a file that are probably wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.label_lists import SingleLabel
from textgraft.cli.options import EncoderName, Encoding, Json, Label, MethodOptions, OosLabel, Seed, Text


def suspects(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    method: Annotated[str, typer.Option("-m", "--method", help="See: textgraft methods.")] = "linear",
    encoder: EncoderName = None,
    option: MethodOptions = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Labels shown at most.")] = 20,
    oos_label: OosLabel = None,
    single_label: SingleLabel = False,
    text: Text = None,
    label: Label = None,
    encoding: Encoding = "utf-8",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Show the labels of a file that are probably wrong, for a person to look at.

    Five models each judge a fifth of the rows that they did not learn. A label is suspicious when
    much more is believed of another class than of its own.

    Examples:

      textgraft suspects tickets.csv

      textgraft suspects train.jsonl --label intent --most 100 --json > look_at.json

      textgraft suspects train.csv -m tfidf --oos-label oos
    """
    from textgraft.cli.classifiers import build_classifier
    from textgraft.cli.files import read_rows
    from textgraft.cli.label_lists import with_one_label
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress
    from textgraft.experiments.suspicious import suspicious_labels

    classifier = build_classifier(method, encoder, option or [], "none", oos_label or [], seed)
    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    rows = with_one_label(rows, single_label)
    with shown_progress("opening the encoder") as watch:
        found = suspicious_labels(classifier, rows.texts, rows.labels or [], most=most, watch=watch)
    if json:
        print_json(found.to_dict())
    else:
        print_text(found.table())
