"""``python -m textgraft``: the command, in the environment of that Python."""

from textgraft.cli.main import main

main()
