"""Texts as a sparse matrix of terms, scaled as reports.classification.linear scales them."""

from __future__ import annotations

import functools
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from reports.classification.text import pairs_of, pieces_of, words_of

Holder = tuple[Hashable, Hashable]  # a city, and a place or a person there

# Each term that was ever read has a number, so that a text is read once for all folds.
_numbers: dict[str, int] = {}
_terms: list[str] = []


@dataclass(frozen=True, slots=True)
class Terms:
    """places: of each term. values: inverse document frequencies, log((1 + n) / (1 + n with it)) + 1."""

    places: dict[str, int]
    values: np.ndarray

    def matrix(self, texts: Sequence[str]) -> Any:
        """Text × term; the words and pairs of a row have length one, and so have its pieces.

        A piece counts for each word that holds it; the length is that of the words side by side.
        """
        rows, words, pair_rows, pairs = _read_all(texts)
        piece_rows, pieces = _pieces_of(rows, words)
        known = [_number(term) for term in self.places]
        place_of = np.full(len(_terms), -1, np.int64)
        place_of[known] = np.arange(len(known))
        whole = np.concatenate([rows, pair_rows]), place_of[np.concatenate([words, pairs])]
        return self._scaled(*whole, len(texts)) + self._scaled(piece_rows, place_of[pieces], len(texts))

    def _scaled(self, rows: np.ndarray, places: np.ndarray, count: int) -> Any:
        rows, places = rows[places >= 0], places[places >= 0]
        values = self.values[places]
        lengths = np.sqrt(np.bincount(rows, values * values, count))
        return sparse.csr_matrix((values / lengths[rows], (rows, places)), shape=(count, len(self.places)))


def terms_of(
    texts: Sequence[str],
    holders: Sequence[Holder] | None = None,
    *,
    also: Iterable[str] = (),
    word_in: int = 2,
    piece_in: int = 3,
    cities: int = 1,
    without: Collection[str] = (),
) -> Terms:
    """Terms that so many texts have; with `holders`, texts of so many different ones, of so many cities.

    also: in any case. without: words that stand neither alone nor in a pair, nor lend their pieces.
    """
    rows, words, pair_rows, pairs = _read_all(texts)
    piece_rows, pieces = _pieces_of(rows, words)
    named = np.array([_number(word) for word in [*without, *also]], np.int64)[: len(without)]
    counts = _different(np.concatenate([rows, pair_rows, piece_rows]), np.concatenate([words, pairs, pieces]))
    open_ = ~np.isin(words, named)
    lent_rows, lent = _pieces_of(rows[open_], words[open_])
    rows, numbers = np.concatenate([rows[open_], pair_rows, lent_rows]), np.concatenate([words[open_], pairs, lent])
    held = holders or [(number, number) for number in range(len(texts))]
    owners, towns = _places(held)[rows], _places([city for city, _ in held])[rows]
    by_owner, by_town = _different(owners, numbers), _different(towns, numbers)
    least = min(word_in, piece_in)
    often = {
        term for number in np.flatnonzero((by_owner >= least) & (by_town >= cities)).tolist()
        if by_owner[number] >= (piece_in if (term := _terms[number])[0] == "#" else word_in)
        and not any(one in without for one in term.split())
    }  # fmt: skip
    kept = sorted(often | set(also))
    with_it = counts[[_number(term) for term in kept]]
    return Terms({term: place for place, term in enumerate(kept)}, np.log((1 + len(texts)) / (1 + with_it)) + 1)


def _number(term: str) -> int:
    found = _numbers.setdefault(term, len(_terms))
    if found == len(_terms):
        _terms.append(term)
    return found


@functools.lru_cache(maxsize=200_000)
def _read(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The words of a text and its pairs of words, each once."""
    words = words_of(text)
    return _numbered(words), _numbered(pairs_of(words))


def _numbered(terms: Iterable[str]) -> np.ndarray:
    return np.array([_number(term) for term in dict.fromkeys(terms)], np.int64)


@functools.lru_cache(maxsize=200_000)
def _pieces(word: int) -> np.ndarray:
    return _numbered(pieces_of(_terms[word]))


def _read_all(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Text and word side by side, and text and pair."""
    read = [_read(text) for text in texts]
    return *_side_by_side([words for words, _ in read]), *_side_by_side([pairs for _, pairs in read])


def _pieces_of(rows: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Text and piece side by side, from text and word."""
    at, pieces = _side_by_side([_pieces(word) for word in words.tolist()])
    return rows[at], pieces


def _side_by_side(found: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    at = np.repeat(np.arange(len(found)), [len(one) for one in found])
    return at, np.concatenate(found) if found else np.zeros(0, np.int64)


def _places(keys: Sequence[Hashable]) -> np.ndarray:
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def _different(owners: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """How many different owners each number has."""
    shape = (int(owners.max(initial=-1)) + 1, len(_terms))
    met = sparse.csr_matrix((np.ones(len(owners), np.int32), (owners, numbers)), shape=shape)
    return np.bincount(met.indices, minlength=len(_terms))
