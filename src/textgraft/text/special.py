"""Tokens with a meaning of their own: the first of every vocabulary of a language model."""

from __future__ import annotations

from textgraft.text.vocabulary import PAD, UNK

BOS = "<bos>"
"""Begins every document."""

MAJ, UP = "xxmaj", "xxup"
"""The next word has a capital; the next word is all capitals."""

REP, WREP = "xxrep", "xxwrep"
"""``xxrep n c``: the character c, n times; ``xxwrep n word``: the word, n times."""

SPECIAL = (PAD, UNK, BOS, MAJ, UP, REP, WREP)
PAD_ID, UNK_ID, BOS_ID = 0, 1, 2
