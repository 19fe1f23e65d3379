"""How good guesses are: pure functions of guesses and truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BINS = 10


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean F1 of the labels that are true of any case."""
    scores = []
    for label in np.unique(truth):
        right = float(((truth == label) & (guess == label)).sum())
        scores.append(2 * right / max(1.0, float((truth == label).sum() + (guess == label).sum())))
    return float(np.mean(scores))


def calibration_error(certainty: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten equal widths: Guo et al. (2017)."""
    part = np.minimum((certainty * BINS).astype(int), BINS - 1)
    gaps = [abs(certainty[part == one].mean() - right[part == one].mean()) * (part == one).mean() for one in set(part)]
    return float(sum(gaps))


def surest(certainty: np.ndarray, right: np.ndarray, share: float) -> float:
    """Accuracy on the share of cases that seem likeliest to be right."""
    best = np.argsort(-certainty, kind="stable")[: max(1, round(share * len(right)))]
    return float(right[best].mean())


def coverage(certainty: np.ndarray, right: np.ndarray) -> list[list[float]]:
    return [[share / 10, round(surest(certainty, right, share / 10), 4)] for share in range(1, 11)]


def reliability(certainty: np.ndarray, right: np.ndarray) -> list[list[float]]:
    """By tenth of certainty: how sure, how often right, how many."""
    part = np.minimum((certainty * BINS).astype(int), BINS - 1)
    return [
        [
            round(float(certainty[part == one].mean()), 4),
            round(float(right[part == one].mean()), 4),
            int((part == one).sum()),
        ]
        for one in sorted(set(part.tolist()))
    ]


def f1(right: float, said: float, wanted: float) -> float:
    return 2 * right / (said + wanted) if said + wanted else 0.0


def interval(groups: Any, of: Callable[[np.ndarray], float], draws: int, seed: int) -> tuple[float, float]:
    """Where 95 of 100 figures of claims drawn anew fall; a group, a name for each claim, is drawn whole."""
    generator = np.random.default_rng(seed)
    names, place = np.unique(np.array(groups), return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    found = []
    for _ in range(draws):
        drawn = generator.integers(0, len(names), len(names))
        found.append(of(np.concatenate([members[one] for one in drawn])))
    low, high = np.percentile(found, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)
