"""Windows for a language model that is trained by back-propagation through time.

The documents of an epoch, one after another, are cut into lanes of equal length that lie one under
another. Each step is a window over all lanes, next to the one before it, so that a network may carry the
state of each lane from step to step; targets are the ids one place further on. Lengths of windows vary
as in AWD-LSTM: Merity et al., "Regularizing and Optimizing LSTM Language Models", 2017, section 4.1.

    documents   a a a a b b b c c c c c d          13 tokens, 2 lanes, 6 targets a lane

    lane 0      a a a a b b   →  a a a b b b       every token but the first of all is a target once
    lane 1      b c c c c c   →  c c c c c d
                └─────┘└──┘
                step 0  step 1

Which rule holds for what does not fit: of T tokens, T − 1 are targets. Learning leaves out the last of
them, fewer than there are lanes, other ones each epoch. Measuring leaves out none: its last lane is shorter,
is missing from steps in which it has nothing, and is filled with ``<pad>`` in its last step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from textgraft.errors import DataError, ParameterError
from textgraft.text.documents import Documents
from textgraft.text.special import BOS_ID, PAD_ID

BASE = 72
"""Tokens of a window unless told otherwise, as in fastai and ULMFiT."""

HALVED = 0.05
"""Share of windows of half the length."""

SPREAD, SHORTEST, LONGEST = 5.0, 5, 25
"""Standard deviation of a window's length; its least; how far above the base it may be (fastai's)."""


class Window(NamedTuple):
    """What one step reads and predicts.

    Attributes:
        ids: (b, t) int64.
        targets: (b, t) int64, the id after each; ``<pad>`` where there is none to predict.
        starts: (b, t) bool, whether the state has to be forgotten before an id is read: a document
            begins there, or, in the first step, a lane.
    """

    ids: np.ndarray
    targets: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True, eq=False)
class Windows:
    """How documents are laid in windows; what an epoch holds depends on the seed and its number alone.

    Attributes:
        documents: in memory or on disk; where each begins with ``<bos>``, the end of one is learned as well.
        lanes: rows of a step.
        base: tokens of a window, about.
        seed: of the order of documents and the lengths of windows.
        shuffle: ``False`` for measuring: documents in their order, windows of ``base`` tokens, and
            every token but the first is a target.
        backward: read each document from its end, for a backward language model; ``<bos>`` stays first.

    Raises:
        ParameterError: numbers that cannot be; all faults at once.
        DataError: too few tokens for so many lanes.
    """

    documents: Documents
    lanes: int
    base: int = BASE
    seed: int = 0
    shuffle: bool = True
    backward: bool = False

    def __post_init__(self) -> None:
        faults = []
        if self.lanes < 1:
            faults.append(f"lanes must be 1 or more, found {self.lanes}")
        if self.base < 1:
            faults.append(f"base must be 1 or more, found {self.base}")
        if self.seed < 0:
            faults.append(f"seed must be 0 or more, found {self.seed}")
        if faults:
            raise ParameterError.of("Windows", faults)
        # measuring makes do with fewer lanes, learning would not be what was asked
        needed = self.lanes + 1 if self.shuffle else 2
        if self.documents.n_tokens < needed:
            raise DataError(
                f"Expected {needed:,} tokens or more for {self.lanes:,} lanes, found "
                f"{self.documents.n_tokens:,}. Give more text, or a smaller --batch-size."
            )

    def epoch(self, epoch: int) -> EpochWindows:
        """One epoch; takes memory for a few numbers a document and a step, and reads no tokens."""
        n, n_targets = len(self.documents), self.documents.n_tokens - 1
        if not self.shuffle:
            length = -(-n_targets // self.lanes)
            edges = np.append(np.arange(0, length, self.base), length)
            return EpochWindows(self.documents, np.arange(n), edges, n_targets, self.backward)
        # two draws, so that the order does not depend on how many windows there are
        order, lengths = (np.random.default_rng([self.seed, epoch, which]) for which in (0, 1))
        length = n_targets // self.lanes
        edges = drawn_edges(length, self.base, lengths)
        return EpochWindows(self.documents, order.permutation(n), edges, length * self.lanes, self.backward)


@dataclass(frozen=True, eq=False)
class EpochWindows:
    """The windows of one epoch; any of them can be had at any time.

    Attributes:
        documents: where tokens come from.
        order: (n,) documents in the order of the epoch.
        edges: (s + 1,) where each step begins in every lane, and where the last ends.
        n_targets: tokens predicted in the epoch.
        backward: as of :class:`Windows`.
    """

    documents: Documents
    order: np.ndarray
    edges: np.ndarray
    n_targets: int
    backward: bool

    def __len__(self) -> int:
        """How many steps."""
        return len(self.edges) - 1

    @property
    def lane_length(self) -> int:
        """Targets of each lane, of the last one at most."""
        return int(self.edges[-1])

    @property
    def n_lanes(self) -> int:
        """Lanes that have anything to predict."""
        return -(-self.n_targets // self.lane_length)

    @property
    def n_rows(self) -> int:
        """Lanes of all steps together."""
        last = self.n_targets - (self.n_lanes - 1) * self.lane_length
        return (self.n_lanes - 1) * len(self) + int((self.edges[:-1] < last).sum())

    def lanes(self, step: int) -> np.ndarray:
        """(b,) lanes that have something to predict in a step: all of them, or all but the last."""
        begins = np.arange(self.n_lanes) * self.lane_length + self.edges[step]
        return np.flatnonzero(begins < self.n_targets)

    def n_targets_of(self, step: int, lanes: np.ndarray) -> int:
        """Tokens that some lanes predict in a step."""
        begins = lanes * self.lane_length + self.edges[step]
        ends = lanes * self.lane_length + self.edges[step + 1]
        return int((np.minimum(ends, self.n_targets) - np.minimum(begins, self.n_targets)).sum())

    def window(self, step: int, lanes: np.ndarray | None = None) -> Window:
        """The window of a step.

        Args:
            step: its number in the epoch.
            lanes: (b,) only some lanes; None gives :meth:`lanes`.
        """
        lanes = self.lanes(step) if lanes is None else lanes
        begin, end = int(self.edges[step]), int(self.edges[step + 1])
        # one place more than the window is wide: the last target
        places = lanes[:, None] * self.lane_length + np.arange(begin, end + 1)
        is_target = places[:, 1:] <= self.n_targets
        # where a lane is over, the last token is read again, and not shown
        places = np.minimum(places, self.n_targets)
        at = np.searchsorted(self._ends, places, side="right")
        document = self.order[at]
        length = self.documents.lengths[document]
        within = places - (self._ends[at] - length)
        ids = self._tokens(document, length, within)
        starts = (within[:, :-1] == 0) & is_target
        if step == 0:
            starts[:, 0] = True
        return Window(
            ids=np.where(is_target, ids[:, :-1], PAD_ID),
            targets=np.where(is_target, ids[:, 1:], PAD_ID),
            starts=starts,
        )

    def _tokens(self, document: np.ndarray, length: np.ndarray, within: np.ndarray) -> np.ndarray:
        """(b, t) ids at some places within documents."""
        begins = self.documents.begins[document]
        if self.backward:
            stays = self.documents.tokens[begins] == BOS_ID
            # first, then from the end: as documents.backwards
            within = np.where(stays, np.where(within == 0, 0, length - within), length - 1 - within)
        return np.asarray(self.documents.tokens[begins + within], dtype=np.int64)

    @cached_property
    def _ends(self) -> np.ndarray:
        """(n,) where each document of the epoch's order ends."""
        return np.cumsum(self.documents.lengths[self.order])


def drawn_edges(length: int, base: int, draw: np.random.Generator) -> np.ndarray:
    """Where windows of varying length begin in a lane, and where the last ends.

    A window has ``base`` tokens, or, one in twenty, half of them; give or take a normal deviation. The
    last takes what is left; where that is less than the shortest window, the one before takes it.

    Args:
        length: of the lane.
        base: tokens.
        draw: where randomness comes from.

    Returns:
        (s + 1,) int64, from 0 to ``length``.
    """
    shortest = min(SHORTEST, base)
    drawn, total = [np.zeros(1, dtype=np.int64)], 0
    while total < length:
        n = (length - total) // base + 1
        means = np.where(draw.random(n) < HALVED, base / 2, base)
        lengths = np.clip(draw.normal(means, SPREAD).astype(np.int64), shortest, base + LONGEST)
        drawn.append(lengths)
        total += int(lengths.sum())
    edges = np.cumsum(np.concatenate(drawn))
    return np.append(edges[(edges == 0) | (edges <= length - shortest)], length)
