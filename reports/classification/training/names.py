"""Names of people, streets and firms: words mostly written with a capital letter inside a sentence, and common ones.

A classifier needs none of them, and a resident's or an officer's name has no place in a published vocabulary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

MOSTLY = 0.6  # share of a name's uses that have a capital letter
ENDS = ".!?:|-\n"  # after these any word may have one
COMMON = (Path(__file__).parent / "common_names.txt").read_text(encoding="utf-8").split()
_WORD = re.compile(r"[A-Za-z]+")


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """In small letters, with common given names and surnames and what is theirs.

    Texts all in capitals say nothing; a word that only ever begins a sentence is none.
    """
    raised: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for text in texts:
        if text.isupper():
            continue
        for found in _WORD.finditer(text):
            word = found[0]
            if word.islower():
                plain[word] += 1
            elif word.istitle() and (before := text[: found.start()].rstrip()[-1:]) and before not in ENDS:
                raised[word.lower()] += 1
    often = {word for word, count in raised.items() if count >= MOSTLY * (count + plain[word])}
    return frozenset({*often, *COMMON, *(f"{name}s" for name in COMMON)})
