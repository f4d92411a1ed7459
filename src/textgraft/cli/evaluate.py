"""``textgraft evaluate``: how good a model is on rows it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.label_lists import SEPARATOR, Separator
from textgraft.cli.options import Encoding, Json, Label, OosLabel, Reject, Text


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    oos_label: OosLabel = None,
    reject: Reject = None,
    text: Text = None,
    label: Label = None,
    separator: Separator = SEPARATOR,
    encoding: Encoding = "utf-8",
    reliability: Annotated[
        Path | None,
        typer.Option("--reliability", metavar="FILE", help="Draw belief beside the share that is right."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a model on a file of labelled texts that it did not learn from.

    Prints a report by class, accuracy, macro- and micro-F1 and coverage; where out-of-scope rows
    exist, also out-of-scope recall, AUROC and the false-positive rate at 95 % true positives. The
    calibration error says how far belief is from the share of texts that is right. A model of several
    labels a text gets precision, recall and F1 by label, micro- and macro-F1, subset accuracy, Hamming loss
    and LRAP (label ranking average precision).

    Examples:

      textgraft evaluate cards.model test.csv

      textgraft evaluate cards.model test.csv --oos-label oos --reject coverage:0.9

      textgraft evaluate cards.model test.csv --reliability belief.png

      textgraft evaluate cards.model test.parquet --json > result.json
    """
    from textgraft.cli.files import read_rows
    from textgraft.cli.label_lists import with_label_lists
    from textgraft.cli.models import open_model
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress
    from textgraft.errors import ParameterError
    from textgraft.experiments.evaluate import evaluate as measure
    from textgraft.experiments.evaluate_labels import evaluate_labels

    if reliability is not None:
        from textgraft.experiments.pictures import check_picture

        check_picture(reliability)
    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    with shown_progress("opening the model") as watch:
        classifier = open_model(model, reject)
        if classifier.multilabel_:
            if reliability is not None:
                raise ParameterError(
                    "A model of several labels a text has no such picture; leave --reliability out."
                )
            rows, _ = with_label_lists(rows, True, separator)
            sets = evaluate_labels(
                classifier, rows.texts, rows.labels or [], oos_labels=oos_label, watch=watch
            )
            print_json(sets.to_dict()) if json else print_text(sets.table())
            return
        result = measure(classifier, rows.texts, rows.labels or [], oos_labels=oos_label, watch=watch)
    if reliability is not None:
        from textgraft.experiments.reliability_plot import draw_reliability

        draw_reliability(result.reliability, result.calibration_error, reliability)
    if json:
        print_json(result.to_dict())
        return
    print_text(result.table())
    if reliability is not None:
        print_text(f"Reliability: {reliability}")
