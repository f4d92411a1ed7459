"""``textgraft compare``: which method is worth its cost on a file's rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.label_lists import SingleLabel
from textgraft.cli.options import EncoderName, Encoding, Json, Label, OosLabel, Text

if TYPE_CHECKING:
    from textgraft.experiments.comparing.comparison import Comparison
    from textgraft.methods.base import TextClassifier


def compare(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--method",
            metavar="METHOD",
            help="A method, or with parameters linear:C=10. Repeatable. Default: tfidf, linear, knn, blend.",
        ),
    ] = None,
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="LIST", help="Rows of each class to learn from, and all.")
    ] = "8,32,all",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many draws of rows.")] = 3,
    test: Annotated[
        Path | None,
        typer.Option("--test", metavar="FILE", help="Rows to score; a fifth is held out if not given."),
    ] = None,
    metric: Annotated[
        str, typer.Option("--metric", metavar="NAME", help="accuracy or macro-f1.")
    ] = "accuracy",
    encoder: EncoderName = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Keep finished cells there; the same command goes on after a kill.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write it with charts as one HTML file."),
    ] = None,
    in_process: Annotated[
        bool,
        typer.Option("--in-process", help="Start no processes: less waiting, but no peaks of memory."),
    ] = False,
    oos_label: OosLabel = None,
    single_label: SingleLabel = False,
    text: Text = None,
    label: Label = None,
    encoding: Encoding = "utf-8",
    json: Json = False,
) -> None:
    """Compare methods on the same rows: scores with intervals, what they cost, and what it means.

    Every method learns from the same rows, with few labels and with all, and is scored on the same
    others. The table ends with advice: whether the dearer method pays, and whether more labels would
    bring more than it does.

    The HTML report shows the same with learning curves: scores by labels and by seconds of learning.

    Examples:

      textgraft compare tickets.csv

      textgraft compare tickets.csv --report comparison.html

      textgraft compare train.csv --test test.csv -m tfidf -m linear -m finetune --run tickets.compare

      textgraft compare tickets.csv -m linear -m linear:C=20 -m knn:k=5,temperature=none --sizes all --seeds 5

      textgraft compare tickets.csv -m linear -m linear:encoder=intfloat/e5-small-v2

      textgraft compare tickets.csv --metric macro-f1 --oos-label oos --json > comparison.json
    """
    from textgraft.cli.files import read_rows
    from textgraft.cli.label_lists import with_one_label
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress
    from textgraft.experiments.comparing.compare import compare as measure
    from textgraft.experiments.ladder import CHEAP

    if report is not None:
        from textgraft.experiments.report.page import check_page

        check_page(report)
    tried = _classifiers(method or list(CHEAP), encoder)
    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    rows = with_one_label(rows, single_label)
    tests = None
    if test is not None:
        found = read_rows(test, text=text, label=label, need_labels=True, encoding=encoding)
        found = with_one_label(found, single_label)
        tests = (found.texts, found.labels or [])
    with shown_progress("comparing") as watch:
        result = measure(
            rows.texts,
            rows.labels or [],
            tried,
            sizes=sizes,
            seeds=seeds,
            test=tests,
            metric=metric,
            oos_labels=oos_label or (),
            run=run,
            in_process=in_process,
            watch=watch,
        )
    if report is not None:
        counts = {"rows": len(rows.texts), "test rows": 0 if tests is None else len(tests[0])}
        files = {"rows": file, "test rows": test, "kept cells": run}
        _write_report(result, report, file.name, files, counts)
    if json:
        print_json(result.to_dict())
    else:
        print_text(f"{file}: {result.table()}")
        if report is not None:
            print_text(f"\nReport: {report}")


def _write_report(
    result: Comparison, path: Path, subject: str, files: Mapping[str, Path | None], rows: Mapping[str, int]
) -> None:
    from textgraft.cli.origin import origin_of_command
    from textgraft.experiments.report.comparison import ComparisonReport
    from textgraft.experiments.report.page import write_page

    write_page(ComparisonReport(result, origin_of_command(subject, files, rows)).html(), path)


def _classifiers(methods: list[str], encoder: str | None) -> dict[str, TextClassifier]:
    """Unfitted classifiers by what was written, ``METHOD`` or ``METHOD:NAME=VALUE,NAME=VALUE``.

    Raises:
        ParameterError: one is unknown, written twice, or its parameters are wrong.
    """
    from textgraft.cli.classifiers import build_classifier
    from textgraft.cli.options import method_parameters
    from textgraft.errors import ParameterError
    from textgraft.methods import method_class

    made: dict[str, TextClassifier] = {}
    for written in methods:
        name, _, rest = written.partition(":")
        options = [option.strip() for option in rest.split(",") if option.strip()]
        own = [option for option in options if option.startswith("encoder=")]
        usual = encoder if "encoder" in method_parameters(method_class(name)) else None
        chosen = own[-1].partition("=")[2] if own else usual
        if written in made:
            raise ParameterError(f"The method {written} is named twice; name each once.")
        made[written] = build_classifier(
            name, chosen, [option for option in options if option not in own], "none", [], 0
        )
    return made
