"""Fit one card: bins with their weight of evidence, weights that never go against a bin, whole points.

Selection is part of the fit: a characteristic whose weight comes to nothing, or that would not move the score by a
point, is not on the card.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from loans.scorecard import BEHAVIOUR, Scale
from loans.training.binning import Bins, Settings, bins_of, locate
from loans.training.newton import newton
from loans.training.table import Candidate, Column, Floats, Ints, Table

SCALE = Scale(base_points=70, base_odds=9, points_to_double=6)


def fit_card(table: Table, candidates: Sequence[Candidate], settings: Settings) -> dict[str, Any]:
    """A card as the artifact holds it."""
    binned = [bins_of(table.columns[one.name], table.bad, one, settings) for one in candidates]
    coded = [bins.evidence[bins.locate(table.columns[bins.name])] for bins in binned]
    chosen = list(range(len(candidates)))
    while True:
        design = np.column_stack([coded[index] for index in chosen]) if chosen else np.empty((len(table), 0))
        intercept, weights = logistic(design, table.bad, settings.penalty)
        points = [SCALE.factor * w * binned[index].evidence for index, w in zip(chosen, weights, strict=True)]
        kept = [index for index, gives in zip(chosen, points, strict=True) if np.ptp(gives) >= settings.min_points]
        if kept == chosen:
            break
        chosen = kept
    behaviour = [
        -gives.min() for index, gives in zip(chosen, points, strict=True) if candidates[index].part == BEHAVIOUR
    ]
    return {
        "offset": round(float(SCALE.points(intercept) + sum(gives.min() for gives in points))),
        "neutral": round(float(sum(behaviour))),
        "characteristics": [
            _characteristic(candidates[index], binned[index], gives)
            for index, gives in zip(chosen, points, strict=True)
        ],
    }


def _characteristic(one: Candidate, bins: Bins, points: Floats) -> dict[str, Any]:
    *whole, missing = (round(float(number)) for number in points - points.min())
    edges, words = bins.edges.tolist(), {}
    if bins.levels is None:  # neighbours of equal worth are one bin
        steps = [index for index in range(len(edges)) if whole[index] != whole[index + 1]]
        edges, whole = [edges[index] for index in steps], [whole[index] for index in steps] + whole[-1:]
    else:
        words = {"levels": [list(group) for group in bins.levels]}
    return {
        "name": one.name,
        "part": one.part,
        "unit": one.unit,
        "trend": one.trend,
        "edges": edges,
        **words,
        "points": whole,
        "missing_points": missing,
        "reason": asdict(one.reason),
        "missing_reason": asdict(one.missing),
    }


def logistic(coded: Floats, bad: Ints, penalty: float) -> tuple[float, Floats]:
    """Intercept and weights >= 0 of the log-odds of repaying."""
    least = np.concatenate([[-math.inf], np.zeros(coded.shape[1])])
    pull = np.concatenate([[0.0], np.full(coded.shape[1], penalty)])
    beta = newton(
        np.column_stack([np.ones(len(coded)), coded]), (1 - bad).astype(np.float64), np.ones(len(bad)), pull, least
    )
    return float(beta[0]), beta[1:]


def bins_on(one: Mapping[str, Any], column: Column) -> Ints:
    """Bin of each value on a card's characteristic."""
    levels = tuple(map(tuple, one["levels"])) if "levels" in one else None
    return locate(column, np.array(one["edges"]), levels)


def totals(card: Mapping[str, Any], table: Table) -> Floats:
    """What the shipping card gives each case, column by column."""
    total = np.full(len(table), float(card["offset"]))
    for one in card["characteristics"]:
        total += np.array([*one["points"], one["missing_points"]])[bins_on(one, table.columns[one["name"]])]
    return total


def probability_of_default(points: Floats) -> Floats:
    return 1 / (1 + SCALE.base_odds * np.exp((points - SCALE.base_points) / SCALE.factor))


def log_odds(points: Floats) -> Floats:
    return (points - SCALE.base_points) / SCALE.factor + math.log(SCALE.base_odds)
