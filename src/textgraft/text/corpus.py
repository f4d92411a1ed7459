"""Documents one after another, however many there are; never all of them in memory.

A corpus is any iterator of strings; what a document is was settled by who reads the files (``cli.corpora``).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from textgraft.errors import DataError

LONGEST = 4_000_000
"""Characters, a long book: longer documents are cut, so that a corpus in one line fits in memory."""

PIECE = 4_000
"""Characters of the pieces in which a corpus is sampled, so that a few long books do not fill the sample."""


def joined_lines(lines: Iterable[str], blank_ends: bool) -> Iterator[str]:
    """Documents of several lines, which blank lines part, or one document of all lines.

    Lines that go on for more than :data:`LONGEST` characters are cut there.

    Args:
        lines: without their ends.
        blank_ends: whether a blank line ends a document.
    """
    held: list[str] = []
    size = 0
    for line in lines:
        ends = blank_ends and not line.strip()
        if not ends:
            held.append(line)
            size += len(line) + 1
        if held and (ends or size > LONGEST):
            yield "\n".join(held)
            held, size = [], 0
    if held:
        yield "\n".join(held)


def whole_documents(texts: Iterable[str], source: str) -> Iterator[str]:
    """Texts that are not blank, cut in pieces of at most :data:`LONGEST` characters.

    Args:
        texts: as they were read.
        source: where from, for messages.

    Raises:
        DataError: at the end, when there was none.
    """
    some = False
    for text in texts:
        if text.strip():
            some = True
            yield from cut(text, LONGEST)
    if not some:
        raise DataError(f"{source} has no text. Expected at least one document that is not blank.")


def cut(text: str, most: int) -> Iterator[str]:
    """A text in pieces of at most ``most`` characters, cut after white space where there is some.

    The end of a line in a piece's last half comes before any other place.
    """
    start = 0
    while len(text) - start > most:
        end = text.rfind("\n", start + most // 2, start + most) + 1
        end = end or text.rfind(" ", start + most // 2, start + most) + 1 or start + most
        yield text[start:end]
        start = end
    yield text[start:]


@dataclass(frozen=True)
class Sample:
    """Part of a corpus, drawn evenly.

    Attributes:
        texts: pieces of documents, in their order.
        characters: of the sample.
        of_characters, of_documents: of the whole corpus.
    """

    texts: tuple[str, ...]
    characters: int
    of_characters: int
    of_documents: int

    def sentence(self) -> str:
        """How much of the corpus it is."""
        share = self.characters / max(1, self.of_characters)
        return (
            f"A sample of {self.characters:,} of {self.of_characters:,} characters ({share:.0%}), drawn "
            f"evenly from {self.of_documents:,} documents."
        )


def sample_evenly(documents: Iterable[str], characters: int, seed: int = 0) -> Sample:
    """A random sample, in one pass and in memory for itself alone.

    Documents are cut in pieces of at most :data:`PIECE` characters; each draws a number, and those with
    the lowest numbers are kept as far as there is room. The same corpus gives the same sample.

    Args:
        documents: the corpus.
        characters: size of the sample at most.
        seed: of what is drawn.
    """
    draw = np.random.default_rng(seed)
    kept: list[tuple[float, int, str]] = []  # the highest number on top
    size = seen = n_documents = place = 0
    limit = 1.0
    for document in documents:
        n_documents += 1
        seen += len(document)
        for piece in cut(document, PIECE):
            place += 1
            number = float(draw.random())
            if number >= limit:
                continue
            heapq.heappush(kept, (-number, place, piece))
            size += len(piece)
            while size > characters:
                highest, _, dropped = heapq.heappop(kept)
                size -= len(dropped)
                # no later piece with a higher number may take the room that is left
                limit = -highest
    texts = tuple(text for _, _, text in sorted(kept, key=lambda piece: piece[1]))
    return Sample(texts, size, seen, n_documents)
