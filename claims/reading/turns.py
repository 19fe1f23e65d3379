"""Which words a claim and a sentence have that could turn one against the other, as slots of a fixed table. Pure."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator

from claims.reading.parsed import Parsed

SLOTS = 1 << 14
LIKE = 0.4  # from this similarity of vectors on a word of the sentence may stand for one of the claim


@functools.lru_cache(maxsize=100_000)
def slot_of(term: str) -> int:
    return zlib.crc32(term.encode()) % SLOTS


def slots_of(claim: Parsed, said: Parsed) -> dict[int, float]:
    """The slots of terms_of, with how much stands in each."""
    found: dict[int, float] = {}
    for term, worth in terms_of(claim, said):
        slot = slot_of(term)
        found[slot] = found.get(slot, 0.0) + worth
    return found


def terms_of(claim: Parsed, said: Parsed) -> Iterator[tuple[str, float]]:
    """A claim's words that the sentence has not, each beside the likest one there; negations that only one has; and
    the sentence's own words. Nothing is said of a word that both have, so that no claim is judged by its words alone.
    """
    like = claim.vectors @ said.vectors.T if said.stems else None
    missing = {at: stem for at, stem in enumerate(claim.stems) if stem not in said.places}
    once = {}
    for at, stem in missing.items():
        name = "#" if claim.words[at].value is not None else stem
        once[f"missing {name}"] = 1.0
        if like is not None:
            best = int(like[at].argmax())
            if like[at, best] > LIKE:
                once[f"{name} for {said.stems[best]}"] = 1.0
    forms, others = {word.form for word in claim.negations}, {word.form for word in said.negations}
    once |= {f"only claimed {form}": 1.0 for form in forms - others}
    once |= {f"only said {form}": 1.0 for form in others - forms}
    once |= {f"said {stem}": 0.5 for stem in set(said.stems) - claim.places.keys()}
    yield from once.items()
