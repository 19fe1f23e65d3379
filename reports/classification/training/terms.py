"""Texts as a sparse matrix of terms, scaled as reports.classification.linear scales them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
        columns: list[int] = []
        cells: list[float] = []
        ends = [0]
        for text in texts:
            words = list(dict.fromkeys(words := words_of(text))), list(dict.fromkeys(pairs_of(words)))
            self._add_words([*words[0], *words[1]], columns, cells)
            self._add_pieces(words[0], columns, cells)
            ends.append(len(columns))
        shape = (len(texts), len(self.places))
        return sparse.csr_matrix((np.array(cells, np.float64), np.array(columns, np.int64), ends), shape=shape)

    def _add_words(self, terms: list[str], columns: list[int], cells: list[float]) -> None:
        found = [place for term in terms if (place := self.places.get(term)) is not None]
        values = self.values[found]
        columns.extend(found)
        cells.extend(values / (np.sqrt(values @ values) or 1))

    def _add_pieces(self, words: list[str], columns: list[int], cells: list[float]) -> None:
        """A piece counts for each word that holds it; the length is that of the words side by side."""
        counts = Counter(
            place for word in words for piece in pieces_of(word) if (place := self.places.get(piece)) is not None
        )
        found, times = list(counts), np.array(list(counts.values()), np.float64)
        values = self.values[found]
        columns.extend(found)
        cells.extend(values * times / (np.sqrt((values * values) @ times) or 1))


def terms_of(
    texts: Sequence[str],
    groups: Sequence[Any] | None = None,
    *,
    also: Iterable[str] = (),
    word_in: int = 2,
    piece_in: int = 3,
) -> Terms:
    """Terms that so many texts have; with `groups`, that texts of so many different groups have. also: in any case."""
    seen: dict[str, set[Any]] = {}
    counts: Counter[str] = Counter()
    for number, text in enumerate(texts):
        for term in _terms_in(text):
            counts[term] += 1
            holders = seen.setdefault(term, set())
            if len(holders) < max(word_in, piece_in):
                holders.add(groups[number] if groups is not None else number)
    often = {term for term, holders in seen.items() if len(holders) >= (piece_in if term[0] == "#" else word_in)}
    kept = sorted(often | set(also))
    numbers = np.array([counts[term] for term in kept], np.float64)
    return Terms({term: place for place, term in enumerate(kept)}, np.log((1 + len(texts)) / (1 + numbers)) + 1)


def _terms_in(text: str) -> Iterator[str]:
    words = words_of(text)
    alone = dict.fromkeys(words)
    yield from alone
    yield from dict.fromkeys(pairs_of(words))
    yield from dict.fromkeys(piece for word in alone for piece in pieces_of(word))
