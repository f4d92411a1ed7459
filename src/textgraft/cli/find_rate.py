"""``textgraft find-rate``: how high a learning rate the network of a method takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.label_lists import SEPARATOR, Separator, Several
from textgraft.cli.options import EncoderName, Encoding, Json, Label, MethodOptions, OosLabel, Seed, Text


def find_rate(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    method: Annotated[
        str, typer.Option("-m", "--method", help="A trained method; see: textgraft methods.")
    ] = "finetune",
    encoder: EncoderName = None,
    option: MethodOptions = None,
    oos_label: OosLabel = None,
    text: Text = None,
    label: Label = None,
    several: Several = None,
    separator: Separator = SEPARATOR,
    encoding: Encoding = "utf-8",
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the loss over the rate.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Try ever higher learning rates for a few steps, and say where the loss falls fastest.

    Nothing is kept. The first network that a fit would train is tried; the defaults of textgraft were
    compared on several data sets, so another rate is worth trying where yours is unlike them.

    Examples:

      textgraft find-rate tickets.csv

      textgraft find-rate tickets.csv -m word-gru --plot rates.png

      textgraft find-rate tickets.csv -e ./my-encoder -o train 2
    """
    from textgraft.cli.classifiers import build_classifier
    from textgraft.cli.files import read_rows
    from textgraft.cli.label_lists import with_label_lists
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress

    if plot is not None:
        from textgraft.experiments.pictures.files import check_picture

        check_picture(plot)
    classifier = build_classifier(method, encoder, option or [], "none", oos_label or [], seed)
    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    rows, _ = with_label_lists(rows, several, separator)
    with shown_progress("opening the encoder") as watch:
        found = classifier.find_rate(rows.texts, rows.labels or [], watch=watch)
    if plot is not None:
        from textgraft.experiments.pictures.rates import draw_rates

        draw_rates(found, plot)
    if json:
        print_json(
            {
                "method": method,
                "stage": found.stage,
                "parameter": found.parameter,
                "usual": found.usual,
                "suggestion": found.suggestion,
                "rates": [float(rate) / found.factor for rate in found.search.rates],
                "losses": [float(loss) for loss in found.search.losses],
                "smoothed": [float(loss) for loss in found.search.smoothed],
            }
        )
        return
    print_text(
        f"{found.sentence()}\nTo use it, add to textgraft fit: -o {found.parameter} {found.suggestion:.1e}"
    )
