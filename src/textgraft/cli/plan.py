"""``textgraft plan``: what a trained method would do, before it does it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgraft.cli.label_lists import SEPARATOR, Separator, Several
from textgraft.cli.options import EncoderName, Encoding, Json, Label, MethodOptions, OosLabel, Text

if TYPE_CHECKING:
    from textgraft.core.plan import Stage


def plan(
    method: Annotated[str, typer.Argument(help="A trained method; see: textgraft methods.")],
    file: Annotated[Path | None, typer.Argument(help="The rows it would learn from.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=2, help="How many rows, without a file.")] = 1_000,
    classes: Annotated[int, typer.Option("--classes", min=2, help="How many classes, without a file.")] = 10,
    unlabelled: Annotated[
        int, typer.Option("--unlabelled", min=0, help="How many texts without a label, without a file.")
    ] = 0,
    encoder: EncoderName = None,
    option: MethodOptions = None,
    oos_label: OosLabel = None,
    text: Text = None,
    label: Label = None,
    several: Several = None,
    separator: Separator = SEPARATOR,
    encoding: Encoding = "utf-8",
    json: Json = False,
) -> None:
    """Print the phases, layer groups, learning rates and parameter counts of a training.

    Nothing is learned. Defaults that depend on the number of rows are those for the file, or for
    --rows, --classes and --unlabelled.

    Examples:

      textgraft plan finetune tickets.csv

      textgraft plan finetune --rows 100 -o factor 2.6

      textgraft plan word-gru --rows 25000 --classes 2

      textgraft plan ulmfit --rows 100 --unlabelled 20000
    """
    from textgraft.cli.classifiers import build_classifier
    from textgraft.cli.output import print_json, print_text
    from textgraft.core.plan import plan_table, plan_to_json
    from textgraft.errors import ParameterError
    from textgraft.methods import METHODS, method_class
    from textgraft.methods.rejection.calibration import CROSS_FIT_FOLDS, FEWEST_ROWS_TO_SPARE

    found = build_classifier(method, encoder, option or [], "none", oos_label or [], 0)
    make_plan: Any = getattr(found, "plan", None)
    if make_plan is None:
        trained = ", ".join(name for name in METHODS if hasattr(method_class(name), "plan"))
        raise ParameterError(f"The method {method} has no plan, since it trains no network ({trained} do).")
    if file is not None:
        from textgraft.cli.files import read_rows
        from textgraft.cli.label_lists import check_rows, with_label_lists

        read = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
        examples = check_rows(with_label_lists(read, several, separator)[0], oos_label or [])
        rows, classes = len(examples.texts), len(examples.coded()[0])
        unlabelled = len(examples.unlabelled)
    counts = {"n_rows": rows, "n_classes": classes}
    said = ""
    if "n_unlabelled" in inspect.signature(make_plan).parameters:
        counts["n_unlabelled"] = unlabelled
        said = f" and {unlabelled:,} texts without a label" if unlabelled else ""
    elif unlabelled and file is None:
        raise ParameterError(
            f"The method {method} does not learn from texts without a label; leave --unlabelled out."
        )
    stages: tuple[Stage, ...] = make_plan(**counts)
    if json:
        print_json(
            {
                "method": method,
                "rows": rows,
                "classes": classes,
                "unlabelled": unlabelled,
                "stages": [
                    {"name": stage.name, "parameters": stage.sizes, "plan": plan_to_json(stage.plan)}
                    for stage in stages
                ],
            }
        )
        return
    lines = [f"{method} on {rows:,} rows of {classes:,} classes{said}:"]
    for stage in stages:
        lines += ["", stage.name, plan_table(stage.plan, stage.sizes)]
    if found.holdout == "auto" and rows < FEWEST_ROWS_TO_SPARE:
        lines += [
            "",
            f"Of fewer than {FEWEST_ROWS_TO_SPARE:,} rows none is held out, so fit learns all of this "
            f"{CROSS_FIT_FOLDS + 1} times to fit its threshold; once with --valid FILE or --reject none.",
        ]
    print_text("\n".join(lines))
