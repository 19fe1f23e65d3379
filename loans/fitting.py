"""Fit one card: bins by a small decision tree that may only follow the declared trend, coded by weight of evidence,
and one logistic regression with an L2 penalty and weights >= 0, so no bin earns points against its trend.

Source: N. Siddiqi, Credit Risk Scorecards (2006), ch. 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.tree import DecisionTreeClassifier

from loans.candidates import NO_HISTORY, Candidate
from loans.scorecard import Reason, Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCALE = Scale(base_points=70, base_odds=9, points_to_double=6)


class Row(TypedDict):
    """One past loan. inputs: of `card_inputs`, as of the decision and nothing later."""

    borrower_id: str
    decision_date: date
    bad: bool
    inputs: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """leaves: bins at most. min_share: of the loans in each bin. penalty: L2 on the weights. smoothing: loans added
    to each bin at the average rate, so that an empty cell has a finite weight of evidence."""

    leaves: int = 4
    min_share: float = 0.05
    penalty: float = 10.0
    smoothing: float = 2.0
    folds: int = 5
    repeats: int = 10


def fit_card(rows: Sequence[Row], candidates: Sequence[Candidate], settings: Settings) -> dict[str, Any]:
    """A card as the artifact holds it."""
    bad = bads_of(rows)
    columns = [column_of(rows, one.name) for one in candidates]
    edges = [_edges(column, bad, one, settings) for column, one in zip(columns, candidates, strict=True)]
    evidence = [
        weight_of_evidence(locate(column, cuts), bad, len(cuts) + 2, settings)
        for column, cuts in zip(columns, edges, strict=True)
    ]
    coded = np.column_stack(
        [woe[locate(column, cuts)] for column, cuts, woe in zip(columns, edges, evidence, strict=True)]
    )
    intercept, weights = logistic(coded, bad, settings.penalty)
    offset = SCALE.points(intercept)
    characteristics = []
    for one, cuts, woe, weight in zip(candidates, edges, evidence, weights, strict=True):
        points = SCALE.factor * weight * woe
        offset += points.min()
        *binned, missing = (round(float(number)) for number in points - points.min())
        characteristics.append(
            {
                "name": one.name,
                "part": one.part,
                "unit": one.unit,
                "edges": cuts.tolist(),
                "points": binned,
                "missing_points": missing,
                "reason": asdict(Reason(one.code, one.text)),
                "missing_reason": asdict(NO_HISTORY),
            }
        )
    return {"offset": round(float(offset)), "characteristics": characteristics}


def locate(column: Floats, edges: Floats) -> Ints:
    """Bin of each value, [low, high); the last index is the missing bin."""
    return np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right"))


def weight_of_evidence(bins: Ints, bad: Ints, count: int, settings: Settings) -> Floats:
    """Log of a bin's odds of repaying over the odds of all. A missing bin too small to judge says nothing: 0."""
    share = bad.mean()
    bads = np.bincount(bins, bad, count) + settings.smoothing * share
    goods = np.bincount(bins, 1 - bad, count) + settings.smoothing * (1 - share)
    woe = np.log(goods / bads) - math.log((1 - share) / share)
    if (bins == count - 1).sum() < settings.min_share * len(bins):
        woe[-1] = 0.0
    return woe


def logistic(coded: Floats, bad: Ints, penalty: float) -> tuple[float, Floats]:
    """Intercept and weights >= 0 of the log-odds of repaying."""
    design = np.column_stack([np.ones(len(coded)), coded])
    sign = 1 - 2 * bad

    def loss(beta: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ beta)
        pull = penalty * np.concatenate([[0.0], beta[1:]])
        gradient = pull - design.T @ (sign / (1 + np.exp(margin)))
        return float(np.logaddexp(0, -margin).sum() + pull @ beta / 2), gradient

    start = np.concatenate([[math.log(9)], np.full(coded.shape[1], 0.5)])
    bounds = [(None, None)] + [(0.0, None)] * coded.shape[1]
    beta = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}).x
    return float(beta[0]), beta[1:]


def _edges(column: Floats, bad: Ints, one: Candidate, settings: Settings) -> Floats:
    if one.edges is not None:
        return np.array(one.edges)
    known = ~np.isnan(column)
    if len(np.unique(column[known])) < 2:
        return np.array([])
    tree = DecisionTreeClassifier(
        criterion="entropy",
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.min_share,
        monotonic_cst=[-1 if one.rising else 1],
        random_state=0,
    ).fit(column[known, None], bad[known])
    cuts = tree.tree_.threshold[tree.tree_.children_left >= 0]
    return np.unique([float(f"{cut:.3g}") for cut in cuts])


def column_of(rows: Sequence[Row], name: str) -> Floats:
    values = (row["inputs"].get(name) for row in rows)
    return np.array([math.nan if value is None else float(value) for value in values])


def bads_of(rows: Sequence[Row]) -> Ints:
    return np.array([int(row["bad"]) for row in rows])


def probability_of_default(totals: Floats) -> Floats:
    return np.array([SCALE.probability_of_default(float(total)) for total in totals])
