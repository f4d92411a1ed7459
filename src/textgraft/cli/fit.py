"""``textgraft fit``: from a file of labelled texts to a model folder."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgraft.cli.label_lists import SEPARATOR, Separator, Several
from textgraft.cli.options import EncoderName, Encoding, Json, Label, MethodOptions, OosLabel, Seed, Text

if TYPE_CHECKING:
    from textgraft.cli.files import Rows
    from textgraft.core.progress import Watch
    from textgraft.experiments.auto.choice import AutoChoice
    from textgraft.methods.base import TextClassifier
    from textgraft.training.records import Training

AUTO = "auto"
"""In place of a method: choose one on the training rows."""

USUAL_BUDGET = "10m"
USUAL_RULE = "coverage:0.95"


def fit(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet with texts and labels.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the model goes.")],
    method: Annotated[
        str, typer.Option("-m", "--method", help="See: textgraft methods; or auto, to choose.")
    ] = "linear",
    encoder: EncoderName = None,
    option: MethodOptions = None,
    reject: Annotated[
        str,
        typer.Option(
            "--reject",
            metavar="RULE",
            help="none, similarity:0.6, coverage:0.95 or risk:0.05[:per-class].",
        ),
    ] = USUAL_RULE,
    valid: Annotated[
        Path | None, typer.Option("--valid", metavar="FILE", help="Labelled rows to fit the threshold on.")
    ] = None,
    oos_label: OosLabel = None,
    text: Text = None,
    label: Label = None,
    several: Several = None,
    separator: Separator = SEPARATOR,
    encoding: Encoding = "utf-8",
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Where a trained method keeps checkpoints and a log; the same command goes on after a kill.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the loss of a trained method.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="TIME", help="For -m auto: 90s, 10m (if not given) or 1h30m."),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Learn a classifier from a file of labelled texts.

    The rejection threshold is chosen by data: rows are held out (or cross-fitted, when there are
    too few to spare), and the threshold keeps the share of them that you ask for (coverage:0.95), or
    keeps errors among accepted texts as few as you ask for (risk:0.05).

    A text may have several labels, or none, where labels are lists (JSONL, Parquet) or joined by '|'.
    Then there is a threshold for each label and no rejection.

    With -m auto, methods are tried from cheap to dear on the training rows, as many as fit into the
    budget, and the cheapest within one standard error of the best is learned.

    Examples:

      textgraft fit tickets.csv --to tickets.model

      textgraft fit tickets.csv -m knn -o k 5 --oos-label oos --to knn.model

      textgraft fit tickets.csv --reject risk:0.02 --to sure.model

      textgraft fit tickets.csv --reject risk:0.05:per-class --to fair.model

      textgraft fit train.jsonl --valid dev.jsonl --label intent --to my.model

      textgraft fit tickets.csv -m tfidf --reject none --to cheap.model

      textgraft fit articles.jsonl -m linear --multilabel --to topics.model

      textgraft fit tickets.csv -m auto --budget 10m --to best.model

      textgraft fit tickets.csv -m finetune --run tickets.run --plot loss.png --to tuned.model
    """
    from textgraft.cli.classifiers import build_classifier
    from textgraft.cli.files import read_rows
    from textgraft.cli.fit_summary import summary_of, summary_text
    from textgraft.cli.label_lists import with_label_lists
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.outputs import check_outputs
    from textgraft.cli.processes import main_process
    from textgraft.cli.progress import shown_progress
    from textgraft.core.label_sets import has_lists
    from textgraft.core.progress import unwatched
    from textgraft.errors import ParameterError

    began = time.monotonic()
    auto = method == AUTO
    _check_auto(auto, budget, option, run, plot)
    classifier = build_classifier(
        "linear" if auto else method, None if auto else encoder, option or [], reject, oos_label or [], seed
    )
    if (plot is not None or run is not None) and not hasattr(classifier, "plan"):
        raise ParameterError(
            f"The method {method} trains no network, so it has no checkpoints and no loss; leave --run and "
            "--plot out."
        )
    check_outputs(to, run, plot)
    rows = read_rows(file, text=text, label=label, need_labels=True, encoding=encoding)
    rows, found = with_label_lists(rows, several, separator)
    if (lists := has_lists(rows.labels)) and reject == USUAL_RULE:
        # nobody asked for it; a rule that somebody did ask for is refused
        classifier.set_params(reject=None)
    if lists and auto:
        raise ParameterError(
            "-m auto chooses a method for one label a text, and these rows have lists of labels. Name a "
            "method, such as -m linear, or take labels as they are with --single-label."
        )
    held_out = None
    if valid is not None:
        more = read_rows(valid, text=text, label=label, need_labels=True, encoding=encoding)
        more, _ = with_label_lists(more, lists, separator)
        held_out = (more.texts, more.labels or [])
    with main_process() as writes:
        choice = None
        with shown_progress("opening the encoder") if writes else nullcontext(unwatched) as watch:
            if auto:
                classifier, choice = _chosen(classifier, rows, held_out, budget, encoder, watch)
            else:
                classifier.fit(rows.texts, rows.labels or [], valid=held_out, run=run, watch=watch)
            classifier.save(to)
        if not writes:
            return
        if classifier.run_ is not None:
            # the model is saved: only the logs of its making are worth their space
            classifier.run_.remove_checkpoints()
        seconds = time.monotonic() - began
        summary = summary_of(classifier, file, to, rows.text_column, rows.label_column, seconds)
        if found is not None:
            summary["multilabel"] = found
        summary["auto"] = None if choice is None else choice.to_dict()
        training: Any = getattr(classifier.learned_, "training", None)
        if plot is not None and not training.reports:
            summary["training"].append(f"No epoch was trained, so {plot} was not drawn.")
        if json:
            print_json(summary)
        else:
            print_text(summary_text(summary, [] if choice is None else choice.sentences()))
        if plot is not None and training.reports:
            _draw(training, plot)


def _check_auto(
    auto: bool, budget: str | None, option: list[str] | None, run: Path | None, plot: Path | None
) -> None:
    """Refuse options that mean nothing with, or without, ``-m auto``."""
    from textgraft.core.durations import parse_duration
    from textgraft.errors import ParameterError
    from textgraft.training.together import launched

    if not auto and budget is not None:
        raise ParameterError(f"--budget {budget} is for -m auto; leave it out, or choose -m auto.")
    if auto and (option or run is not None or plot is not None):
        raise ParameterError("-m auto chooses the method and its parameters; leave -o, --run and --plot out.")
    if auto and launched():
        raise ParameterError(
            "-m auto chooses by seconds, which differ between processes; name a method, or start one process."
        )
    if budget is not None:
        parse_duration(budget)


def _chosen(
    like: TextClassifier,
    rows: Rows,
    held_out: tuple[list[object], list[object]] | None,
    budget: str | None,
    encoder: str | None,
    watch: Watch,
) -> tuple[TextClassifier, AutoChoice]:
    """A fitted classifier of the method that data chose, with the rule, labels and seed of another."""
    from textgraft.experiments.auto.fitting import fit_auto

    return fit_auto(
        rows.texts,
        rows.labels or [],
        budget=budget or USUAL_BUDGET,
        encoder=encoder,
        reject=like.reject,
        oos_labels=like.oos_labels,
        valid=held_out,
        seed=like.seed,
        watch=watch,
    )


def _draw(training: Training, plot: Path) -> None:
    """Draw the losses, in a folder that is made as that of the model is."""
    from textgraft.experiments.pictures.losses import draw_losses

    plot.parent.mkdir(parents=True, exist_ok=True)
    draw_losses(training, plot)
