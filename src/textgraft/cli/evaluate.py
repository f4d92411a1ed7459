"""``textgraft evaluate``: how good a model is on rows it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Encoding, Json, Label, OosLabel, Reject, Text


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    oos_label: OosLabel = None,
    reject: Reject = None,
    text: Text = None,
    label: Label = None,
    encoding: Encoding = "utf-8",
    json: Json = False,
) -> None:
    """Measure a model on a file of labelled texts that it did not learn from.

    Prints a report by class, accuracy, macro- and micro-F1 and coverage; where out-of-scope rows
    exist, also out-of-scope recall, AUROC and the false-positive rate at 95 % true positives.

    Examples:

      textgraft evaluate cards.model test.csv

      textgraft evaluate cards.model test.csv --oos-label oos --reject coverage:0.9

      textgraft evaluate cards.model test.parquet --json > result.json
    """
    from textgraft.cli.files import read_rows
    from textgraft.cli.models import open_model
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress
    from textgraft.experiments.evaluate import evaluate as measure

    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    with shown_progress("opening the model") as watch:
        classifier = open_model(model, reject)
        result = measure(classifier, rows.texts, rows.labels or [], oos_labels=oos_label, watch=watch)
    if json:
        print_json(result.to_dict())
    else:
        print_text(result.table())
