"""Where a trained method keeps checkpoints, and how it knows them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

import numpy as np

from textgraft.methods.lesson import Lesson
from textgraft.training.checkpoints import RunFolder


def run_folder(lesson: Lesson, stage: str, parameters: dict[str, Any]) -> RunFolder | None:
    """The folder of one stage of training, bound to its rows and parameters; None if none is kept.

    Args:
        lesson: what is learned from.
        stage: name of the stage; a method may train several networks one after another.
        parameters: of the method, as ``get_params`` gives them.
    """
    if lesson.run is None:
        return None
    digest = hashlib.sha256()
    weights = lesson.encoder.weights_fingerprint if lesson.encoder is not None else ""
    relevant = {
        name: str(value)
        for name, value in parameters.items()
        if name not in ("encoder", "reject", "oos_labels", "holdout")
    }
    digest.update(json.dumps([stage, weights, relevant], sort_keys=True).encode())
    digest.update("\0".join(lesson.unlabelled).encode("utf-8", "surrogatepass"))
    for array in (lesson.features, lesson.outside, lesson.codes):
        if array.dtype == object:
            digest.update("\0".join(array).encode("utf-8", "surrogatepass"))
        else:
            digest.update(np.ascontiguousarray(array).tobytes())
    return lesson.run.stage(stage, digest.hexdigest())


def option_names(parameters: Collection[str], rate: str = "rate") -> dict[str, str]:
    """What sets the numbers that the errors of training name, among the parameters of a method.

    Args:
        parameters: of the method.
        rate: the one that sets the rate of the stage.
    """
    return {"rate": rate} | ({"max_tokens": "max_tokens"} if "max_tokens" in parameters else {})
