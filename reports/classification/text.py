"""A text as what a model counts: words, pairs of neighbouring words, and pieces of three to five letters of a word."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

LONGEST = 4000  # characters of a text that are read
PIECES = (3, 4, 5)
_WORD = re.compile(r"[a-z]+|0")
_MASKED = re.compile(r"plate_[0-9a-f]{6}|\[(?:email|phone)\]|https?://\S+")
_DIGITS = re.compile(r"\d+")


@functools.lru_cache(maxsize=500)  # a text is scored and explained
def words_of(text: str) -> tuple[str, ...]:
    """Small letters without accents, any number as `0`; what stands for a plate, an address or a link is left out."""
    plain = text[:LONGEST].lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
    return tuple(_WORD.findall(_DIGITS.sub("0", _MASKED.sub(" ", plain).replace("'", ""))))


def pairs_of(words: Sequence[str]) -> list[str]:
    return [f"{first} {then}" for first, then in zip(words, words[1:], strict=False)]


@functools.lru_cache(maxsize=50_000)
def pieces_of(word: str) -> tuple[str, ...]:
    """Runs of letters inside a word whose ends are marked by `_`, each behind a `#`; a single letter has none."""
    if len(word) < 2:
        return ()
    marked = f"_{word[:40]}_"
    return tuple({f"#{marked[at : at + size]}": None for size in PIECES for at in range(len(marked) - size + 1)})
