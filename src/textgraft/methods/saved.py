"""The parts of a saved classifier that are the same for every method."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.bundle import Bundle, with_prefix, without_prefix, write_bundle
from textgraft.core.belief import Belief
from textgraft.core.examples import RowReport, clean_label_set
from textgraft.core.held_out import HeldOut
from textgraft.core.label_belief import LabelBelief
from textgraft.core.label_thresholds import LabelThresholds
from textgraft.core.risk import Tested
from textgraft.core.rules import parse_rule
from textgraft.core.threshold import ClassThreshold, Threshold
from textgraft.encoders import load_encoder
from textgraft.encoders.encoder import Encoder
from textgraft.errors import WeightsError

_LEARNED = "learned."

_ARRAYS = ("class_counts_", "train_codes_", "oos_confidence_", "oos_best_")
"""Fitted attributes that are stored as arrays, under their names without the underscore."""

_HELD_OUT = ("confidence", "correct", "outside", "best", "outside_best")
"""Arrays of the held-out rows; older models lack some of the later ones."""


_ENDLESS = {"inf": math.inf, "-inf": -math.inf}
"""Words for thresholds of classes that JSON has no number for."""

_LABEL_SETTINGS = ("common", "rows", "source")
"""What is kept of the thresholds of several labels, beside their arrays."""


def write_classifier(classifier: Any, path: str | Path, parameters: dict[str, Any], packed: Bundle) -> None:
    """Write a fitted classifier as a model folder.

    Args:
        classifier: has the fitted attributes.
        path: where.
        parameters: to make it with again.
        packed: what its method learned.

    Raises:
        ModelFolderError: something else is in the way, or the disk refuses.
    """
    arrays, texts = nested(packed)
    about = {
        "method": classifier.method,
        "textgraft": importlib.metadata.version("textgraft"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "parameters": parameters_to_json(parameters, classifier.encoder_),
        "encoder": encoder_to_json(classifier.encoder_),
        "threshold": threshold_to_json(classifier.threshold_),
        "held_out_source": classifier.held_out_.source,
        "n_uncovered_classes": classifier.held_out_.n_uncovered_classes,
        "belief": asdict(classifier.belief_),
        "report": asdict(classifier.report_),
        "learned": packed.about,
    }
    if (thresholds := classifier.label_thresholds_) is not None:
        about["label_thresholds"] = {name: getattr(thresholds, name) for name in _LABEL_SETTINGS}
        about["label_belief"] = asdict(classifier.label_belief_)
        arrays["label_usual"] = about["label_belief"].pop("usual")
        arrays |= {"label_thresholds": thresholds.values, "label_positives": thresholds.positives}
    arrays |= {name[:-1]: getattr(classifier, name) for name in _ARRAYS}
    arrays |= {f"held_out_{name}": getattr(classifier.held_out_, name) for name in _HELD_OUT}
    texts |= {"classes": list(classifier.classes_), "train_texts": classifier.train_texts_}
    write_bundle(path, Bundle(about, arrays, texts))


def restore_attributes(classifier: Any, bundle: Bundle) -> None:
    """Give a classifier back the fitted attributes that every method has."""
    about = bundle.about
    classifier.report_ = RowReport(**about["report"])
    classifier.threshold_ = threshold_from_json(about["threshold"])
    # models of before belief was calibrated have the method's own
    classifier.belief_ = Belief(**about.get("belief", {}))
    found = {name: bundle.arrays.get(f"held_out_{name}") for name in _HELD_OUT}
    classifier.held_out_ = HeldOut(
        **{name: array for name, array in found.items() if array is not None},
        source=about["held_out_source"],
        n_uncovered_classes=about["n_uncovered_classes"],
    )
    classifier.classes_ = np.array(bundle.texts["classes"], dtype=object)
    classifier.train_texts_ = bundle.texts["train_texts"]
    # models of one label a text have none, nor have those of before there were several
    classifier.label_thresholds_ = None
    if "label_thresholds" in about:
        classifier.label_thresholds_ = LabelThresholds(
            values=bundle.arrays["label_thresholds"],
            positives=bundle.arrays["label_positives"],
            **about["label_thresholds"],
        )
    classifier.label_belief_ = LabelBelief()
    if "label_belief" in about:
        classifier.label_belief_ = LabelBelief(usual=bundle.arrays["label_usual"], **about["label_belief"])
    for name in _ARRAYS:
        setattr(classifier, name, bundle.arrays.get(name[:-1]))
    if classifier.oos_best_ is None:
        # older models did not note them, and have no threshold that would ask
        classifier.oos_best_ = np.zeros(len(classifier.oos_confidence_), dtype=np.int64)


def parameters_to_json(parameters: dict[str, Any], encoder: Encoder | None) -> dict[str, Any]:
    """Constructor parameters as JSON values: rules, encoders and labels by name."""
    plain = dict(parameters)
    plain["reject"] = str(plain["reject"] or "none")
    plain["oos_labels"] = clean_label_set(plain["oos_labels"])
    if encoder is not None:
        # the opened encoder knows where it lies; the name given may be relative
        plain["encoder"] = encoder.name
    return {name: getattr(value, "item", lambda value=value: value)() for name, value in plain.items()}


def parameters_from_json(plain: dict[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`parameters_to_json`."""
    return plain | {"reject": parse_rule(plain["reject"]), "oos_labels": tuple(plain["oos_labels"])}


def threshold_to_json(threshold: Threshold) -> dict[str, Any]:
    """A threshold as JSON values; −∞ becomes null, ∞ a word."""
    value: float | str | None = threshold.value
    if math.isinf(threshold.value):
        value = "inf" if threshold.value > 0 else None
    plain = asdict(threshold) | {"rule": str(threshold.rule or "none"), "value": value}
    words = {number: word for word, number in _ENDLESS.items()}
    plain["by_class"] = [
        asdict(one) | {"value": words.get(one.value, one.value)} for one in threshold.by_class
    ]
    # what only some rules have is left out where there is none
    return {name: one for name, one in plain.items() if one not in (None, []) or name == "value"}


def threshold_from_json(plain: dict[str, Any]) -> Threshold:
    """The inverse of :func:`threshold_to_json`."""
    value = -math.inf if plain["value"] is None else float(plain["value"])
    tested = {"tested": Tested(**plain["tested"])} if "tested" in plain else {}
    own = tuple(
        ClassThreshold(one["code"], _ENDLESS.get(one["value"], one["value"]), one["n_held_out"])
        for one in plain.get("by_class", ())
    )
    return Threshold(
        **(plain | {"rule": parse_rule(plain["rule"]), "value": value, "by_class": own} | tested)
    )


def encoder_to_json(encoder: Encoder | None) -> dict[str, Any] | None:
    """How to open the encoder again, and how to know it is the same."""
    if encoder is None:
        return None
    return {"name": encoder.name, "settings": encoder.settings, "fingerprint": encoder.weights_fingerprint}


def opened_encoder(bundle: Bundle, cache: str | Path | None) -> Encoder | None:
    """The encoder that a saved classifier was fitted with.

    Raises:
        WeightsError: it is not here.
    """
    saved = bundle.about["encoder"]
    if saved is None:
        return None
    return load_encoder(saved["name"], cache=cache, **saved["settings"])


def check_encoder(bundle: Bundle, encoder: Encoder | None) -> None:
    """Refuse an encoder with other weights than those of ``fit``.

    Raises:
        WeightsError: the fingerprints differ.
    """
    saved = bundle.about["encoder"]
    found = encoder.weights_fingerprint if encoder is not None else "none"
    if saved is not None and found != saved["fingerprint"]:
        raise WeightsError(
            f"The encoder {saved['name']!r} on this machine is not the one the model was fitted with "
            f"(expected fingerprint {saved['fingerprint'][:12]}…, found {found[:12]}…). "
            "Install the weights it was fitted with, or fit again."
        )


def nested(packed: Bundle) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A method's own arrays and texts under names that cannot clash with the common ones."""
    return with_prefix(_LEARNED, packed.arrays), with_prefix(_LEARNED, packed.texts)


def unnested(bundle: Bundle) -> Bundle:
    """The inverse of :func:`nested`."""
    arrays, texts = (without_prefix(_LEARNED, named) for named in (bundle.arrays, bundle.texts))
    return Bundle(bundle.about["learned"], arrays, texts)
