"""Make ``hashing.json``: vectors of the hashing encoder, worked out without textgraft or sklearn.

Run ``python tests/golden/make_hashing.py``. It follows the definition: every word and every
character trigram of a word padded by spaces adds ±1 at MurmurHash3 (32 bit, seed 0) modulo
the dimension, the sign being that of the signed hash; then divide by the length.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

DIM = 16
TEXTS = ["", "a", "card", "Where is my card?", "card card card", "ÄRGER 😀", "مرحبا"]
MASK = 0xFFFFFFFF


def murmur3(data: bytes) -> int:
    """MurmurHash3_x86_32 with seed 0 as a signed number (Appleby, 2011)."""
    state = 0
    for start in range(0, len(data) - len(data) % 4, 4):
        state ^= _mixed(int.from_bytes(data[start : start + 4], "little"))
        state = (state << 13 | state >> 19) & MASK
        state = (state * 5 + 0xE6546B64) & MASK
    tail = data[len(data) - len(data) % 4 :]
    if tail:
        state ^= _mixed(int.from_bytes(tail, "little"))
    state ^= len(data)
    state = ((state ^ state >> 16) * 0x85EBCA6B) & MASK
    state = ((state ^ state >> 13) * 0xC2B2AE35) & MASK
    state ^= state >> 16
    return state - 2**32 if state >= 2**31 else state


def _mixed(block: int) -> int:
    block = (block * 0xCC9E2D51) & MASK
    block = (block << 15 | block >> 17) & MASK
    return (block * 0x1B873593) & MASK


def vector(text: str) -> list[float]:
    """The hashed vector of length 1, or zeros."""
    counts = [0.0] * DIM
    words = text.lower().split()
    padded = [f" {word} " for word in words]
    trigrams = [word[at : at + 3] for word in padded for at in range(max(1, len(word) - 2))]
    for feature in words + trigrams:
        hashed = murmur3(feature.encode())
        counts[abs(hashed) % DIM] += 1 if hashed >= 0 else -1
    length = math.sqrt(sum(count * count for count in counts))
    return [round(count / length, 7) if length else 0.0 for count in counts]


if __name__ == "__main__":
    rows = [{"text": text, "vector": vector(text)} for text in TEXTS]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    Path(__file__).with_name("hashing.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
