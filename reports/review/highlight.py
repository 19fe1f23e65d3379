"""The words of a text that made the model say what it said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Piece:
    """weight: what these words add for the category; below zero against it; 0 for all other text."""

    text: str
    weight: float = 0.0


def pieces(text: str, words: Iterable[tuple[str, float]]) -> list[Piece]:
    """The text, whole and in order, cut at the words. Of two that begin at one place the longer one counts.

    The word `0` is any number.
    """
    weights = {word.lower(): weight for word, weight in words if word.strip()}
    if not weights:
        return [Piece(text)]
    longest_first = sorted(weights, key=len, reverse=True)
    found = re.compile(rf"(?<!\w)({'|'.join(map(_pattern, longest_first))})(?!\w)", re.IGNORECASE)
    result, end = [], 0
    for match in found.finditer(text):
        if match.start() > end:
            result.append(Piece(text[end : match.start()]))
        word = NUMBER.sub("0", " ".join(match.group().lower().split()))
        result.append(Piece(match.group(), weights.get(word, 0.0)))
        end = match.end()
    return [*result, Piece(text[end:])] if end < len(text) else result


def _pattern(word: str) -> str:
    return r"\s+".join(r"\d+" if part == "0" else re.escape(part) for part in word.split())
