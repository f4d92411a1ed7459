"""``textgraft explain``: the training texts behind a decision, and the similarity heatmap."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.options import Encoding, Json, Reject, Text

if TYPE_CHECKING:
    from textgraft.methods.evidence import Explanation

MOST_IN_HEATMAP = 1_000
"""Texts beyond which a heatmap shows nothing a person can read."""


def explain(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts, each in quotes.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Texts from a file; '-' for stdin.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many training texts to show.")] = 3,
    heatmap: Annotated[
        Path | None, typer.Option("--heatmap", metavar="FILE.png", help="Draw similarities of the texts.")
    ] = None,
    reject: Reject = None,
    text: Text = None,
    encoding: Encoding = "utf-8",
    json: Json = False,
) -> None:
    """Show why: the nearest training texts with their labels and similarities.

    With --heatmap also draws how similar the given texts are to one another.

    Examples:

      textgraft explain cards.model "where is my card"

      textgraft explain cards.model "where is my card" "it never came" "hello" --heatmap cards.png

      textgraft explain cards.model --file queries.csv -k 5 --json
    """
    from textgraft.cli.files import stream_texts
    from textgraft.cli.models import open_model
    from textgraft.cli.output import print_json, print_text
    from textgraft.core.examples import clean_texts
    from textgraft.errors import ParameterError

    asked = list(texts or [])
    if file is not None:
        for block in stream_texts(file, text=text, encoding=encoding):
            asked += clean_texts(block)
    if not asked:
        raise ParameterError("Expected texts to explain, found none. Give them in quotes or by --file.")
    if heatmap is not None and len(asked) > MOST_IN_HEATMAP:
        raise ParameterError(f"A heatmap takes up to {MOST_IN_HEATMAP:,} texts, found {len(asked):,}.")
    classifier = open_model(model, reject)
    explanations = [classifier.explain(one, k) for one in asked]
    if json:
        print_json([asdict(explanation) for explanation in explanations])
    else:
        print_text("\n\n".join(_told(explanation) for explanation in explanations))
    if heatmap is not None:
        from textgraft.experiments.pictures.heatmap import draw_heatmap

        draw_heatmap(asked, classifier.similarities(asked), heatmap)
        if not json:
            print_text(f"\nHeatmap of {len(asked):,} texts: {heatmap}")


def _told(explanation: Explanation) -> str:
    from textgraft.core.decision import REJECTED
    from textgraft.methods.evidence import LabelsExplanation

    if explanation.threshold is not None:
        cut = f"threshold {explanation.threshold:.3f}"
    else:
        cut = f"{'everything' if explanation.label == REJECTED else 'nothing'} is rejected"
    verdict = explanation.label
    if isinstance(explanation, LabelsExplanation):
        belief = [f"{name} {explanation.belief[name]:.3f}" for name in explanation.labels]
        cut = (
            ", ".join(belief)
            or f"no label; the most believed is {explanation.best} {explanation.confidence:.3f}"
        )
        lines = [explanation.text, f"  {cut}"]
    else:
        if explanation.label != explanation.best:
            verdict += f" (nearest class: {explanation.best})"
        lines = [explanation.text, f"  {verdict}   confidence {explanation.confidence:.3f}, {cut}"]
    lines += [
        f"  {neighbour.similarity:6.3f}  {neighbour.label}: {_on_one_line(neighbour.text)}"
        for neighbour in explanation.neighbours
    ]
    return "\n".join(lines)


def _on_one_line(text: str, width: int = 100) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
