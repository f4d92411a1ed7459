"""Every error textgraft raises on purpose, drawn as a tree.

    TextgraftError                 one line: what was expected, what was found, what to do
    ├── DataError (ValueError)     the rows: columns, labels, encodings, too few of something
    ├── ParameterError (ValueError) an option: unknown name, wrong type, out of range
    ├── WeightsError (OSError)     weights: not found, wrong checksum, no network, no numbers
    ├── ModelFolderError (OSError) a saved model: newer format, damaged, not a model, in the way
    ├── NotFittedError             a method was called before ``fit``
    ├── TrainingError              a network cannot go on: no number, no memory, a foreign checkpoint
    └── MissingExtraError (ImportError)  an optional package is not installed

The command line prints any of them on one line and ends with exit code 2.
"""

from __future__ import annotations


class TextgraftError(Exception):
    """The base of every error that textgraft raises on purpose."""


class DataError(TextgraftError, ValueError):
    """The rows cannot be used as they are."""


class ParameterError(TextgraftError, ValueError):
    """An option has an unknown name, a wrong type or a value out of range."""

    @classmethod
    def of(cls, where: str, faults: list[str]) -> ParameterError:
        """Report all faults of one configuration at once."""
        return cls(f"{where}: " + "; ".join(faults) + ".")


class WeightsError(TextgraftError, OSError):
    """Weights cannot be found, fetched or trusted, or answer with something else than numbers."""


class ModelFolderError(TextgraftError, OSError):
    """A model folder cannot be read or written."""


class NotFittedError(TextgraftError, ValueError, AttributeError):
    """A fitted attribute was needed before ``fit``."""


class TrainingError(TextgraftError, RuntimeError):
    """A network cannot learn or answer on; what was learned before is kept where there is a checkpoint."""


class MissingExtraError(TextgraftError, ImportError):
    """An optional package is needed for what was asked."""

    @classmethod
    def of(cls, what: str, extra: str) -> MissingExtraError:
        """Name the pip extra that brings what is missing."""
        return cls(f"{what} needs an optional package: pip install 'textgraft[{extra}]'.")
