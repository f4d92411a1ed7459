"""Which classifiers are tried, cheap ones first: a name, a method and its parameters, as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textgraft.errors import ParameterError
from textgraft.methods import method_class

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier

CHEAP = ("tfidf", "linear", "knn", "blend")
"""What is compared when nobody says what: seconds to two minutes each, up to some ten thousand rows."""

NOT_COMPARED = ("reject", "oos_labels", "seed")
"""Parameters that an experiment sets by itself."""


@dataclass(frozen=True)
class Candidate:
    """A classifier that may be tried.

    Attributes:
        name: what a table calls it.
        method: its name in ``METHODS``.
        parameters: of its constructor; those left out are the method's own.
    """

    name: str
    method: str
    parameters: Mapping[str, Any]

    @property
    def portable(self) -> bool:
        """Whether another process can make it: an encoder must be given by its name for that."""
        return isinstance(self.parameters.get("encoder", ""), str)

    @property
    def trains(self) -> bool:
        """Whether it trains a network."""
        return hasattr(method_class(self.method), "plan")

    @property
    def blends(self) -> bool:
        """Whether it is made of other rungs."""
        return self.method == "blend"

    @property
    def takes_encoder(self) -> bool:
        """Whether it stands on a pretrained encoder."""
        return "encoder" in method_class(self.method)._get_param_names()

    def make(self, seed: int, **parameters: Any) -> TextClassifier:
        """An unfitted classifier that rejects nothing, unless ``parameters`` say otherwise."""
        return method_class(self.method)(**{**self.parameters, "seed": seed, **parameters})


LADDER = (
    Candidate("tfidf", "tfidf", {}),
    Candidate("tfidf words", "tfidf", {"word_ngrams": 3, "char_ngrams": 0, "max_features": 300_000}),
    Candidate("linear", "linear", {}),
    Candidate("linear C=1", "linear", {"C": 1.0}),
    Candidate("linear C=25", "linear", {"C": 25.0}),
    Candidate("knn", "knn", {}),
    Candidate("blend", "blend", {}),
    Candidate("siamese", "siamese", {"encoder": "minilm+lower"}),
    Candidate("finetune", "finetune", {}),
)
"""What ``fit -m auto`` climbs. Strengths beside the default ones cost seconds, and no encoding; runs of words
without characters suit long texts; the vectors of ``linear`` serve ``siamese`` as well."""


def candidates(methods: Collection[str] | Mapping[str, TextClassifier]) -> tuple[Candidate, ...]:
    """Methods by name with their defaults, or unfitted classifiers under names of the caller's.

    Raises:
        ParameterError: none, an unknown one, or one twice.
    """
    if isinstance(methods, str) or not methods:
        raise ParameterError(f"Expected methods to compare, found {methods!r}. Give a list of names.")
    if isinstance(methods, Mapping):
        return tuple(candidate_of(name, classifier) for name, classifier in methods.items())
    if twice := {name for name in methods if list(methods).count(name) > 1}:
        raise ParameterError(f"A method is named twice: {', '.join(sorted(twice))}. Name each once.")
    return tuple(candidate_of(name, method_class(name)()) for name in methods)


def candidate_of(name: str, classifier: TextClassifier) -> Candidate:
    """An unfitted classifier as data."""
    parameters = {
        # NumPy's numbers as Python's, which JSON knows
        key: getattr(value, "item", lambda value=value: value)()
        for key, value in classifier.get_params(deep=False).items()
        if key not in NOT_COMPARED
    }
    return Candidate(name, classifier.method, parameters)
