"""How well a card does on cases it has not seen: selection, bins, weights and points are made inside each fold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from loans.policy.shipped import FIRST
from loans.training import measures
from loans.training.binning import Settings
from loans.training.fitting import bins_on, fit_card, totals
from loans.training.table import Candidate, Column, Floats, Ints, Table

APPROVE_FROM, REVIEW_FROM = FIRST.approve_from, FIRST.review_from
THRESHOLDS = (40, 45, REVIEW_FROM, 55, 60, 65, APPROVE_FROM, 75, 80, 85, 90)
BAND = 10
ROC_POINTS = 200


def cross_validate(table: Table, candidates: Sequence[Candidate], settings: Settings, seed: int) -> dict[str, Any]:
    """Repeated stratified folds by group: every case scored by cards that never saw its group."""
    runs, used = [], []
    for repeat in range(settings.repeats):
        points = np.zeros(len(table))
        for unseen in folds(table, settings.folds, seed + repeat):
            card = fit_card(table.take(~unseen), candidates, settings)
            points[unseen] = totals(card, table.take(unseen))
            used.append({one["name"] for one in card["characteristics"]})
        runs.append(points)
    every = [measures.measure(points, table.bad) for points in runs]
    together, bad = np.concatenate(runs), np.tile(table.bad, len(runs))
    figures = {name: float(np.mean([one[name] for one in every])) for name in measures.FIGURES}
    error = math.sqrt(float(np.mean([measures.auc_error(points, table.bad) ** 2 for points in runs])))
    return {
        "folds": settings.folds,
        "repeats": settings.repeats,
        **rounded(figures),
        "spread": {name: _spread([one[name] for one in every]) for name in ("auc", "ks", "calibration_slope")},
        "auc_standard_error": round(error, 4),
        "auc_interval": interval(figures["auc"], error),
        "intervals": measures.intervals(runs, table.bad, settings.draws, seed),
        "chosen": {one.name: round(sum(one.name in names for names in used) / len(used), 2) for one in candidates},
        **tables(together, bad),
    }


def out_of_time(
    table: Table, candidates: Sequence[Candidate], settings: Settings, since: str | None, seed: int
) -> dict[str, Any] | None:
    """Fitted on cases before a day, measured on later ones; None when either side has too few bad ones."""
    if table.dates is None or since is None:
        return None
    later = table.dates >= np.datetime64(since)
    before, after = table.take(~later), table.take(later)
    if min(before.bad.sum(), after.bad.sum()) < settings.folds:
        return None
    card = fit_card(before, candidates, settings)
    points = totals(card, after)
    figures = measures.measure(points, after.bad)
    error = measures.auc_error(points, after.bad)
    return {
        "from": since,
        "rows_before": len(before),
        "bad_before": int(before.bad.sum()),
        "rows_after": len(after),
        "bad_after": int(after.bad.sum()),
        **rounded(figures),
        "auc_standard_error": round(error, 4),
        "auc_interval": interval(figures["auc"], error),
        "intervals": measures.intervals([points], after.bad, settings.draws, seed),
        "stability": stability(card, before, after),
        **tables(points, after.bad),
    }


def folds(table: Table, count: int, seed: int) -> Iterator[Column]:
    """Masks of the held-out cases; a group is held out as a whole, groups with a bad case spread evenly."""
    names, places = np.unique(table.groups, return_inverse=True)
    worst = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(worst, places, table.bad)
    for _, held_out in StratifiedKFold(count, shuffle=True, random_state=seed).split(names, worst):
        chosen = np.zeros(len(names), dtype=bool)
        chosen[held_out] = True
        yield chosen[places]


def stability(card: Mapping[str, Any], before: Table, after: Table) -> dict[str, Any]:
    """Population stability of the score, by bands of ten points, and of each characteristic, by its bins."""
    first, then = (np.clip(totals(card, side), 0, 99).astype(np.int64) // BAND for side in (before, after))
    shifts = {}
    for one in card["characteristics"]:
        early, late = (bins_on(one, side.columns[one["name"]]) for side in (before, after))
        shifts[one["name"]] = round(measures.stability(early, late, len(one["points"]) + 1), 4)
    return {"score": round(measures.stability(first, then, 100 // BAND), 4), "characteristics": shifts}


def tables(points: Floats, bad: Ints) -> dict[str, Any]:
    curve = measures.roc(points, bad)
    chosen = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), ROC_POINTS)).astype(int))
    return {
        "roc": [[round(float(x), 4), round(float(y), 4)] for x, y in curve[chosen]],
        "calibration": measures.calibration_table(points, bad),
        "distribution": measures.histogram(points, bad),
        "thresholds": measures.threshold_table(points, bad, THRESHOLDS),
        "best_shares": measures.share_table(points, bad),
        "decisions": measures.decision_table(points, bad, APPROVE_FROM, REVIEW_FROM),
    }


def interval(value: float, error: float) -> list[float]:
    return [round(max(0.0, value - measures.SURE * error), 4), round(min(1.0, value + measures.SURE * error), 4)]


def _spread(values: Sequence[float]) -> list[float] | None:
    return None if np.isnan(values).any() else [round(min(values), 4), round(max(values), 4)]


def rounded(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else round(value, 4) for name, value in figures.items()}


def bin_table(table: Table, card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Per characteristic: each bin's cases, bad rate, weight of evidence as seen and points; information value."""
    found = []
    goods_all, bads_all = float((1 - table.bad).sum()), float(table.bad.sum())
    for one in card["characteristics"]:
        points = [*one["points"], one["missing_points"]]
        places = bins_on(one, table.columns[one["name"]])
        goods, bads = (np.bincount(places, side, len(points)) for side in (1 - table.bad, table.bad))
        evidence = np.log((np.maximum(goods, 0.5) / goods_all) / (np.maximum(bads, 0.5) / bads_all))
        information = ((goods / goods_all - bads / bads_all) * evidence)[goods + bads > 0].sum()
        found.append(
            {
                "name": one["name"],
                "part": one["part"],
                "unit": one["unit"],
                "trend": one["trend"],
                "code": one["reason"]["code"],
                "information_value": round(float(information), 3),
                "bins": [
                    {
                        "bin": label,
                        "cases": int(good + ill),
                        "bad": int(ill),
                        "bad_rate": round(float(ill / (good + ill)), 4) if good + ill else None,
                        "weight_of_evidence": round(float(woe), 3) if good + ill else None,
                        "points": worth,
                    }
                    for label, good, ill, woe, worth in zip(labels(one), goods, bads, evidence, points, strict=True)
                ],
            }
        )
    return found


def labels(one: Mapping[str, Any]) -> list[str]:
    if "levels" in one:
        return [*(", ".join(group) for group in one["levels"]), "missing or another"]
    ends = [f"{edge:g}" for edge in one["edges"]]
    return [*(f"[{a}, {b})" for a, b in zip(["-∞", *ends], [*ends, "∞"], strict=True)), "missing"]
