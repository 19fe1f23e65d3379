"""The trained model: what it makes of documents, sentences and what all of them say together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims.judging.forest import Forest
from claims.reading import pairs
from claims.reading.lexicon import Lexicon
from claims.reading.parsed import Parsed
from claims.reading.turns import slots_of

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Linear:
    """Log-odds of standardised inputs."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def score(self, rows: Floats) -> Floats:
        return np.asarray((rows - self.mean) / self.scale @ self.weights + np.float32(self.bias), np.float32)


@dataclass(frozen=True)
class Polarity:
    """Log-odds that a sentence supports rather than refutes: what words turn, and what trees make of the numbers."""

    turns: Floats
    turns_bias: float
    forest: Forest
    of_turns: float
    of_forest: float
    bias: float

    def score(self, rows: Floats, turned: Floats) -> Floats:
        return self.bias + self.of_turns * turned + self.of_forest * log_odds(self.forest.mean(rows)[:, 0])

    def turned(self, claim: Parsed, said: Parsed) -> float:
        return self.turns_bias + sum(float(self.turns[slot]) * worth for slot, worth in slots_of(claim, said).items())


@dataclass(frozen=True)
class Verdicts:
    """Chances of the labels: trees over what all sentences say, calibrated. leaning: what each chance is multiplied by
    before the largest is taken. said, right: how often labels that seemed this likely were right. disputed: from this
    strength of the best sentence on either side on evidence stands against evidence."""

    forest: Forest
    slope: float
    offsets: Floats
    leaning: Floats
    said: Floats
    right: Floats
    disputed: float

    def chances(self, row: Floats) -> Floats:
        odds = self.slope * np.log(np.clip(self.forest.mean(row[None])[0], 1e-3, 1)) + self.offsets
        raised = np.exp(odds - odds.max())
        return raised / raised.sum()

    def certainty(self, chance: float) -> float:
        return float(np.interp(chance, self.said, self.right))


@dataclass(frozen=True)
class Reader:
    """about: what the readable file says."""

    lexicon: Lexicon
    documents: Linear
    evidence: Forest
    polarity: Polarity
    verdicts: Verdicts
    about: Mapping[str, Any]

    def document_chances(self, rows: Floats) -> Floats:
        return chance(self.documents.score(rows))

    def rows(
        self, claim: Parsed, said: Sequence[Parsed], contexts: Sequence[frozenset[str]], places: Sequence[float]
    ) -> Floats:
        """What pairs.compare says of each sentence."""
        found = [
            pairs.compare(claim, one, context, place=place)
            for one, context, place in zip(said, contexts, places, strict=True)
        ]
        return np.array(found, np.float32).reshape(len(found), len(pairs.FEATURES))

    def evidence_chances(self, rows: Floats) -> Floats:
        return self.evidence.mean(rows)[:, 0]


def chance(score: Any) -> Any:
    return 1 / (1 + np.exp(-score))


def log_odds(chances: Any) -> Any:
    held = np.clip(chances, 0.02, 0.98)
    return np.log(held / (1 - held))
