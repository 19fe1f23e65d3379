"""Figures of a card on cases it has not seen: ranking, probability, stability, and how sure they are.

Sources: E. DeLong et al., Biometrics 44 (1988), for the variance of an area under the curve; N. Siddiqi (2006) for the
population stability index, of which below 0.10 is commonly read as stable and above 0.25 as another population.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from loans.training.fitting import log_odds, probability_of_default
from loans.training.table import Floats, Ints

FIGURES = ("auc", "gini", "ks", "brier", "calibration_slope", "calibration_intercept", "mean_probability", "bad_rate")
SURE = 1.96


def measure(points: Floats, bad: Ints) -> dict[str, float]:
    """Of a perfect calibration the slope is 1, the intercept 0 and the mean probability the bad rate."""
    found = auc(points, bad)
    probability = probability_of_default(points)
    slope, intercept = calibration(log_odds(points), bad)
    return {
        "auc": found,
        "gini": 2 * found - 1,
        "ks": float(np.max(np.abs(np.diff(roc(points, bad), axis=1)))),
        "brier": float(np.mean((probability - bad) ** 2)),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "mean_probability": float(probability.mean()),
        "bad_rate": float(bad.mean()),
    }


def auc(points: Floats, bad: Ints) -> float:
    """How often a bad case has fewer points than a good one, ties as a half."""
    ranks = rankdata(-points)
    bads = int(bad.sum())
    return float((ranks[bad == 1].sum() - bads * (bads + 1) / 2) / (bads * (len(bad) - bads)))


def auc_error(points: Floats, bad: Ints) -> float:
    """Standard error of the area over the sample of cases."""
    bads, goods = -points[bad == 1], -points[bad == 0]
    together = rankdata(np.concatenate([bads, goods]))
    of_bads = (together[: len(bads)] - rankdata(bads)) / len(goods)
    of_goods = 1 - (together[len(bads) :] - rankdata(goods)) / len(bads)
    return math.sqrt(of_bads.var(ddof=1) / len(bads) + of_goods.var(ddof=1) / len(goods))


def roc(points: Floats, bad: Ints) -> Floats:
    """Share of the good and of the bad cases below each score, from (0, 0) to (1, 1)."""
    order = np.argsort(points, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(points[order]) > 0, True))
    caught = np.cumsum(bad[order])[ends] / bad.sum()
    refused = np.cumsum(1 - bad[order])[ends] / (1 - bad).sum()
    return np.concatenate([np.zeros((1, 2)), np.column_stack([refused, caught])])


def calibration(odds: Floats, bad: Ints) -> tuple[float, float]:
    """Slope and intercept of the log-odds seen over those said; NaN when the card says the same of all."""
    if np.ptp(odds) == 0:
        return math.nan, math.nan
    centre, spread = odds.mean(), odds.std()
    design = np.column_stack([np.ones(len(odds)), (odds - centre) / spread])
    beta = np.array([math.log((1 - bad.mean()) / bad.mean()), 0.0])
    for _ in range(25):
        rate = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        hessian = (design * (rate * (1 - rate))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (1 - bad - rate))
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    slope = beta[1] / spread
    return float(slope), float(beta[0] - slope * centre)


def intervals(runs: Sequence[Floats], bad: Ints, draws: int, seed: int) -> dict[str, list[float]]:
    """95 % of resampled cases: each draw takes as many cases with replacement from one of the runs.

    Without those that some draw does not have: a card that says the same of all has no calibration.
    """
    rng = np.random.default_rng(seed)
    drawn: list[dict[str, float]] = []
    for _ in range(draws):
        chosen = rng.integers(0, len(bad), len(bad))
        if 0 < bad[chosen].sum() < len(chosen):
            drawn.append(measure(runs[int(rng.integers(len(runs)))][chosen], bad[chosen]))
    values = {name: [one[name] for one in drawn] for name in FIGURES}
    sure = {name: np.quantile(found, [0.025, 0.975]) for name, found in values.items() if np.isfinite(found).all()}
    return {name: [round(float(low), 4), round(float(high), 4)] for name, (low, high) in sure.items()}


def stability(before: Ints, after: Ints, bins: int) -> float:
    """Population stability index of two samples over the same bins; half a case stands in for an empty bin."""
    shares = []
    for sample in (before, after):
        counts = np.maximum(np.bincount(sample, minlength=bins), 0.5)
        shares.append(counts / counts.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def calibration_table(points: Floats, bad: Ints, groups: int = 10) -> list[dict[str, Any]]:
    """Expected and observed share of bad cases, by groups of about equal size, worst scores first."""
    edges = np.unique(np.quantile(points, np.linspace(0, 1, groups + 1)[1:-1]))
    places, probability = np.searchsorted(edges, points, side="right"), probability_of_default(points)
    rows = []
    for place in np.unique(places):
        inside = places == place
        rate, count = float(bad[inside].mean()), int(inside.sum())
        rows.append(
            {
                "score_from": int(points[inside].min()),
                "score_to": int(points[inside].max()),
                "share": round(count / len(points), 4),
                "expected_bad": round(float(probability[inside].mean()), 4),
                "observed_bad": round(rate, 4),
            }
        )
    return rows


def threshold_table(points: Floats, bad: Ints, thresholds: Sequence[int]) -> list[dict[str, Any]]:
    """What approving everything from a score on would have meant. Null where nothing is approved."""
    return [
        {
            "score_from": threshold,
            "approved": round(float((points >= threshold).mean()), 4),
            "bad_among_approved": _rate(bad[points >= threshold]),
            "bad_refused": round(float((points[bad == 1] < threshold).mean()), 4),
        }
        for threshold in thresholds
    ]


def share_table(points: Floats, bad: Ints) -> list[dict[str, Any]]:
    """What approving the best part of all cases would have meant."""
    ranks = rankdata(-points, method="ordinal") / len(points)
    return [
        {"approved": share, "bad_among_approved": _rate(bad[ranks <= share])} for share in (0.5, 0.6, 0.7, 0.8, 0.9)
    ]


def decision_table(points: Floats, bad: Ints, approve_from: int, review_from: int) -> list[dict[str, Any]]:
    groups = {
        "approve": points >= approve_from,
        "review": (points >= review_from) & (points < approve_from),
        "decline": points < review_from,
    }
    return [
        {"decision": name, "share": round(float(group.mean()), 4), "bad_rate": _rate(bad[group])}
        for name, group in groups.items()
    ]


def histogram(points: Floats, bad: Ints, width: int = 5) -> list[dict[str, Any]]:
    """Cases by score band."""
    bands = np.floor(points / width).astype(int) * width
    return [
        {"score_from": int(band), "good": int((1 - bad[bands == band]).sum()), "bad": int(bad[bands == band].sum())}
        for band in range(int(bands.min()), int(bands.max()) + 1, width)
    ]


def _rate(bad: Ints) -> float | None:
    return round(float(bad.mean()), 4) if len(bad) else None
