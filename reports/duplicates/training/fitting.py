"""Fit a finder: what comes before is only ever looked at by what did not learn from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from base.artifacts import content_hash
from reports.duplicates.finder import FORMAT, shares
from reports.duplicates.pairs import OF_PAIR, OF_REPORT, Floats, report_values
from reports.duplicates.sketch import SLOTS
from reports.duplicates.training.boston import City, Ints, part
from reports.duplicates.training.examples import Examples

FOLDS = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """trees: of each of the two models. others: reports that are no duplicates, of which a sample is enough."""

    trees: int = 100
    leaves: int = 12
    depth: int = 6
    rate: float = 0.1
    prior_strength: float = 0.05
    others: int = 32_000
    suggest_from: float = 0.2


class TooFewDuplicates(ValueError):
    """There is too little to learn from."""


def word_weights(city: City, seen: NDArray[np.bool_]) -> Floats:
    """Log of how rare a word's slot is among reports that may be looked at."""
    having = np.ones(SLOTS)
    for row in np.flatnonzero(seen):
        having[list(city.sketches[row].slots)] += 1
    return np.round(np.log((seen.sum() + 1) / having), 3)


def fit(
    city: City,
    found: Examples,
    stands_for: Floats,
    weights: Floats,
    learn: NDArray[np.bool_],
    settings: Settings,
    *,
    version: str,
    created_on: date,
    seed: int,
) -> dict[str, Any]:
    """The artifact of the questions to learn from. Raises TooFewDuplicates."""
    fold = part(city.group, FOLDS, "fold")[found.rows]
    marked = city.duplicate[found.rows]
    text = slots(found)
    of, asked = found.of, np.zeros(len(found.rows), dtype=bool)
    asked[of[found.original]] = True
    if (asked & learn).sum() < 10 * FOLDS:
        raise TooFewDuplicates(f"{(asked & learn).sum()} duplicates with their originals; there must be {10 * FOLDS}.")

    prior, rank = np.zeros(len(found.rows)), np.zeros(len(of))
    for number in range(FOLDS):
        rest, own = learn & (fold != number), learn & (fold == number)
        prior[own] = _prior(text[rest], marked[rest], settings).decision_function(text[own])
        ranker = _ranker(found, (asked & rest)[of], settings, seed)
        rank[own[of]] = ranker.decision_function(found.pairs[own[of]])
    whole_prior = _prior(text[learn], marked[learn], settings)
    ranker = _ranker(found, (asked & learn)[of], settings, seed)

    rows = np.flatnonzero(learn)
    starts = np.searchsorted(of, np.arange(len(found.rows) + 1))
    inputs = np.array([_inputs(found, row, starts, prior, rank) for row in rows.tolist()])
    detector = _trees(settings, seed).fit(inputs, marked[rows], sample_weight=stands_for[rows])
    named = np.array([bool(city.originals[row]) for row in found.rows]) & learn
    parts = [slice(starts[row], starts[row + 1]) for row in np.flatnonzero(named)]
    flatness, none = _sharing([rank[own] for own in parts], [found.original[own] for own in parts])
    artifact = {
        "format": FORMAT,
        "version": version,
        "created_on": created_on.isoformat(),
        "suggest_from": settings.suggest_from,
        "flatness": round(flatness, 4),
        "none": round(none, 4),
        "word_weights": weights.tolist(),
        "prior_weights": np.round([*whole_prior.coef_[0], whole_prior.intercept_[0]], 4).tolist(),
        "ranker": exported(ranker, OF_PAIR),
        "detector": exported(detector, OF_REPORT),
    }
    return artifact | {"sha256": content_hash(artifact)}


def slots(found: Examples) -> Any:
    """Which words each question's report has, by slot."""
    columns = [sorted(one.own.slots) for one in found.questions]
    ends = np.cumsum([0, *map(len, columns)])
    flat = np.array([slot for one in columns for slot in one], dtype=np.int32)
    return csr_matrix((np.ones(len(flat)), flat, ends), (len(columns), SLOTS))


def exported(model: HistGradientBoostingClassifier, inputs: tuple[str, ...]) -> dict[str, Any]:
    """The trees as columns of their nodes, one tree after another."""
    columns: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
    roots, depth = [], 0
    for (tree,) in model._predictors:
        base = len(columns["feature"])
        roots.append(base)
        for number, node in enumerate(tree.nodes):
            leaf = bool(node["is_leaf"])
            depth = max(depth, int(node["depth"]))
            columns["feature"].append(0 if leaf else int(node["feature_idx"]))
            columns["threshold"].append(0.0 if leaf else float(f"{node['num_threshold']:.12g}"))
            columns["left"].append(base + (number if leaf else int(node["left"])))
            columns["right"].append(base + (number if leaf else int(node["right"])))
            columns["value"].append(float(f"{node['value']:.5g}") if leaf else 0.0)
    base_odds = float(np.ravel(model._baseline_prediction)[0])
    return {"inputs": list(inputs), "base": base_odds, "depth": depth, "roots": roots, **columns}


def _trees(settings: Settings, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=settings.trees,
        learning_rate=settings.rate,
        max_leaf_nodes=settings.leaves,
        max_depth=settings.depth,
        min_samples_leaf=40,
        l2_regularization=5,
        early_stopping=False,
        random_state=seed,
    )


def _ranker(found: Examples, chosen: NDArray[np.bool_], settings: Settings, seed: int) -> Any:
    return _trees(settings, seed).fit(found.pairs[chosen], found.original[chosen])


def _prior(text: Any, marked: NDArray[np.bool_], settings: Settings) -> Any:
    return LogisticRegression(C=settings.prior_strength, solver="liblinear").fit(text, marked)


def _inputs(found: Examples, row: int, starts: Ints, prior: Floats, rank: Floats) -> Floats:
    one, own = found.questions[row], slice(starts[row], starts[row + 1])
    return report_values(one.own, one.category, prior[row], found.pairs[own].astype(float), rank[own], one.seen)


def _sharing(scores: list[Floats], named: list[NDArray[np.bool_]]) -> tuple[float, float]:
    """Flatness and the score of "none of these" under which what staff named is most likely."""

    def surprise(values: Floats) -> float:
        flatness, none = float(np.exp(values[0])), float(values[1])
        total = 0.0
        for score, original in zip(scores, named, strict=True):
            share = shares(score, flatness, none)
            likely = share[original].sum() if original.any() else 1 - share.sum()
            total -= np.log(max(likely, 1e-9))
        return total / len(scores)

    best = minimize(surprise, x0=np.array([0.0, -3.0]), method="Nelder-Mead", options={"maxiter": 120})
    return float(np.exp(best.x[0])), float(best.x[1])
