"""``textgraft import-lm``: a language model of fastai as a folder of ours."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.language_summary import summary_of
from textgraft.cli.options import Half, Json


def import_lm(
    weights: Annotated[Path, typer.Argument(help="A .pth of fastai's: published, or of save_encoder.")],
    words: Annotated[Path, typer.Argument(help="The .pkl beside it, a list of words.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the language model goes.")],
    backward: Annotated[bool, typer.Option("--backward", help="It reads texts from their end.")] = False,
    half: Half = False,
    json: Json = False,
) -> None:
    """Take over a language model of fastai, to adapt it or to make a classifier of it.

    Reads what fastai publishes (WikiText-103 of 2018 and later, LSTM and QRNN), and what save_encoder and
    learn.save(…, with_opt=False) wrote. Nothing in the files is run: tensors and words alone are taken.

    Examples:

      textgraft import-lm lstm_fwd.pth lstm_fwd.pkl --to wiki.lm

      textgraft import-lm lstm_bwd.pth lstm_bwd.pkl --backward --to wiki_backward.lm

      textgraft fit tickets.csv -m ulmfit -o language_model wiki.lm --to tickets.model
    """
    from textgraft.cli.output import print_json, print_text
    from textgraft.cli.outputs import check_outputs
    from textgraft.language.fastai import read_fastai
    from textgraft.language.folder import KIND

    began = time.monotonic()
    check_outputs(to, None, None, KIND)
    model = read_fastai(weights, words, backward=backward)
    model.save(to, half=half)
    summary = summary_of(model, to, time.monotonic() - began)
    if json:
        print_json(summary)
        return
    size = f"{summary['vocabulary']:,} words, {summary['parameters']:,} numbers"
    print_text("\n".join([*summary["notes"], f"Saved {to} ({size}, {summary['bytes'] / 1e6:.1f} MB)."]))
