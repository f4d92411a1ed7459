"""``textgraft predict``: texts in, JSON lines out, in order and without end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgraft.cli.options import Encoding, Reject, Text

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier


def predict(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    file: Annotated[Path | None, typer.Argument(help="Texts; stdin if not given or '-'.")] = None,
    text: Text = None,
    reject: Reject = None,
    top: Annotated[
        int, typer.Option("--top", min=0, help="Also list so many classes with the belief in each.")
    ] = 0,
    encoding: Encoding = "utf-8",
) -> None:
    """Label texts: one JSON line for each, in the order they come.

    Reads plain lines from stdin or a .txt file, or the text column of a CSV, TSV, JSONL or Parquet
    file. Memory stays flat however long the input is; Ctrl-C leaves whole lines only. A model of several
    labels a text gives a list of labels, perhaps empty, and the belief in each of them.

    Examples:

      echo 'where is my card?' | textgraft predict cards.model

      textgraft predict cards.model queries.csv --text query > answers.jsonl

      tail -f chat.log | textgraft predict cards.model --reject coverage:0.8

      textgraft predict icd.model terms.txt --top 10
    """
    from textgraft.cli.files import stream_texts
    from textgraft.cli.models import open_model
    from textgraft.cli.output import write_whole
    from textgraft.cli.progress import shown_progress
    from textgraft.core.progress import Progress

    # a stream of new texts would fill the cache and never read it again
    classifier = open_model(model, reject, cache=None)
    done = 0
    with shown_progress("labelling") as watch:
        for block in stream_texts(file, text=text, encoding=encoding):
            write_whole(label_block(classifier, block, top))
            done += len(block)
            watch(Progress("labelling", done, done))


def label_block(classifier: TextClassifier, block: list[Any], top: int) -> str:
    """JSON lines for a block of texts."""
    if classifier.multilabel_:
        return _label_sets_block(classifier, block, top)
    from textgraft.cli.output import json_line
    from textgraft.core.decision import decide
    from textgraft.core.examples import clean_texts

    texts = clean_texts(block)
    scores = classifier.predict_scores(texts)
    labels = decide(scores, classifier.classes_, classifier.threshold_)
    lines = []
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        record: dict[str, Any] = {
            "text": text,
            "label": label,
            "confidence": round(float(scores.confidence[row]), 6),
        }
        if top:
            record["top"] = [
                {"label": classifier.classes_[code], "belief": round(float(value), 6)}
                for code, value in zip(scores.codes[row, :top], scores.values[row, :top], strict=True)
                if code >= 0
            ]
        lines.append(json_line(record))
    return "".join(lines)


def _label_sets_block(classifier: TextClassifier, block: list[Any], top: int) -> str:
    """JSON lines for a block of texts that may have several labels, or none."""
    from textgraft.cli.output import json_line
    from textgraft.core.examples import clean_texts
    from textgraft.core.label_thresholds import reached

    texts, thresholds = clean_texts(block), classifier.label_thresholds_
    assert thresholds is not None
    scores = classifier.predict_scores(texts, most=len(classifier.classes_))
    given = reached(scores, thresholds)
    lines = []
    for row, text in enumerate(texts):
        # most believed first
        ranked = [
            (code, round(float(value), 6))
            for code, value in zip(scores.codes[row], scores.values[row], strict=True)
        ]
        belief = {classifier.classes_[code]: value for code, value in ranked if given[row, code]}
        record: dict[str, Any] = {"text": text, "labels": list(belief), "belief": belief}
        if top:
            record["top"] = [
                {"label": classifier.classes_[code], "belief": value} for code, value in ranked[:top]
            ]
        lines.append(json_line(record))
    return "".join(lines)
