"""Texts as a sparse matrix of terms, scaled as reports.classification.linear scales them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from reports.classification.text import pairs_of, pieces_of, words_of


@dataclass(frozen=True, slots=True)
class Terms:
    """places: of each term. values: inverse document frequencies, log((1 + n) / (1 + n with it)) + 1."""

    places: dict[str, int]
    values: np.ndarray

    def matrix(self, texts: Sequence[str]) -> Any:
        """Text × term; the words and pairs of a row have length one, and so have its pieces."""
        columns: list[np.ndarray] = []
        cells: list[np.ndarray] = []
        lengths = []
        for text in texts:
            words, pairs = _split(text)
            for found, worth in (self._words((*words, *pairs)), self._pieces(words)):
                columns.append(found)
                cells.append(worth)
            lengths.append(len(columns[-2]) + len(columns[-1]))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        parts = [np.concatenate(side) if side else np.zeros(0) for side in (cells, columns)]
        shape = (len(texts), len(self.places))
        return sparse.csr_matrix((parts[0], parts[1].astype(np.int64), ends), shape=shape)

    def _words(self, terms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        found = np.array([place for term in terms if (place := self.places.get(term)) is not None], np.int64)
        values = self.values[found]
        return found, values / (np.sqrt(values @ values) or 1)

    def _pieces(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """A piece counts for each word that holds it; the length is that of the words side by side."""
        places = [place for word in words for piece in pieces_of(word) if (place := self.places.get(piece)) is not None]
        found, times = np.unique(np.array(places, np.int64), return_counts=True)
        values = self.values[found]
        return found, values * times / (np.sqrt((values * values) @ times) or 1)


def terms_of(
    texts: Sequence[str],
    groups: Sequence[Any] | None = None,
    *,
    also: Iterable[str] = (),
    word_in: int = 2,
    piece_in: int = 3,
    without: Collection[str] = (),
) -> Terms:
    """Terms that so many texts have; with `groups`, that texts of so many different groups have.

    also: in any case. without: words that stand neither alone nor in a pair.
    """
    seen: dict[str, set[Any]] = {}
    counts: Counter[str] = Counter()
    for number, text in enumerate(texts):
        for term in _terms_in(text):
            counts[term] += 1
            holders = seen.setdefault(term, set())
            if len(holders) < max(word_in, piece_in):
                holders.add(groups[number] if groups is not None else number)
    often = {
        term for term, holders in seen.items()
        if len(holders) >= (piece_in if term[0] == "#" else word_in) and not any(one in without for one in term.split())
    }  # fmt: skip
    kept = sorted(often | set(also))
    numbers = np.array([counts[term] for term in kept], np.float64)
    return Terms({term: place for place, term in enumerate(kept)}, np.log((1 + len(texts)) / (1 + numbers)) + 1)


def _terms_in(text: str) -> Iterator[str]:
    words, pairs = _split(text)
    yield from words
    yield from pairs
    yield from dict.fromkeys(piece for word in words for piece in pieces_of(word))


@functools.lru_cache(maxsize=100_000)
def _split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a text and its pairs of words, each once."""
    words = words_of(text)
    return tuple(dict.fromkeys(words)), tuple(dict.fromkeys(pairs_of(words)))
