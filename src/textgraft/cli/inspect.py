"""``textgraft inspect``: what is in a file before anything is learned from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.label_lists import SEPARATOR, Separator, Several
from textgraft.cli.options import Encoding, Json, Label, OosLabel, Text


def inspect(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    test: Annotated[
        Path | None, typer.Option("--test", metavar="FILE", help="Look for its texts among the rows.")
    ] = None,
    encoder: Annotated[
        str, typer.Option("-e", "--encoder", help="Whose tokens are counted; 'none' to skip.")
    ] = "minilm",
    oos_label: OosLabel = None,
    text: Text = None,
    label: Label = None,
    several: Several = None,
    separator: Separator = SEPARATOR,
    encoding: Encoding = "utf-8",
    json: Json = False,
) -> None:
    """Look at a file of labelled texts before learning from it.

    Reports rows, classes and balance, lengths in tokens under the encoder, languages, duplicates and
    texts in nearly the same words, conflicting labels, leaks into a test file, and whether the labels
    look multi-label.

    Examples:

      textgraft inspect tickets.csv

      textgraft inspect train.csv --test test.csv --oos-label oos

      textgraft inspect train.jsonl -e ./my-encoder --json
    """
    from textgraft.cli.files import read_rows
    from textgraft.cli.label_lists import with_label_lists
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress
    from textgraft.core.label_sets import has_lists
    from textgraft.encoders import load_encoder
    from textgraft.experiments.survey.survey import survey

    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    rows, found_out = with_label_lists(rows, several, separator)
    held = None
    if test is not None:
        more = read_rows(test, text=text, label=None, need_labels=False, encoding=encoding)
        if more.labels is not None:
            more, _ = with_label_lists(more, has_lists(rows.labels), separator)
        held = (more.texts, more.labels)
    with shown_progress("looking"):
        opened = None if encoder == "none" else load_encoder(encoder)
        found = survey(rows.texts, rows.labels or [], encoder=opened, oos_labels=oos_label or (), test=held)
    if json:
        print_json(found.to_dict())
    else:
        print_text("\n\n".join([*([found_out] if found_out else []), found.table()]))
