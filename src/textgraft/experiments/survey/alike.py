"""Texts that say nearly the same in nearly the same words: near duplicates, and test texts that leak.

Two texts are alike when they share four fifths of their different words (Jaccard, 1901), whatever the order.
All such pairs are found without comparing all texts: words stand in the order of how rare they are, and two
texts that share so many share some of the rarest of each (Chaudhuri, Ganti and Kaushik, "A Primitive Operator
for Similarity Joins in Data Cleaning", 2006). Of long texts several have to be shared (Wang, Li and Feng,
"Can We Beat the Prefix Filtering?", 2012), which leaves few pairs to look at in whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from textgraft.experiments.survey.repeats import N_EXAMPLES, Row, normaliser

SHARED = 0.8
"""Share of the different words of two texts that both have, from which they are alike."""

MORE_SHARED = 0.05
"""Rarest words that have to be shared, as a share of a text's, where that is more than one. With none, 25,000
reviews took twice as long, and with twice as many no data took less."""

MOST_MEETINGS = 1_000_000_000
"""Pairs of texts that share a rare word, counted once for each such word. More would take minutes."""

MEETINGS_AT_ONCE = 4_000_000
"""Bounds memory."""

PAIRS_AT_ONCE = 50_000
"""Pairs that are looked at in whole together."""

_WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\s\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+")
"""What stands between spaces; of scripts that write none (Thai, Japanese, Chinese) each sign."""


@dataclass(frozen=True)
class Pair:
    """A text and another one that it is like, with the labels that they stand under."""

    text: str
    labels: tuple[str, ...]
    other: str
    other_labels: tuple[str, ...]


@dataclass(frozen=True)
class Alike:
    """What :func:`find_alike` found. Copies, exact or but for case and punctuation, are counted elsewhere.

    Attributes:
        same: training texts like an earlier one that shares a label.
        apart: training texts like an earlier one that shares none.
        seen: test texts like a training text; 0 without test texts.
        same_examples, apart_examples: up to five pairs of each.
        seen_examples: up to five test texts, each with the training text that it is like.
    """

    same: int
    apart: int
    seen: int
    same_examples: tuple[Pair, ...]
    apart_examples: tuple[Pair, ...]
    seen_examples: tuple[tuple[str, str], ...]


class TooMuchAlikeError(Exception):
    """So many texts share rare words that looking at their pairs would take very long."""


def find_alike(rows: Sequence[Row], known: Sequence[str], tested: Sequence[str]) -> Alike | None:
    """Compare training texts with one another, and test texts with them.

    Args:
        rows: training texts and labels.
        known: all training texts, those without a label too.
        tested: test texts.

    Returns:
        ``None`` where so many texts are so much alike that looking would take very long.
    """
    # rows are known texts too
    normal = cache(normaliser())
    labels: dict[str, set[str]] = {}
    written: dict[str, str] = {}
    for text, label in rows:
        plain = normal(text)
        labels.setdefault(plain, set()).add(label)
        written.setdefault(plain, text)
    texts = list(labels)
    same: dict[int, int] = {}
    apart: dict[int, int] = {}
    try:
        for pairs in alike_pairs(texts):
            for later, earlier in pairs.tolist():
                found = same if labels[texts[later]] & labels[texts[earlier]] else apart
                found.setdefault(later, earlier)
        seen = _seen({normal(text): text for text in known}, {normal(text): text for text in tested})
    except TooMuchAlikeError:
        return None

    def examples(found: dict[int, int]) -> tuple[Pair, ...]:
        both = [(texts[later], texts[earlier]) for later, earlier in list(found.items())[:N_EXAMPLES]]
        return tuple(
            Pair(written[one], tuple(sorted(labels[one])), written[other], tuple(sorted(labels[other])))
            for one, other in both
        )

    counts = Counter(normal(text) for text in tested)
    return Alike(
        same=len(same),
        apart=len(apart),
        seen=sum(counts[plain] for plain in seen),
        same_examples=examples(same),
        apart_examples=examples(apart),
        seen_examples=tuple(list(seen.values())[:N_EXAMPLES]),
    )


def _seen(known: dict[str, str], tested: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Test texts, normalised, that are no training text but like one, both as they are written."""
    unknown = [plain for plain in tested if plain not in known]
    training = list(known)
    seen: dict[str, tuple[str, str]] = {}
    for pairs in alike_pairs(unknown, training):
        for new, old in pairs.tolist():
            seen.setdefault(unknown[new], (tested[unknown[new]], known[training[old]]))
    return seen


def alike_pairs(texts: Sequence[str], others: Sequence[str] | None = None) -> Iterator[np.ndarray]:
    """Pairs (m, 2) of rows that are alike, in their order, block by block.

    Args:
        texts: of each pair the first.
        others: of each pair the second; by default ``texts``, each pair once, the later row first.

    Raises:
        TooMuchAlikeError: see :data:`MOST_MEETINGS`; before the first block.
    """
    if not texts:
        return
    words = [set(_WORD.findall(text)) for text in texts]
    others_words = words if others is None else [set(_WORD.findall(text)) for text in others]
    counts = Counter(chain.from_iterable(words if others is None else [*words, *others_words]))
    # by the word too, so that equally rare ones have one order
    rank = {word: at for at, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    first = _Ranked.of(words, rank)
    second = first if others is None else _Ranked.of(others_words, rank)
    in_second = second.rarest.T.tocsr()
    meetings = np.asarray(first.rarest @ np.diff(in_second.indptr).astype(np.int64))
    if meetings.sum() > MOST_MEETINGS:
        raise TooMuchAlikeError
    edges = np.flatnonzero(np.diff(np.cumsum(meetings) // MEETINGS_AT_ONCE, prepend=-1))
    for start, end in zip(edges, [*edges[1:], len(words)], strict=True):
        shared = (first.rarest[start:end] @ in_second).tocoo()
        one, other = shared.row + start, shared.col
        sizes, other_sizes = first.sizes[one], second.sizes[other]
        maybe = shared.data >= np.minimum(first.least[one], second.least[other])
        maybe &= np.minimum(sizes, other_sizes) >= SHARED * np.maximum(sizes, other_sizes) - 1e-9
        if others is None:
            maybe &= other < one
        one, other = one[maybe], other[maybe]
        order = np.lexsort((other, one))
        yield from _truly(first, second, one[order], other[order])


def _truly(first: _Ranked, second: _Ranked, one: np.ndarray, other: np.ndarray) -> Iterator[np.ndarray]:
    """Of pairs that may be alike those that are."""
    for start in range(0, len(one), PAIRS_AT_ONCE):
        left, right = one[start : start + PAIRS_AT_ONCE], other[start : start + PAIRS_AT_ONCE]
        both = np.asarray(first.words[left].multiply(second.words[right]).sum(axis=1)).ravel()
        every = first.sizes[left] + second.sizes[right] - both
        yield np.stack([left, right], axis=1)[both >= SHARED * every - 1e-9]


@dataclass(frozen=True)
class _Ranked:
    """Texts as sets of words.

    Attributes:
        words: (n, v) 0/1, words in the order of how rare they are.
        rarest: (n, v) 0/1, of each text the words of which an alike one has at least ``least``.
        sizes, least: (n,).
    """

    words: Any
    rarest: Any
    sizes: np.ndarray
    least: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[set[str]], rank: dict[str, int]) -> _Ranked:
        """From the words of each text."""
        ranks = [sorted(rank[word] for word in words) for words in texts]
        sizes = np.array([len(one) for one in ranks], dtype=np.int64)
        least = np.maximum(1, (sizes * MORE_SHARED).astype(np.int64))
        # an alike text has so many of its words that it can lack only some of these
        lengths = np.minimum(sizes, sizes - np.ceil(SHARED * sizes - 1e-9).astype(np.int64) + least)
        rarest = [one[:length] for one, length in zip(ranks, lengths, strict=True)]
        return cls(_indicator(ranks, len(rank)), _indicator(rarest, len(rank)), sizes, least)


def _indicator(columns: Sequence[Sequence[int]], width: int) -> Any:
    """(n, width) 0/1 with ones in these columns of each row."""
    ends = np.cumsum([0, *map(len, columns)])
    ones = np.ones(ends[-1], dtype=np.int32)
    return csr_matrix(
        (ones, np.fromiter(chain.from_iterable(columns), np.int64, ends[-1]), ends), (len(columns), width)
    )
