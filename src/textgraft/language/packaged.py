"""The language models that come with textgraft, and any other by its folder."""

from __future__ import annotations

from pathlib import Path

from textgraft.errors import ParameterError, WeightsError
from textgraft.language.folder import PretrainedLanguageModel, open_language_model

FOLDER = Path(__file__).parents[1] / "weights"
"""What the package carries; each language model has a card beside it."""

PACKAGED = {"english": "english.lm"}
"""Folders by the name they are asked for."""


def find_language_model(name: str, *, backward: bool | None = None) -> PretrainedLanguageModel:
    """The language model called ``name``: one of :data:`PACKAGED`, or a folder.

    Args:
        name: a packaged name wins over a folder.
        backward: the direction that it must read in; ``None`` for either.

    Raises:
        WeightsError: neither a name nor a folder.
        ModelFolderError: the folder holds no language model.
        ParameterError: it reads in the other direction.
    """
    folder = FOLDER / PACKAGED[name] if name in PACKAGED else Path(name).expanduser()
    if not folder.is_dir():
        raise WeightsError(
            f"Unknown language model {name!r}: expected one of {', '.join(PACKAGED)}, or a folder that "
            "textgraft pretrain or textgraft adapt wrote."
        )
    found = open_language_model(folder)
    if backward is not None and found.backward != backward:
        ways, flag = ("from their beginning", "from their end"), "--backward " if backward else ""
        raise ParameterError(
            f"The language model {name!r} reads texts {ways[found.backward]}, expected one that reads "
            f"{ways[backward]}. Pretrain one: textgraft pretrain CORPUS {flag}--to FOLDER"
        )
    return found
