"""From chances to a label: how soon a rare label is taken, from when on evidence stands against evidence, and how often
a label that seemed this likely was right. Learnt from what was said of claims that the models had not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from claims.judging.decision import LABELS
from claims.judging.training import fitting, measures
from claims.judging.training.fitting import NO_EVIDENCE
from claims.judging.training.table import Table
from claims.judging.training.validation import Unseen

SOONER = {"REFUTED": (1.0, 1.2, 1.4, 1.7), "DISPUTED": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)}
LEVELS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)


@dataclass(frozen=True)
class Rules:
    """leaning: by LABELS, what a chance is multiplied by before the largest is taken. disputed: strength of the best
    sentence on either side. said, right: points of the line from a label's chance to how often it was right."""

    leaning: np.ndarray
    disputed: float
    said: np.ndarray
    right: np.ndarray

    def apply(self, chances: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels and certainty, as decision.decided."""
        shown = shown_chances(chances, sides, self.disputed)
        place = (shown * self.leaning).argmax(axis=1)
        return np.array(LABELS)[place], np.interp(shown[np.arange(len(place)), place], self.said, self.right)


def shown_chances(chances: np.ndarray, sides: np.ndarray, level: float) -> np.ndarray:
    """Where both sides stand, their chances are those of a dispute."""
    found = chances.copy()
    both, nothing, dispute = sides.min(axis=1) >= level, LABELS.index(NO_EVIDENCE), LABELS.index("DISPUTED")
    found[both] = 0
    found[both, nothing] = chances[both, nothing]
    found[both, dispute] = 1 - chances[both, nothing]
    return found


def learn(table: Table, chances: np.ndarray, sides: np.ndarray, rows: np.ndarray) -> Rules:
    """Those with the best mean of accuracy and macro-F1 over the sets that have claims without enough evidence."""
    labels = np.array([table.cases[case].label for case in rows])
    names = np.array([f"{table.cases[case].set} {table.cases[case].told}" for case in rows])
    open_sets = [one for one in np.unique(names) if len(np.unique(labels[names == one])) > 2]
    best, score = Rules(np.ones(len(LABELS)), 1.0, np.array([0.0, 1.0]), np.array([0.0, 1.0])), -1.0
    for leaning, level in _choices() if open_sets else ():
        place = (shown_chances(chances[rows], sides[rows], level) * leaning).argmax(axis=1)
        guess = np.array(LABELS)[place]
        held = [names == one for one in open_sets]
        found = np.mean([(guess[at] == labels[at]).mean() + measures.macro_f1(labels[at], guess[at]) for at in held])
        if found > score:
            best, score = Rules(leaning, level, best.said, best.right), float(found)
    guess, seemed = best.apply(chances[rows], sides[rows])
    weights = fitting.set_weights(table, rows.tolist())
    return Rules(best.leaning, best.disputed, *fitting.certainty(seemed, guess == labels, weights))


def _choices() -> Iterator[tuple[np.ndarray, float]]:
    for refuted, disputed, level in product(*SOONER.values(), LEVELS):
        more = {"REFUTED": refuted, "DISPUTED": disputed}
        yield np.array([more.get(one, 1.0) for one in LABELS]), level


def by_fold(
    table: Table, unseen: Unseen, sides: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and certainty, and chances as they are shown; each fold by rules of the others."""
    guess = np.full(len(fold), NO_EVIDENCE, dtype="<U20")
    certain, shown = np.zeros(len(fold)), unseen.chances.copy()
    for number in sorted(set(fold.tolist())):
        rules, own = learn(table, unseen.chances, sides, np.flatnonzero(fold != number)), fold == number
        guess[own], certain[own] = rules.apply(unseen.chances[own], sides[own])
        shown[own] = shown_chances(unseen.chances[own], sides[own], rules.disputed) * rules.leaning
    return guess, certain, shown


def strengths(table: Table, unseen: Unseen) -> np.ndarray:
    """Case × side: the strongest sentence for and against, as in decision.strength."""
    said = unseen.sentences
    supports = 1 / (1 + np.exp(-said.polarity))
    weight = said.evidence * table.chance
    sides = np.zeros((len(table.cases), 2))
    np.maximum.at(sides[:, 0], table.of, np.where(said.polarity > 0, weight * supports, 0))
    np.maximum.at(sides[:, 1], table.of, np.where(said.polarity <= 0, weight * (1 - supports), 0))
    return sides
