"""What a model folder says about itself: pooling, normalisation, length, prompt.

Reads the two formats people have, without importing either library:

* sentence-transformers: ``modules.json`` names a transformer and the steps after it;
* plain Hugging Face: ``config.json`` alone; mean pooling, as sentence-transformers does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgraft.errors import WeightsError

POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
"""Names of pooling modes."""

# in the order in which their vectors are joined; the new format lists modes in that order itself
_OLD_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}

ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU")
"""Activations of dense steps that can be opened, by their torch class name."""


@dataclass(frozen=True)
class Pool:
    """Token states to one vector; several modes are joined side by side."""

    modes: tuple[str, ...]
    include_prompt: bool = True


@dataclass(frozen=True)
class Dense:
    """A linear layer with an activation; ``folder`` holds ``model.safetensors``."""

    folder: Path
    activation: str


@dataclass(frozen=True)
class Normalize:
    """Divide by the Euclidean length."""


@dataclass(frozen=True)
class Layout:
    """How to go from texts to vectors with the weights in a folder."""

    transformer: Path
    max_tokens: int | None
    lower_case: bool
    prompt: str
    steps: tuple[Pool | Dense | Normalize, ...]


def read_layout(folder: Path) -> Layout:
    """Read the layout of a model folder.

    Raises:
        WeightsError: a broken file, or a module textgraft cannot run.
    """
    if not (folder / "modules.json").is_file():
        return Layout(folder, None, False, "", (Pool(("mean",)),))
    try:
        modules = [(str(module["type"]), str(module["path"])) for module in _read(folder / "modules.json")]
    except (TypeError, KeyError) as error:
        raise WeightsError(f"{folder}/modules.json is no list of modules ({error!r}).") from error
    kinds = [kind.rsplit(".", 1)[-1] for kind, _ in modules]
    places = [folder / path for _, path in modules]
    if not kinds or kinds[0] != "Transformer":
        raise WeightsError(
            f"{folder}/modules.json begins with {kinds[0] if kinds else 'nothing'}; "
            "textgraft opens models that begin with a Transformer."
        )
    steps = tuple(
        _step(kind, place) for kind, place in zip(kinds[1:], places[1:], strict=True) if kind != "Dropout"
    )
    if not steps or not isinstance(steps[0], Pool):
        raise WeightsError(f"{folder}/modules.json has no Pooling after its Transformer.")
    text = _transformer_settings(places[0])
    prompt = _default_prompt(folder)
    if prompt and any(isinstance(step, Pool) and not step.include_prompt for step in steps):
        raise WeightsError(f"{folder} pools without its prompt, which textgraft does not do.")
    return Layout(
        transformer=places[0],
        max_tokens=text.get("max_seq_length"),
        lower_case=bool(text.get("do_lower_case", False)),
        prompt=prompt,
        steps=steps,
    )


def _step(kind: str, place: Path) -> Pool | Dense | Normalize:
    if kind == "Normalize":
        return Normalize()
    if kind == "Pooling":
        settings = _read(place / "config.json")
        return Pool(_pooling_modes(settings, place), bool(settings.get("include_prompt", True)))
    if kind == "Dense":
        settings = _read(place / "config.json")
        activation = str(settings.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
        if activation not in ACTIVATIONS:
            raise WeightsError(
                f"{place} uses the activation {activation}; expected one of {', '.join(ACTIVATIONS)}."
            )
        if settings.get("use_residual"):
            raise WeightsError(f"{place} is a dense layer with a residual, which textgraft does not run.")
        if settings.get("module_input_name", "sentence_embedding") != "sentence_embedding":
            raise WeightsError(f"{place} is a dense layer over tokens, which textgraft does not run.")
        return Dense(place, activation)
    raise WeightsError(
        f"{place} is a {kind} module, which textgraft does not run "
        "(it runs Transformer, Pooling, Dense, Normalize)."
    )


def _pooling_modes(settings: dict[str, Any], place: Path) -> tuple[str, ...]:
    named = settings.get("pooling_mode")
    if named is None:
        modes = [mode for key, mode in _OLD_POOLING_KEYS.items() if settings.get(key)]
    else:
        modes = [named] if isinstance(named, str) else list(named)
    unknown = [mode for mode in modes if mode not in POOLINGS]
    if unknown or not modes:
        raise WeightsError(
            f"{place}/config.json asks for the pooling {unknown or 'none'}; "
            f"expected one of {', '.join(POOLINGS)}."
        )
    return tuple(modes)


def _transformer_settings(place: Path) -> dict[str, Any]:
    for path in sorted(place.glob("sentence_*_config.json")):
        settings: dict[str, Any] = _read(path)
        return settings
    return {}


def _default_prompt(folder: Path) -> str:
    path = folder / "config_sentence_transformers.json"
    if not path.is_file():
        return ""
    settings = _read(path)
    return str((settings.get("prompts") or {}).get(settings.get("default_prompt_name"), "") or "")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing; the model folder is not complete.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} is no valid JSON ({error}).") from error
