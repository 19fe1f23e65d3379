"""What people type to find rows: `word:value` for the words that a place knows, and the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable


def split(text: str, known: Iterable[str]) -> tuple[list[tuple[str, str]], str]:
    """The (word, value) pairs in their order, and what is left. A value ends at a space."""
    words = "|".join(map(re.escape, known)) or "(?!)"
    pair = rf"(?<!\S)({words}):(\S+)"
    return re.findall(pair, text), " ".join(re.sub(pair, "", text).split())
