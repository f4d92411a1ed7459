"""``textgraft methods``: what there is to choose from, and what each takes."""

from __future__ import annotations

from inspect import Parameter, getdoc
from typing import Annotated, Any

import typer

from textgraft.cli.options import Json, method_parameters


def methods(
    name: Annotated[str | None, typer.Argument(help="A method.")] = None,
    json: Json = False,
) -> None:
    """List the methods, cheapest first; with a name, its parameters and their defaults.

    Examples:

      textgraft methods

      textgraft methods knn
    """
    from textgraft.cli.output import print_json, print_text
    from textgraft.methods import METHODS, method_class

    if name is None:
        known = {method: _first_sentence(method_class(method)) for method in METHODS}
        if json:
            print_json(known)
        else:
            width = max(map(len, known))
            print_text("\n".join(f"{method:<{width}}  {about}" for method, about in known.items()))
        return
    found = method_class(name)
    if json:
        parameters = {key: _plain(value) for key, value in method_parameters(found).items()}
        print_json({"name": name, "about": _first_sentence(found), "parameters": parameters})
    else:
        defaults = ", ".join(f"{key} {_plain(value)}" for key, value in method_parameters(found).items())
        print_text(f"{getdoc(found)}\n\nDefaults: {defaults}")


def _first_sentence(method: type) -> str:
    return (getdoc(method) or "").partition("\n")[0]


def _plain(parameter: Parameter) -> Any:
    default = parameter.default
    return list(default) if isinstance(default, tuple) else default
