"""What every report on a classifier says of it, whatever it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textgraft.experiments.pictures.charts import Chart
from textgraft.experiments.report.charts import losses_chart
from textgraft.experiments.report.origin import Origin
from textgraft.experiments.tables import as_json
from textgraft.methods.base import TextClassifier
from textgraft.methods.saved import parameters_to_json
from textgraft.training.records import Training


@dataclass(frozen=True)
class AboutClassifier:
    """A classifier, and where a report on it comes from.

    Attributes:
        origin: where the report comes from.
        method, parameters: the classifier's.
        n_classes, n_learned: classes (or labels) it knows, rows it learned from.
        seed: of bootstrap draws.
        training: how its network was trained; ``None`` when it has none.
    """

    origin: Origin
    method: str
    parameters: tuple[tuple[str, str], ...]
    n_classes: int
    n_learned: int
    seed: int
    training: Training | None

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it, but for the training."""
        return {name: value for name, value in as_json(self).items() if name != "training"}

    @property
    def losses_chart(self) -> Chart | None:
        """Losses by epoch; ``None`` where none was trained."""
        return None if self.training is None else losses_chart(self.training)


def about_classifier(classifier: TextClassifier, origin: Origin, seed: int) -> AboutClassifier:
    """What a report says of a fitted classifier."""
    parameters = parameters_to_json(classifier.get_params(deep=False), classifier.encoder_)
    return AboutClassifier(
        origin=origin,
        method=classifier.method,
        parameters=tuple((name, _plain(value)) for name, value in sorted(parameters.items())),
        n_classes=len(classifier.classes_),
        n_learned=len(classifier.train_texts_),
        seed=seed,
        training=getattr(classifier.learned_, "training", None),
    )


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) or "–" if isinstance(value, list) else str(value)
