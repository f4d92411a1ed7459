"""Where a command will write when it is done, tried out before it begins."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from textgraft.bundle import CLASSIFIER, check_place
from textgraft.errors import ParameterError


def check_outputs(to: Path, run: Path | None, plot: Path | None, kind: str = CLASSIFIER) -> None:
    """Refuse places of a training that cannot be written; leaves nothing behind.

    Args:
        to: the model's folder.
        run: the folder of checkpoints.
        plot: the picture of the loss.
        kind: of the model, as its folder says.

    Raises:
        ModelFolderError: something else is where the model should go.
        ParameterError: another ending than that of a picture, or a place that cannot be written.
    """
    check_place(to, kind)
    _check_takes_files("--to", to)
    if run is not None:
        if to.resolve() in (run.resolve(), *run.resolve().parents):
            raise ParameterError(
                f"Expected --run outside of the model's folder {to}, found {run}; name another folder."
            )
        _check_takes_files("--run", run)
    if plot is not None:
        from textgraft.experiments.pictures.files import check_picture

        check_picture(plot)
        if plot.is_dir() or (plot.exists() and not os.access(plot, os.W_OK)):
            why = "is a folder" if plot.is_dir() else "may not be written"
            raise ParameterError(f"--plot {plot} {why}; name another file.")
        _check_takes_files("--plot", plot.parent)


def _check_takes_files(option: str, folder: Path) -> None:
    """Refuse a folder in which, or in whose nearest parent that is there, nothing can be made."""
    place = folder.absolute()
    try:
        nearest = next(one for one in (place, *place.parents) if one.exists())
        # the name is as long as any that is made there
        with TemporaryDirectory(prefix=f".{place.name}.", suffix=".new", dir=nearest):
            pass
    except OSError as error:
        raise ParameterError(
            f"{option} {folder} cannot be written ({error.strerror}); name another place."
        ) from error
