"""What a command says of a language model that it has saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textgraft.language.folder import PretrainedLanguageModel


def summary_of(model: PretrainedLanguageModel, to: Path, seconds: float) -> dict[str, Any]:
    """For a machine; ``perplexity`` is None where it was not measured.

    Args:
        model: as it was saved.
        to: its folder.
        seconds: that all of the command took.
    """
    return {
        "model": str(to),
        "vocabulary": len(model.tokenizer.vocabulary),
        "parameters": sum(tensor.size for tensor in model.tensors.values()),
        **model.corpus,
        "epochs": model.training.plan.epochs,
        "best_epoch": model.training.best_epoch,
        "perplexity": None if model.perplexity is None else round(model.perplexity, 2),
        "notes": list(model.training.notes),
        "bytes": sum(path.stat().st_size for path in to.iterdir()),
        "seconds": round(seconds, 1),
    }


def saved_sentence(summary: dict[str, Any], run: Path) -> str:
    """Where the model lies, for a person; and that its run's folder has served."""
    return (
        f"Saved {summary['model']} ({summary['bytes'] / 1e6:.1f} MB) in {summary['seconds']:,.0f} s. "
        f"{run} may be removed."
    )
