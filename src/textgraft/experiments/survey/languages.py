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
    sample = list(texts)
    if len(texts) > SAMPLE:
        drawn = np.random.default_rng(seed).choice(len(texts), SAMPLE, replace=False)
        sample = [texts[row] for row in drawn.tolist()]
    starts = [text[:READ] for text in sample]
    telling = [start for start in starts if substance(start) >= FEWEST_LETTERS]
    found = Counter(_languages(telling))
    if len(starts) > len(telling):
        found[UNKNOWN] += len(starts) - len(telling)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple((language, count / len(sample)) for language, count in ordered)


def _languages(texts: Sequence[str]) -> list[str]:
    # reading the model takes longer than a thousand texts
    if not texts:
        return []
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # an instance of our own: the module-level one is shared with the caller's code
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    best = [identifier.classify(text) for text in texts]
    # "zxx" means no linguistic content
    return [name if sure > SUREST and name != "zxx" else UNKNOWN for name, sure in best]


def substance(text: str) -> int:
    """How many letters a text has; an ideograph or syllable sign says as much as three."""
    return sum(3 if ord(sign) >= 0x2E80 else 1 for sign in text if sign.isalpha())
