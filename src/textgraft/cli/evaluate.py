"""``textgraft evaluate``: how good a model is on rows it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgraft.cli.label_lists import SEPARATOR, Separator
from textgraft.cli.options import Encoding, Json, Label, OosLabel, Reject, Text

if TYPE_CHECKING:
    from textgraft.cli.files import Rows
    from textgraft.core.progress import Watch
    from textgraft.experiments.report.origin import Origin
    from textgraft.methods.base import TextClassifier


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
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write all there is to say as one HTML file."),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option("--train", metavar="FILE", help="For the report: the rows the model learned from."),
    ] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            "--unlabelled", metavar="FILE", help="For the report: texts of which to label some next."
        ),
    ] = None,
    suspects: Annotated[
        bool | None,
        typer.Option(
            "--suspects/--no-suspects",
            help="For the report: look for doubtful labels, which fits five times. By default with --train "
            "and a method that trains no network.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a model on a file of labelled texts that it did not learn from.

    Prints a report by class, accuracy, macro- and micro-F1 and coverage; where out-of-scope rows
    exist, also out-of-scope recall, AUROC and the false-positive rate at 95 % true positives. The
    calibration error says how far belief is from the share of texts that is right. A model of several
    labels a text gets precision, recall and F1 by label, micro- and macro-F1, subset accuracy, Hamming loss
    and LRAP (label ranking average precision).

    The HTML report also shows intervals, errors by coverage, confused classes, the surest errors with
    the training texts behind them, leaks and copies, and with --unlabelled what to label next.
    That of a model of several labels a text shows which labels are given for others.

    Examples:

      textgraft evaluate cards.model test.csv

      textgraft evaluate cards.model test.csv --oos-label oos --reject coverage:0.9

      textgraft evaluate cards.model test.csv --report cards.html

      textgraft evaluate cards.model test.csv --report cards.html --train train.csv --unlabelled chat.txt

      textgraft evaluate cards.model test.csv --reliability belief.png

      textgraft evaluate cards.model test.parquet --json > result.json
    """
    from textgraft.cli.files import read_rows, stream_texts
    from textgraft.cli.label_lists import with_label_lists
    from textgraft.cli.models import open_model
    from textgraft.cli.origin import origin_of_command
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.progress import shown_progress

    _check_outputs(
        reliability, report, {"--train": train, "--unlabelled": unlabelled, "--suspects": suspects}
    )
    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    learned, pool = None, None
    if train is not None:
        learned = read_rows(train, text=text, label=label, need_labels=True, encoding=encoding)
    if unlabelled is not None:
        column = None if unlabelled.suffix == ".txt" else text
        pool = [one for block in stream_texts(unlabelled, text=column, encoding=encoding) for one in block]
    files = {"model": model, "test rows": file, "training rows": train, "unlabelled": unlabelled}
    counts = {
        "test rows": len(rows.texts),
        "training rows": 0 if learned is None else len(learned.texts),
        "unlabelled": 0 if pool is None else len(pool),
    }
    origin = None if report is None else origin_of_command(model.resolve().name, files, counts)
    with shown_progress("opening the model") as watch:
        classifier = open_model(model, reject)
        if classifier.multilabel_:
            _check_sets({"--unlabelled": unlabelled, "--suspects": suspects})
            rows, _ = with_label_lists(rows, True, separator)
            if learned is not None:
                learned, _ = with_label_lists(learned, True, separator)
        extras = {} if classifier.multilabel_ else {"suspects": suspects, "unlabelled": pool}
        result, page = _measure(classifier, rows, learned, origin, oos_label, watch, extras)
    if report is not None and page is not None:
        from textgraft.experiments.report.page import write_page

        write_page(page, report)
    if reliability is not None:
        from textgraft.experiments.pictures.reliability import draw_reliability

        draw_reliability(result, reliability)
    if json:
        print_json(result.to_dict())
        return
    print_text(result.table())
    for name, path in (("Reliability", reliability), ("Report", report)):
        if path is not None:
            print_text(f"{name}: {path}")


def _measure(
    classifier: TextClassifier,
    rows: Rows,
    learned: Rows | None,
    origin: Origin | None,
    oos_labels: list[str] | None,
    watch: Watch,
    extras: Mapping[str, Any],
) -> tuple[Any, str | None]:
    """Measures, and a page about them where its origin is given; ``extras`` are what only a page says."""
    labels = rows.labels or []
    if origin is None:
        from textgraft.experiments.measuring import evaluate

        return evaluate(classifier, rows.texts, labels, oos_labels=oos_labels, watch=watch), None
    from textgraft.experiments.report.evaluation import evaluation_report
    from textgraft.experiments.report.several_labels import label_report

    report: Callable[..., Any] = label_report if classifier.multilabel_ else evaluation_report
    train = None if learned is None else (learned.texts, learned.labels or [])
    found = report(
        classifier, rows.texts, labels,
        origin=origin, train=train, oos_labels=oos_labels, watch=watch, **extras,
    )  # fmt: skip
    return found.evaluation, found.html()


def _check_sets(only_one: Mapping[str, object]) -> None:
    """Refuse what can be said of one label a text only."""
    from textgraft.errors import ParameterError

    if asked := [name for name, value in only_one.items() if value is not None]:
        raise ParameterError(
            f"A model of several labels a text cannot be asked for {' and '.join(asked)}; leave that out."
        )


def _check_outputs(reliability: Path | None, report: Path | None, extras: Mapping[str, object]) -> None:
    """Refuse files that cannot be written before anything is measured, and what only a report would say."""
    from textgraft.errors import ParameterError

    if reliability is not None:
        from textgraft.experiments.pictures.files import check_picture

        check_picture(reliability)
    if report is not None:
        from textgraft.experiments.report.page import check_page

        check_page(report)
    elif lonely := [name for name, value in extras.items() if value is not None]:
        raise ParameterError(f"{' and '.join(lonely)} add to the HTML report: also give --report FILE.html.")
