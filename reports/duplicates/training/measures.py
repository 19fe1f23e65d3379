"""How well a finder does on reports it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from reports.duplicates.finder import Finder, Question
from reports.duplicates.pairs import Floats
from reports.duplicates.training.boston import City, Ints

AT_ONCE = 200
DRAWS = 300
MISSED = 1_000
RANKS = (1, 3, 5, 10)
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)
LEVELS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
REFERENCE = {"recall@1": 0.573, "recall@5": 0.776, "auc": 0.749}


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each question: probability of being a duplicate and of its best candidate, and what staff said.

    rank: of the original among the candidates, from 0; MISSED when it is none. stands_for: how many reports.
    """

    probability: Floats
    best: Floats
    rank: Ints
    marked: NDArray[np.bool_]
    named: NDArray[np.bool_]
    within_reach: NDArray[np.bool_]
    stands_for: Floats


def judge(finder: Finder, city: City, rows: Ints, questions: Sequence[Question], stands_for: Floats) -> Judged:
    """What serving would have answered."""
    answers = [
        answer
        for start in range(0, len(questions), AT_ONCE)
        for answer in finder.answer(questions[start : start + AT_ONCE])
    ]
    ranks = []
    for row, question, answer in zip(rows, questions, answers, strict=True):
        order = question.near.keys[np.argsort(-answer.originals, kind="stable")]
        hits = np.flatnonzero(np.isin(order, city.originals[row]))
        ranks.append(hits[0] if len(hits) else MISSED)
    return Judged(
        probability=np.array([one.probability for one in answers]),
        best=np.array([one.originals.max(initial=0.0) for one in answers]),
        rank=np.array(ranks),
        marked=city.duplicate[rows],
        named=np.array([bool(city.originals[row]) for row in rows]),
        within_reach=np.array([city.within_reach(row) for row in rows]),
        stands_for=stands_for,
    )


def figures(found: Judged, seed: int) -> dict[str, Any]:
    """Recall of the original, detection, thresholds and calibration; 95 % intervals by drawing reports anew."""
    return {
        "reports": len(found.marked),
        "stand_for": round(float(found.stands_for.sum())),
        "duplicates": int(found.marked.sum()),
        "original": _recalls(found.rank[found.within_reach], seed),
        "original_of_all_named": _recalls(found.rank[found.named], seed),
        "detection": _detection(found, seed),
        "thresholds": [_threshold(found, limit) for limit in THRESHOLDS],
        "calibration": _calibration(found),
        "calibration_error": round(_calibration_error(found), 4),
    }


def _recalls(ranks: Ints, seed: int) -> dict[str, Any]:
    """Share of duplicates whose original is among the first; `found` is the share that is a candidate at all."""
    drawn = np.random.default_rng(seed).integers(0, len(ranks), (DRAWS, len(ranks)))
    recalls = {
        f"recall@{top}": {
            "value": round(float((ranks < top).mean()), 4),
            "interval": _interval((ranks[drawn] < top).mean(1)),
        }
        for top in RANKS
    }
    return {"duplicates": len(ranks), "found": round(float((ranks < MISSED).mean()), 4), **recalls}


def _detection(found: Judged, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, len(found.marked), len(found.marked)) for _ in range(DRAWS // 3)]
    with_original = found.within_reach | ~found.marked
    return {
        "auc": round(_auc(found, np.arange(len(found.marked))), 4),
        "interval": _interval([_auc(found, chosen) for chosen in drawn]),
        "auc_original_within_reach": round(_auc(found, np.flatnonzero(with_original)), 4),
    }


def _auc(found: Judged, chosen: Ints) -> float:
    return float(roc_auc_score(found.marked[chosen], found.probability[chosen], sample_weight=found.stands_for[chosen]))


def _threshold(found: Judged, limit: float) -> dict[str, Any]:
    """Suggesting from a probability of the best candidate on. Precision is a lower bound: staff mark not all."""
    flagged, weight = found.best >= limit, found.stands_for
    right = flagged & found.within_reach
    return {
        "suggested_from": limit,
        "share_of_reports": round(float(weight[flagged].sum() / weight.sum()), 4),
        "precision": _mean(found.marked[flagged], weight[flagged]),
        "recall": _mean(flagged[found.marked], weight[found.marked]),
        "recall_within_reach": _mean(flagged[found.within_reach], weight[found.within_reach]),
        "right_original": _mean(found.rank[right] == 0, weight[right]),
    }


def _calibration(found: Judged) -> list[dict[str, Any]]:
    rows = []
    for low, high in zip(LEVELS, LEVELS[1:], strict=False):
        inside = (found.probability >= low) & (found.probability < high)
        if inside.any():
            weight = found.stands_for[inside]
            rows.append(
                {
                    "from": low,
                    "to": high,
                    "share": round(float(weight.sum() / found.stands_for.sum()), 4),
                    "expected": _mean(found.probability[inside], weight),
                    "observed": _mean(found.marked[inside], weight),
                }
            )
    return rows


def _calibration_error(found: Judged) -> float:
    """Mean distance of expected and observed over the levels, by their share of reports."""
    return float(sum(row["share"] * abs(row["expected"] - row["observed"]) for row in _calibration(found)))


def _mean(values: NDArray[Any], weights: Floats) -> float | None:
    return round(float(np.average(values, weights=weights)), 4) if len(values) else None


def _interval(values: Any) -> list[float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return [round(float(low), 4), round(float(high), 4)]
