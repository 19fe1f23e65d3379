"""A text with what is needed to hold it beside another; what costs is found when it is asked for. Pure."""

from __future__ import annotations

import functools
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from claims.reading.lexicon import HEDGES, NEGATIONS, Lexicon
from claims.reading.words import Word, words_of


class Parsed:
    """content: its words of content. places: where among all its words each stem stands."""

    def __init__(self, text: str, lexicon: Lexicon):
        words = words_of(text)
        self.lexicon = lexicon
        self.length = len(words)
        self.words = words
        self.content = tuple(word for word in words if word.is_content)
        self.stems = tuple(word.stem for word in self.content)
        self.places: dict[str, list[int]] = {}
        for word in words:
            self.places.setdefault(word.stem, []).append(word.at)

    @cached_property
    def rarities(self) -> list[float]:
        known, unknown = self.lexicon.rarities, self.lexicon.unknown
        return [known.get(stem, unknown) for stem in self.stems]

    @cached_property
    def rarity(self) -> NDArray[np.float32]:
        return np.array(self.rarities, np.float32)

    @cached_property
    def weight(self) -> float:
        return sum(self.rarities)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """A row for each word of content; zeros for one that the lexicon has not."""
        places = self.lexicon.places
        return self.lexicon.vectors[[places.get(stem, -1) for stem in self.stems]]

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """What the text is about: its words' vectors, rare words the most."""
        return self.rarity @ self.vectors

    @cached_property
    def centre(self) -> NDArray[np.float32]:
        """The mean at length one, or zeros."""
        length = float(self.mean @ self.mean) ** 0.5
        return self.mean / np.float32(length) if length else self.mean

    @cached_property
    def pieces(self) -> frozenset[str]:
        return frozenset(piece for stem in set(self.stems) for piece in pieces_of(stem))

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(zip(self.stems, self.stems[1:], strict=False))

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        return tuple(word.value for word in self.words if word.value is not None)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.content if word.is_name)

    @cached_property
    def negations(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if word.form in NEGATIONS or word.form.endswith("n't"))

    @cached_property
    def hedges(self) -> int:
        return sum(word.form in HEDGES for word in self.words)

    @cached_property
    def directions(self) -> dict[int, int]:
        """The place of each word for more (1) or less (-1)."""
        ways = self.lexicon.ways
        return {word.at: ways[word.stem] for word in self.words if word.stem in ways}

    @cached_property
    def percent(self) -> bool:
        return any(word.form in ("%", "percent") for word in self.words)


@functools.lru_cache(maxsize=50_000)
def pieces_of(stem: str) -> tuple[str, ...]:
    """Runs of three letters; the ends of the word are marked."""
    marked = f"_{stem[:30]}_"
    return tuple({marked[at : at + 3]: None for at in range(len(marked) - 2)})
