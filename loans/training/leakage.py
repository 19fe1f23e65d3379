"""Whether a card knows what nobody could have known: checks that find a leak, and controls that show they would."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from loans.training import measures
from loans.training.binning import Settings
from loans.training.fitting import fit_card, totals
from loans.training.table import Candidate, Column, Table
from loans.training.validation import folds

ALARM_FROM = 0.95
TOO_SURE = 3.0


def check(
    table: Table, candidates: Sequence[Candidate], settings: Settings, seed: int, control: Table | None
) -> dict[str, Any]:
    """passed: no input saw a later event, none ranks too well alone, and shuffled outcomes cannot be told.

    control: the same cases with inputs as of a later moment on purpose, which must be found out.
    """
    alone = {one.name: round(solo_auc(table.columns[one.name], table, one), 4) for one in candidates}
    alarms = sorted(name for name, found in alone.items() if found > ALARM_FROM)
    late = None if table.late is None else int(table.late.sum())
    shuffled, error = shuffled_auc(table, candidates, settings, seed)
    return {
        "passed": not late and not alarms and shuffled - 0.5 <= TOO_SURE * error,
        "cases_with_later_events": late,
        "control_cases_with_later_events": None if control is None or control.late is None else int(control.late.sum()),
        "alone": dict(sorted(alone.items(), key=lambda one: -one[1])),
        "alarm_from": ALARM_FROM,
        "alarms": alarms,
        "shuffled_auc": round(shuffled, 4),
        "shuffled_auc_standard_error": round(error, 4),
    }


def solo_auc(column: Column, table: Table, one: Candidate) -> float:
    """How well one characteristic ranks by itself, in its best direction; or its being missing, if that is more."""
    if one.trend == "levels":
        known = np.array([value is not None for value in column])
        words, places = np.unique([str(value) for value in column], return_inverse=True)
        rates = np.bincount(places, table.bad, len(words)) / np.bincount(places, minlength=len(words))
        values = -rates[places]
    else:
        known, values = ~np.isnan(column), column
    found = [0.5]
    for chosen, points in ((known, values), (np.ones(len(known), dtype=bool), known.astype(float))):
        if 0 < table.bad[chosen].sum() < chosen.sum():
            area = measures.auc(points[chosen], table.bad[chosen])
            found.append(max(area, 1 - area))
    return max(found)


def shuffled_auc(table: Table, candidates: Sequence[Candidate], settings: Settings, seed: int) -> tuple[float, float]:
    """What the whole procedure finds on unseen cases when outcomes mean nothing, and the error of one such figure."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(settings.shuffles):
        shuffled = table.with_bad(rng.permutation(table.bad))
        points = np.zeros(len(table))
        for unseen in folds(shuffled, settings.folds, seed + number):
            points[unseen] = totals(fit_card(shuffled.take(~unseen), candidates, settings), shuffled.take(unseen))
        found.append(measures.auc(points, shuffled.bad))
    bads, goods = int(table.bad.sum()), int((1 - table.bad).sum())
    return float(np.mean(found)), math.sqrt((bads + goods + 1) / (12 * bads * goods) / settings.shuffles)
