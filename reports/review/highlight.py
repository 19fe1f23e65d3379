"""The words of a text that made the model say what it said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """weight: what these words add for the category; below zero against it; 0 for all other text."""

    text: str
    weight: float = 0.0


def pieces(text: str, words: Iterable[tuple[str, float]]) -> list[Piece]:
    """The text, whole and in order, cut at the words. Of two that begin at one place the longer one counts."""
    weights = {word.lower(): weight for word, weight in words if word.strip()}
    if not weights:
        return [Piece(text)]
    longest_first = sorted(weights, key=len, reverse=True)
    found = re.compile(rf"(?<!\w)({'|'.join(map(_pattern, longest_first))})(?!\w)", re.IGNORECASE)
    result, end = [], 0
    for match in found.finditer(text):
        if match.start() > end:
            result.append(Piece(text[end : match.start()]))
        result.append(Piece(match.group(), weights[" ".join(match.group().lower().split())]))
        end = match.end()
    return [*result, Piece(text[end:])] if end < len(text) else result


def _pattern(word: str) -> str:
    return r"\s+".join(re.escape(part) for part in word.split())
