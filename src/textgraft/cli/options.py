"""Options that several commands share, and the ``-o NAME VALUE`` of methods."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Annotated, Any

import typer

from textgraft.errors import ParameterError

EncoderName = Annotated[
    str | None,
    typer.Option("-e", "--encoder", help="A name, a folder or a hub id; see: textgraft encoders."),
]
MethodOptions = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="NAME VALUE", help="A parameter of the method. Repeatable."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every random choice.")]
Text = Annotated[
    str | None, typer.Option("--text", metavar="COLUMN", help="Column of texts; found by name if not given.")
]
Label = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="Column of labels; found by name if not given."),
]
Encoding = Annotated[str, typer.Option("--encoding", metavar="NAME", help="Encoding of the file.")]
OosLabel = Annotated[
    list[str] | None,
    typer.Option(
        "--oos-label",
        metavar="LABEL",
        help="Rows with this label are out of scope, never a class. Repeatable.",
    ),
]
Corpus = Annotated[
    list[str], typer.Argument(help="Texts: .txt, CSV, TSV, JSONL, Parquet, or - for standard input.")
]
BatchSize = Annotated[int, typer.Option("--batch-size", help="Documents read side by side.")]
Window = Annotated[int, typer.Option("--window", help="Tokens of each in a step.")]
Dropout = Annotated[float, typer.Option("--dropout", help="Times the rates of AWD-LSTM.")]
Half = Annotated[bool, typer.Option("--half", help="Keep weights in 16 bits, in half the space.")]
EndOfText = Annotated[
    str, typer.Option("--part", metavar="KIND", help="What ends a plain text: line, blank-line or file.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine to read.")]
Reject = Annotated[
    str | None,
    typer.Option(
        "--reject",
        metavar="RULE",
        help="Use another rule than the model's: none, similarity:0.6, coverage:0.9, risk:0.05.",
    ),
]

_OWN_FLAGS = {
    "encoder": "-e ENCODER",
    "reject": "--reject RULE",
    "oos_labels": "--oos-label LABEL",
    "seed": "--seed NUMBER",
}


def method_parameters(method: type) -> dict[str, inspect.Parameter]:
    """The parameters of a method's constructor by name, in order."""
    parameters = inspect.signature(method).parameters
    return {name: parameter for name, parameter in parameters.items() if name != "self"}


def join_pairs(arguments: list[str]) -> list[str]:
    """``-o NAME VALUE`` as ``-o NAME=VALUE``, since typer knows no repeatable pairs."""
    joined: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        joined.append(argument)
        if argument == "--":
            break
        if argument in ("-o", "--option"):
            name = next(rest, None)
            if name is not None and "=" not in name:
                value = next(rest, None)
                if value is not None and not value.startswith("--"):
                    name = f"{name}={value}"
                    value = None
                joined += [name] if value is None else [name, value]
            elif name is not None:
                joined.append(name)
    return joined + list(rest)


def parse_method_options(name: str, method: type, options: list[str]) -> dict[str, Any]:
    """``NAME=VALUE`` strings as constructor arguments, all faults reported at once.

    Raises:
        ParameterError: unknown names, or values of another type than the parameter's.
    """
    known = [parameter for parameter in method_parameters(method) if parameter not in _OWN_FLAGS]
    hints = typing.get_type_hints(vars(method)["__init__"])
    parsed: dict[str, Any] = {}
    faults = []
    for pair in options:
        option, given, value = pair.partition("=")
        if not given:
            faults.append(f"-o {option} lacks its value (write -o {option} VALUE)")
        elif option in _OWN_FLAGS:
            faults.append(f"{option} is not set by -o but by {_OWN_FLAGS[option]}")
        elif option not in known:
            faults.append(f"it has no option {option!r} (it has: {', '.join(known)})")
        else:
            try:
                parsed[option] = _parse(value, hints[option])
            except (ValueError, KeyError):
                faults.append(f"{option} expects {_words(hints[option])}, found {value!r}")
    if faults:
        raise ParameterError.of(f"method {name}", faults)
    return parsed


def _parse(value: str, hint: Any) -> Any:
    """A string as the first type of a union that takes it; ``none`` for None."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in kinds and value.lower() == "none":
        return None
    if bool in kinds:
        return {"true": True, "false": False}[value.lower()]
    for kind in (int, float, str):
        if kind in kinds:
            try:
                return kind(value)
            except ValueError:
                continue
    raise ValueError(value)


def _words(hint: Any) -> str:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a word",
        type(None): "none",
    }
    return " or ".join(words[kind] for kind in kinds)
