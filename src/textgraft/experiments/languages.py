"""Which languages texts are written in, by naive Bayes over byte n-grams (py3langid).

Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification Tool", 2012. Short
texts are hard to tell, so a text with too little in it is ``unknown`` rather than guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

UNKNOWN = "unknown"
"""The language of a text that is too short, or too mixed, to tell."""

SAMPLE = 2_000
"""Texts looked at; enough to know a share within about two points."""

FEWEST_LETTERS = 20
READ = 1_000
"""Characters read of each text."""

SUREST = 0.5
"""A text whose best language has no more than this probability is ``unknown``."""


def language_shares(texts: Sequence[str], seed: int) -> tuple[tuple[str, float], ...]:
    """Language code (ISO 639) and its share of a seeded sample of texts, largest first."""
    if not texts:
        return ()
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # an instance of our own: the module-level one is shared with the caller's code
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    rows = np.arange(len(texts))
    if len(rows) > SAMPLE:
        rows = np.random.default_rng(seed).choice(len(rows), SAMPLE, replace=False)
    found: Counter[str] = Counter()
    for row in rows:
        start = texts[row][:READ]
        language, probability = (
            identifier.classify(start) if substance(start) >= FEWEST_LETTERS else (UNKNOWN, 0.0)
        )
        # "zxx" means no linguistic content
        found[language if probability > SUREST and language != "zxx" else UNKNOWN] += 1
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple((language, count / len(rows)) for language, count in ordered)


def substance(text: str) -> int:
    """How many letters a text has; an ideograph or syllable sign says as much as three."""
    return sum(3 if ord(sign) >= 0x2E80 else 1 for sign in text if sign.isalpha())
