"""A linear model over terms of a text, with calibrated probabilities and what each word has to do with them.

score(class) = bias + Σ weight · value over the terms. The words and pairs of a text are scaled to length one together,
and so are the pieces of its words. A score is the sum of what its words bring, so the explanation is the computation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reports.classification.text import pairs_of, pieces_of, words_of

Floats = NDArray[np.float32]
CACHED_WORDS = 200_000


@dataclass(frozen=True, slots=True)
class Brought:
    """What a word's pieces bring to each score before scaling, and their squared length."""

    scores: Floats
    squared: float


@dataclass(frozen=True)
class LinearModel:
    """values: of each term when it is there, its inverse document frequency. weights: term × class.

    slope, offsets: turn scores into log-odds whose softmax is the probability.
    """

    classes: tuple[str, ...]
    terms: tuple[str, ...]
    values: Floats
    weights: Floats
    bias: Floats
    slope: float = 1.0
    offsets: Floats = field(default_factory=lambda: np.zeros(0, np.float32))

    @cached_property
    def places(self) -> dict[str, int]:
        return {term: place for place, term in enumerate(self.terms)}

    @cached_property
    def _weighed(self) -> Floats:
        return self.weights * self.values[:, None]

    @cached_property
    def _known(self) -> dict[str, Brought]:
        return {}

    def scores(self, texts: Sequence[str]) -> Floats:
        """Text × class."""
        found = np.empty((len(texts), len(self.classes)), np.float32)
        for row, text in enumerate(texts):
            found[row] = self._score(words_of(text))
        return found

    def knows(self, text: str) -> bool:
        """Whether any of its words is a term."""
        return not self.places.keys().isdisjoint(words_of(text))

    def probabilities(self, scores: Floats) -> Floats:
        """Calibrated: of guesses made with .8, four in five are right."""
        odds = self.slope * scores + (self.offsets if len(self.offsets) else 0)
        raised = np.exp(odds - odds.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)

    def _score(self, words: Sequence[str]) -> Floats:
        total = self.bias.copy()
        found = self._places_of([*dict.fromkeys(words), *dict.fromkeys(pairs_of(words))])
        if found:
            total += self._weighed[found].sum(axis=0) / self._length(found)
        pieces = [self._pieces(word) for word in dict.fromkeys(words)]
        if squared := sum(one.squared for one in pieces):
            total += np.sum([one.scores for one in pieces], axis=0) / np.float32(squared**0.5)
        return total

    def explain(self, text: str, kind: str, rival: str | None = None) -> list[tuple[str, float]]:
        """Each word with what it adds to the log-odds of `kind` over `rival` (over the mean of all classes if None).

        The strongest first; the sum over all words is the log-odds without the bias.
        """
        words = words_of(text)
        found = self._places_of([*dict.fromkeys(words), *dict.fromkeys(pairs_of(words))])
        length = self._length(found) if found else np.float32(1)
        distinct = list(dict.fromkeys(words))
        pieces = [self._pieces(word) for word in distinct]
        around = np.float32(sum(one.squared for one in pieces) ** 0.5 or 1)
        at, other = self.classes.index(kind), self.classes.index(rival) if rival else None
        scores = np.array([one.scores for one in pieces]).reshape(len(pieces), len(self.classes))
        brought = dict(zip(distinct, (_against(scores, at, other) / around).tolist(), strict=True))
        for place, worth in zip(found, (_against(self._weighed[found], at, other) / length).tolist(), strict=True):
            holders = self.terms[place].split(" ")
            for word in holders:
                brought[word] += worth / len(holders)
        ranked = sorted(brought.items(), key=lambda one: -abs(one[1]))
        return [(word, self.slope * worth) for word, worth in ranked]

    def _places_of(self, terms: Sequence[str]) -> list[int]:
        places = self.places
        return [places[term] for term in terms if term in places]

    def _length(self, found: list[int]) -> np.float32:
        values = self.values[found]
        return np.sqrt(values @ values)

    def _pieces(self, word: str) -> Brought:
        known = self._known.get(word)
        if known is None:
            found = self._places_of(pieces_of(word))
            values = self.values[found]
            known = Brought(self._weighed[found].sum(axis=0), float(values @ values))
            if len(self._known) < CACHED_WORDS:
                self._known[word] = known
        return known


def _against(scores: Floats, at: int, other: int | None) -> Floats:
    """The score of one class over that of another, or over the mean of all; of each row."""
    base = scores.mean(axis=-1) if other is None else scores[..., other]
    return np.asarray(scores[..., at] - base)
