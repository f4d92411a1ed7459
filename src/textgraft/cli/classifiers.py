"""From options to an unfitted classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier


def build_classifier(
    method: str, encoder: str | None, options: list[str], reject: str, oos: list[str], seed: int
) -> TextClassifier:
    """The unfitted classifier that the options describe.

    Raises:
        ParameterError: unknown method, option or rule; an encoder for a method without one.
    """
    from textgraft.cli.options import method_parameters, parse_method_options
    from textgraft.core.rules import parse_rule
    from textgraft.errors import ParameterError
    from textgraft.methods import method_class

    found = method_class(method)
    arguments = parse_method_options(method, found, options)
    if encoder is not None:
        if "encoder" not in method_parameters(found):
            raise ParameterError(f"The method {method} needs no encoder; leave -e {encoder} out.")
        arguments["encoder"] = encoder
    return found(**arguments, reject=parse_rule(reject), oos_labels=tuple(oos), seed=seed)
