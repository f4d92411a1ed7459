"""The command group, and how our errors reach a person: one line, exit code 2."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from textgraft.cli import (
    adapt,
    compare,
    encoders,
    evaluate,
    explain,
    find_rate,
    fit,
    import_lm,
    inspect,
    methods,
    plan,
    predict,
    pretrain,
    suspects,
)
from textgraft.cli.next import label_next
from textgraft.cli.options import join_pairs
from textgraft.errors import TextgraftError

EPILOG = """
A first tour, with the file that comes with the source:

textgraft inspect examples/support_tickets.csv --oos-label oos

textgraft fit examples/support_tickets.csv --oos-label oos --to my.model

echo 'where is my parcel?' | textgraft predict my.model

textgraft evaluate my.model more_tickets.csv

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 interrupted or a fault of
ours, 2 a mistake that the message says how to mend.
"""

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="textgraft",
    help="Text classifiers by transfer learning that know what they do not know.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("fit")(fit.fit)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("explain")(explain.explain)
app.command("inspect")(inspect.inspect)
app.command("suspects")(suspects.suspects)
app.command("next")(label_next)
app.command("methods")(methods.methods)
app.command("encoders")(encoders.encoders)
app.command("plan")(plan.plan)
app.command("find-rate")(find_rate.find_rate)
app.command("pretrain")(pretrain.pretrain)
app.command("adapt")(adapt.adapt)
app.command("import-lm")(import_lm.import_lm)


@app.callback(invoke_without_command=True)
def _group(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"textgraft {version_of('textgraft')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; the entry point ``textgraft``."""
    arguments = join_pairs(sys.argv[1:]) or ["--help"]
    try:
        code = app(args=arguments, prog_name="textgraft", standalone_mode=False)
    except TextgraftError as error:
        _stop(str(error), 2)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "textgraft"
        _stop(f"{str(error).rstrip('.')}. See: {command} --help", 2)
    except BrokenPipeError:
        # whoever read our output has had enough; say nothing, also not when Python flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    if code == INTERRUPTED:
        _stop("interrupted.", 1)
    sys.exit(code or 0)


def _stop(message: str, code: int) -> NoReturn:
    print(f"textgraft: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
