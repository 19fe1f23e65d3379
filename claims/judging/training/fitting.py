"""Fit the judge to some cases: evidence or not, support or refutation, and the verdict of all sentences.

What a later stage learns from was predicted by earlier ones that had not seen the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from claims.judging.decision import LABELS
from claims.judging.gathering import Weighed, gather
from claims.judging.reader import log_odds
from claims.judging.training.cases import CROSSED
from claims.judging.training.table import Table
from claims.retrieval.ranking import SENTENCES

NO_EVIDENCE = "NOT_ENOUGH_INFO"
STEPS = 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """trees: of each forest; leaves: of a tree; turns: strength of the fit to words, against its penalty."""

    trees: int = 100
    leaves: int = 96
    verdict_trees: int = 160
    verdict_leaves: int = 64
    turns: float = 0.2
    inner: int = 3
    seed: int = 1


@dataclass(frozen=True)
class Sentences:
    """Of each row: chance to be evidence, log-odds to support, and those of the words alone."""

    evidence: np.ndarray
    polarity: np.ndarray
    turned: np.ndarray


@dataclass(frozen=True)
class Stage:
    """Fitted machines of sentences. mix: bias of words, weight of words, weight of trees, bias."""

    evidence: Any
    words: Any
    polarity: Any
    mix: tuple[float, float, float, float] = (0.0, 1.0, 1.5, 0.0)

    def read(self, table: Table, rows: np.ndarray) -> Sentences:
        evidence = self.evidence.predict_proba(table.rows[rows])[:, 1]
        turned = self.words.decision_function(table.slots[rows])
        trees = log_odds(self.polarity.predict_proba(table.rows[rows])[:, 1])
        return Sentences(evidence, self.mix[3] + self.mix[1] * turned + self.mix[2] * trees, turned)


def forest(trees: int, leaves: int, seed: int) -> ExtraTreesClassifier:
    return ExtraTreesClassifier(
        trees, max_leaf_nodes=leaves, min_samples_leaf=4, max_features=0.4, random_state=seed, n_jobs=1
    )


def fit_sentences(table: Table, rows: np.ndarray, recipe: Recipe) -> Stage:
    """rows: those with labels. Every set counts the same, and in polarity each side of it."""
    labels, of = table.labels[rows], table.of[rows]
    sets = np.array([table.cases[case].set for case in of])
    marked = labels != NO_EVIDENCE
    told_all = np.isin(sets, [one for one in set(sets) if marked[sets == one].all()])
    of_evidence = np.where(told_all | (sets == CROSSED), CROSSED, sets)
    evidence = forest(recipe.trees, recipe.leaves, recipe.seed)
    evidence.fit(table.rows[rows], marked, sample_weight=_shared(of_evidence))
    told = marked & np.isin(labels, ["SUPPORTED", "REFUTED"])
    supports = (labels == "SUPPORTED")[told]
    _, place, count = np.unique(of[told], return_inverse=True, return_counts=True)
    weights = _shared(np.char.add(sets[told], supports.astype(str)), 1 / count[place])
    words = LogisticRegression(C=recipe.turns, solver="liblinear", max_iter=300, random_state=recipe.seed)
    words.fit(table.slots[rows[told]], supports, sample_weight=weights * 300)
    polarity = forest(recipe.trees, recipe.leaves, recipe.seed + 1)
    polarity.fit(table.rows[rows[told]], supports, sample_weight=weights)
    return Stage(evidence, words, polarity)


def _shared(parts: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Weights under which each part counts as much as any other, one in all."""
    weights = np.ones(len(parts)) if weights is None else weights.astype(float).copy()
    for part in np.unique(parts):
        weights[parts == part] /= weights[parts == part].sum()
    return weights


def inside(table: Table, cases: np.ndarray, fold: np.ndarray, recipe: Recipe) -> Sentences:
    """What stages say of the rows of these cases that were fitted to the others of them; zero for all other rows."""
    size = len(table.of)
    found = Sentences(np.zeros(size), np.zeros(size), np.zeros(size))
    mine, labelled = np.isin(table.of, cases), table.labels != ""
    for number in range(recipe.inner):
        own = fold[table.of] == number
        stage = fit_sentences(table, np.flatnonzero(mine & ~own & labelled), recipe)
        put(found, stage.read(table, rows := np.flatnonzero(mine & own)), rows)
    return found


def put(found: Sentences, part: Sentences, rows: np.ndarray) -> None:
    found.evidence[rows], found.polarity[rows], found.turned[rows] = part.evidence, part.polarity, part.turned


def gathered(table: Table, said: Sentences, case: int) -> np.ndarray:
    """The numbers of a case for the verdict, of as many sentences as ranking would keep."""
    rows = np.arange(table.starts[case], table.starts[case + 1])
    if not table.cases[case].told:
        weight = said.evidence[rows] * table.chance[rows]
        rows = rows[np.argsort(-weight, kind="stable")[:SENTENCES]]
    return gather(
        Weighed(
            said.evidence[rows].astype(np.float32), said.polarity[rows].astype(np.float32),
            said.turned[rows].astype(np.float32), table.chance[rows], table.rows[rows], float(table.covered[case]),
        )
    )  # fmt: skip


def fit_verdicts(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, recipe: Recipe) -> Any:
    machine = forest(recipe.verdict_trees, recipe.verdict_leaves, recipe.seed + 2)
    return machine.fit(inputs, labels, sample_weight=weights)


def shares(machine: Any, inputs: np.ndarray) -> np.ndarray:
    """By LABELS; zero for a label that was not learnt."""
    found = np.zeros((len(inputs), len(LABELS)))
    found[:, [LABELS.index(one) for one in machine.classes_]] = machine.predict_proba(inputs)
    return found


@dataclass(frozen=True, slots=True)
class Calibration:
    slope: float
    offsets: np.ndarray

    def chances(self, found: np.ndarray) -> np.ndarray:
        odds = self.slope * np.log(np.clip(found, 1e-3, 1)) + self.offsets
        return np.exp(odds - logsumexp(odds, axis=1, keepdims=True))


def calibrate(found: np.ndarray, labels: np.ndarray, weights: np.ndarray, pull: float = 2.0) -> Calibration:
    """Slope and offsets that make shares of unseen cases the likeliest chances of what is true."""
    logs, right = np.log(np.clip(found, 1e-3, 1)), np.array([LABELS.index(one) for one in labels])
    weights = weights / weights.mean()

    def loss(values: np.ndarray) -> float:
        odds = np.exp(values[0]) * logs + values[1:]
        gap = logsumexp(odds, axis=1) - odds[np.arange(len(right)), right]
        return float(weights @ gap + pull * values[1:] @ values[1:])

    best = minimize(loss, np.zeros(1 + len(LABELS)), method="L-BFGS-B").x
    return Calibration(float(np.exp(best[0])), best[1:])


def certainty(chances: np.ndarray, right: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often guesses were right by how likely they seemed: points of a line that never falls."""
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, max(2, min(STEPS, len(order) // 40)))
    said = np.array([chances[part].mean() for part in parts])
    mass = np.array([weights[part].sum() for part in parts])
    held = np.array([weights[part] @ right[part] for part in parts]) / mass
    return said, IsotonicRegression().fit_transform(np.arange(len(parts)), held, sample_weight=mass)


def set_weights(table: Table, cases: Sequence[int]) -> np.ndarray:
    """Every set counts the same; claims searched for count like those told."""
    names = np.array([f"{table.cases[case].set}{table.cases[case].told}" for case in cases])
    return _shared(names) * len(names)
