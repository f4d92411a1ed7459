"""How much a term tells a class from the others, as a weight on it.

Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", 2012: before a
linear classifier learns a class, each term is multiplied by the logarithm of how much more often it stands in
texts of the class than in others (the weight it would have in naive Bayes). The classifier may then use
telling terms at a smaller cost. Here 1 is added to its absolute value, so that terms that tell nothing alone
are not lost. With few classes that is mostly better than plain rows, with many it is worse
(``benchmarks/defaults_term_weights.py``).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

SMOOTHING = 1.0
"""Texts more, on either side, that every term is taken to stand in."""


def presence(rows: sp.csr_array) -> sp.csr_array:
    """(n, f) weights -> (n, f) float32, 1 where a text has a term."""
    present = rows.copy()
    present.data = np.ones_like(rows.data)
    return present


def term_ratios(present: sp.csr_array, has: np.ndarray) -> np.ndarray:
    """(n, f) terms that texts have and (n,) whether each text is of a class -> (f,) float32 from 1."""
    # whole numbers, which float32 counts without error up to 16 million texts
    counts = (present.T @ of.astype(np.float32) for of in (has, ~has))
    within, without = (SMOOTHING + of.astype(np.float64) for of in counts)
    ratios = np.log(within / within.sum()) - np.log(without / without.sum())
    return np.asarray(1.0 + np.abs(ratios), dtype=np.float32)


def weighed(rows: sp.csr_array, ratios: np.ndarray) -> sp.csr_array:
    """(n, f) rows with each term multiplied by its ratio (f,)."""
    # a copy through and through: a solver sorts the terms of each row in place
    found = rows.copy()
    found.data *= ratios[found.indices]
    return found
