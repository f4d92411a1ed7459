"""What ``textgraft fit`` says when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textgraft.methods.base import TextClassifier


def summary_of(
    classifier: TextClassifier, file: Path, to: Path, text: str, label: str | None, seconds: float
) -> dict[str, Any]:
    """Everything, as ``--json`` prints it."""
    from textgraft.methods.saved import parameters_to_json, threshold_to_json

    report = classifier.report_
    learned = classifier.learned_
    return {
        "file": str(file),
        "text_column": text,
        "label_column": label,
        "rows": report.rows,
        "learned_from": len(classifier.train_texts_),
        "classes": len(classifier.classes_),
        "notes": report.sentences(),
        "method": classifier.method,
        "parameters": parameters_to_json(classifier.get_params(deep=False), classifier.encoder_),
        "threshold": threshold_to_json(classifier.threshold_),
        "training": list(getattr(getattr(learned, "training", learned), "notes", ())),
        "rejection": classifier.rejection_sentences(),
        "belief": classifier.calibration_.sentence() if classifier.calibration_.rows else None,
        "model": str(to),
        "bytes": sum(path.stat().st_size for path in to.iterdir()),
        "seconds": round(seconds, 2),
    }


def summary_text(summary: dict[str, Any], chosen: list[str]) -> str:
    """The same for a person; ``chosen`` are the sentences of ``-m auto``."""
    parameters = ", ".join(
        f"{name} {'none' if value in (None, []) else value}" for name, value in summary["parameters"].items()
    )
    lines = [
        f"{summary['file']}: {summary['rows']:,} rows, column {summary['text_column']!r} as text, "
        f"{summary['label_column']!r} as label; learned {summary['classes']:,} "
        f"{'labels' if 'multilabel' in summary else 'classes'} from "
        f"{summary['learned_from']:,} rows.",
        *([f"  {summary['multilabel']}"] if summary.get("multilabel") else []),
        *(f"  {note}" for note in summary["notes"]),
        *chosen,
        f"Method {summary['method']} ({parameters}).",
        *summary["training"],
        *summary["rejection"],
        *([summary["belief"]] if summary["belief"] else []),
        f"Saved {summary['model']} ({summary['bytes'] / 1e6:.1f} MB) in {summary['seconds']:.1f} s.",
    ]
    return "\n".join(lines)
