"""How well a card does on loans it has not seen: scored with the shipping code, bins cut inside each fold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedKFold

from loans.candidates import Candidate
from loans.fitting import (
    SCALE,
    Floats,
    Ints,
    Row,
    Settings,
    bads_of,
    column_of,
    fit_card,
    locate,
    probability_of_default,
    weight_of_evidence,
)
from loans.rules import Policy
from loans.scorecard import parse_card

OUT_OF_TIME_FROM = date(1997, 1, 1)
APPROVE_FROM, REVIEW_FROM = Policy().approve_from, Policy().review_from
THRESHOLDS = (40, 45, REVIEW_FROM, 55, 60, 65, APPROVE_FROM, 75, 80, 85, 90)


def cross_validate(
    rows: Sequence[Row], candidates: Sequence[Candidate], settings: Settings, seed: int
) -> dict[str, Any]:
    """Repeated stratified folds by borrower: every loan scored by cards that never saw its borrower."""
    borrowers = sorted({row["borrower_id"] for row in rows})
    worst = {row["borrower_id"]: False for row in rows}
    for row in rows:
        worst[row["borrower_id"]] |= row["bad"]
    bad = bads_of(rows)
    runs: list[Floats] = []
    for repeat in range(settings.repeats):
        folds = StratifiedKFold(settings.folds, shuffle=True, random_state=seed + repeat)
        totals = np.zeros(len(rows))
        for _, held_out in folds.split(borrowers, [worst[one] for one in borrowers]):
            unseen = {borrowers[index] for index in held_out}
            card = parse_card(
                "fold", fit_card([r for r in rows if r["borrower_id"] not in unseen], candidates, settings)
            )
            for index, row in enumerate(rows):
                if row["borrower_id"] in unseen:
                    totals[index] = card.total(row["inputs"])
        runs.append(totals)
    figures = [measure(totals, bad) for totals in runs]
    return {
        "folds": settings.folds,
        "repeats": settings.repeats,
        **{name: round(float(np.mean([one[name] for one in figures])), 4) for name in figures[0]},
        "auc_spread": [round(min(one["auc"] for one in figures), 4), round(max(one["auc"] for one in figures), 4)],
        "auc_standard_error": round(auc_standard_error(float(np.mean([f["auc"] for f in figures])), bad), 4),
        "calibration": calibration_table(np.concatenate(runs), np.tile(bad, len(runs))),
        "thresholds": threshold_table(np.concatenate(runs), np.tile(bad, len(runs))),
        "decisions": decision_table(np.concatenate(runs), np.tile(bad, len(runs))),
    }


def out_of_time(rows: Sequence[Row], candidates: Sequence[Candidate], settings: Settings) -> dict[str, Any] | None:
    """Fitted on loans before 1997, measured on later ones; None when either side has too few bad loans."""
    before = [row for row in rows if row["decision_date"] < OUT_OF_TIME_FROM]
    after = [row for row in rows if row["decision_date"] >= OUT_OF_TIME_FROM]
    if any(sum(row["bad"] for row in side) < settings.folds for side in (before, after)):
        return None
    card = parse_card("before", fit_card(before, candidates, settings))
    totals, bad = np.array([float(card.total(row["inputs"])) for row in after]), bads_of(after)
    return {
        "from": OUT_OF_TIME_FROM.isoformat(),
        "rows_before": len(before),
        "rows_after": len(after),
        "bad_after": int(bad.sum()),
        **{name: round(value, 4) for name, value in measure(totals, bad).items()},
        "thresholds": threshold_table(totals, bad),
        "decisions": decision_table(totals, bad),
    }


def measure(totals: Floats, bad: Ints) -> dict[str, float]:
    """Ranking (AUC, Gini, KS) and probability (Brier; slope 1 and mean equal to the bad rate is perfect)."""
    auc = float(roc_auc_score(bad, -totals))
    false_alarms, caught, _ = roc_curve(bad, -totals)
    probability = probability_of_default(totals)
    log_odds = (totals[:, None] - SCALE.base_points) / SCALE.factor + math.log(SCALE.base_odds)
    slope = LogisticRegression(C=1e6).fit(log_odds, 1 - bad).coef_[0, 0]
    return {
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": float((caught - false_alarms).max()),
        "brier": float(np.mean((probability - bad) ** 2)),
        "brier_of_the_average": float(bad.mean() * (1 - bad.mean())),
        "calibration_slope": float(slope),
        "mean_probability": float(probability.mean()),
        "bad_rate": float(bad.mean()),
    }


def auc_standard_error(auc: float, bad: Ints) -> float:
    """Source: Hanley and McNeil, Radiology 143 (1982)."""
    bads, goods = int(bad.sum()), int((1 - bad).sum())
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (bads - 1) * (first - auc**2) + (goods - 1) * (second - auc**2)
    return math.sqrt(spread / (bads * goods))


def calibration_table(totals: Floats, bad: Ints) -> list[dict[str, float]]:
    """Expected and observed share of bad loans by score band of ten points."""
    probability, bands = probability_of_default(totals), np.clip(totals, 0, 99) // 10 * 10
    return [
        {
            "score_from": int(band),
            "share": round(float((bands == band).mean()), 4),
            "expected_bad": round(float(probability[bands == band].mean()), 4),
            "observed_bad": round(float(bad[bands == band].mean()), 4),
        }
        for band in np.unique(bands)
    ]


def threshold_table(totals: Floats, bad: Ints) -> list[dict[str, float | None]]:
    """What approving everything from a score on would have meant. Null where nothing is approved."""
    return [
        {
            "score_from": threshold,
            "approved": round(float((totals >= threshold).mean()), 4),
            "bad_among_approved": round(float(bad[totals >= threshold].mean()), 4)
            if (totals >= threshold).any()
            else None,
            "bad_caught": round(float((totals[bad == 1] < threshold).mean()), 4),
        }
        for threshold in THRESHOLDS
    ]


def decision_table(totals: Floats, bad: Ints) -> list[dict[str, Any]]:
    """The proposed policy: approve from 70, review from 50, decline below."""
    groups = {
        "approve": totals >= APPROVE_FROM,
        "review": (totals >= REVIEW_FROM) & (totals < APPROVE_FROM),
        "decline": totals < REVIEW_FROM,
    }
    return [
        {
            "decision": name,
            "share": round(float(group.mean()), 4),
            "bad_rate": round(float(bad[group].mean()), 4) if group.any() else None,
        }
        for name, group in groups.items()
    ]


def bin_table(rows: Sequence[Row], card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Per characteristic: each bin's loans, bad rate and points, and the information value."""
    bad, tables = bads_of(rows), []
    for one in card["characteristics"]:
        edges = np.array(one["edges"])
        bins = locate(column_of(rows, one["name"]), edges)
        labels = [
            *(f"[{low}, {high})" for low, high in zip(["-∞", *one["edges"]], [*one["edges"], "∞"], strict=True)),
            "missing",
        ]
        woe = weight_of_evidence(bins, bad, len(labels), Settings())
        goods, bads = np.bincount(bins, 1 - bad, len(labels)), np.bincount(bins, bad, len(labels))
        tables.append(
            {
                "name": one["name"],
                "unit": one["unit"],
                "information_value": round(float(((goods / goods.sum() - bads / bads.sum()) * woe).sum()), 3),
                "bins": [
                    {"bin": label, "loans": int(good + ill), "bad": int(ill), "points": points}
                    for label, good, ill, points in zip(
                        labels, goods, bads, [*one["points"], one["missing_points"]], strict=True
                    )
                ],
            }
        )
    return tables
