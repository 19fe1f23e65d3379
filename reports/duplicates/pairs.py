"""What speaks for two reports being about the same thing: numbers of a pair, and of a report among its pairs. Pure.

Everything is known when the later report arrives. Whether the earlier one was open then comes from when it was closed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.duplicates.sketch import SLOTS, Sketch

Floats = NDArray[np.float64]

RADIUS_M = 300.0
WINDOW_DAYS = 365.0
SHORTLIST = 20
METRES_PER_DEGREE = 111_195.0
SAME_PLACE_M, SAME_TIME_DAYS = 30.0, 14.0
RADII_M, WINDOWS_DAYS = (30.0, 100.0), (1.0, 7.0, 30.0, 365.0)
_RADII, _WINDOWS = np.array(RADII_M)[:, None], np.array(WINDOWS_DAYS)[:, None]
OF_PAIR = (
    "metres", "days", "same_category", "open", "same_street", "house_numbers_apart", "jaccard", "cosine",
    "shorter_text", "rarest_shared_word", "marks_agree", "colours_agree", "makes_agree", "rank_by_age",
    "rank_by_distance", "older_beside_it", "newer_beside_it", "open_older_beside_it", "open_newer_beside_it",
    "cosine_behind_best", "newer_of_category",
)  # fmt: skip
OF_REPORT = (
    "best", "second", "third", "together", "mean",
    *(f"best_{name}" for name in ("metres", "days", "same_category", "open", "same_street", "jaccard", "cosine",
                                  "marks_agree", "older_beside_it")),
    "near",
    *(f"{kind}_within_{metres:.0f}m_{days:.0f}d"
      for metres in RADII_M for days in WINDOWS_DAYS for kind in ("all", "same_category", "open_same_category")),
    "text_prior", "category", "has_house_number", "marks", "colours", "makes", "words", "characters",
)  # fmt: skip
_PLACE = {name: number for number, name in enumerate(OF_PAIR)}
_OF_BEST = [_PLACE[name.removeprefix("best_")] for name in OF_REPORT if name.startswith("best_")]
CATEGORIES = {"vehicle_parking": 1.0, "snow_ice": 2.0}  # those with enough duplicates to learn from; all others are 0
NOBODY = -20.0  # the score where there is no candidate


@dataclass(frozen=True, slots=True)
class Near:
    """Earlier reports within the radius and the window, as columns. same: of the same category."""

    keys: NDArray[np.int64]
    east: Floats
    north: Floats
    days: Floats
    same: NDArray[np.bool_]
    open: NDArray[np.bool_]

    @property
    def metres(self) -> Floats:
        return np.hypot(self.east, self.north)

    def only(self, chosen: Any) -> Near:
        return Near(
            self.keys[chosen], self.east[chosen], self.north[chosen], self.days[chosen], self.same[chosen],
            self.open[chosen],
        )  # fmt: skip


def offsets(latitude: float, longitude: float, latitudes: Floats, longitudes: Floats) -> tuple[Floats, Floats]:
    """Metres east and north of a place; flat, which a few hundred metres are."""
    shrink = METRES_PER_DEGREE * np.cos(np.radians(latitude))
    east = (longitudes - longitude + 180) % 360 - 180
    return east * shrink, (latitudes - latitude) * METRES_PER_DEGREE


def degrees_east(latitude: float) -> float:
    """How many degrees of longitude the radius spans; near the poles all of them."""
    shrink = float(np.cos(np.radians(latitude)))
    return min(180.0, RADIUS_M / METRES_PER_DEGREE / max(shrink, 1e-9))


def counts(near: Near) -> Floats:
    """How many there are, and of them by distance, age and kind: whether the place is busy, and just now."""
    inside = near.metres <= _RADII
    recent = near.days <= _WINDOWS
    kinds = np.array([np.ones(len(near.keys), bool), near.same, near.same & near.open], dtype=float)
    found = (inside[:, None] & recent).reshape(len(RADII_M) * len(WINDOWS_DAYS), len(near.keys)) @ kinds.T
    return np.concatenate([[len(near.keys)], found.ravel()])


def shortlist(near: Near) -> Near:
    """The few worth comparing word by word: close, recent, and of the same category."""
    rough = 0.5 * np.log(near.days + 0.02) + near.metres / 40 - 2 * near.same
    return near.only(np.argsort(rough, kind="stable")[:SHORTLIST])


def pair_values(
    own: Sketch, others: Sequence[Sketch], near: Near, categories: NDArray[Any], weights: Sequence[float]
) -> Floats:
    """One row of OF_PAIR for each earlier report. weights: of a word in each slot, the rarer the heavier.

    Words are too few for arrays to pay, so weights are plain numbers.
    """
    length = _length(own.slots, weights)
    words = np.array([_words(own, other, weights, length) for other in others]).reshape(len(others), 8)
    best = words[:, 3].max(initial=0.0)
    return np.column_stack(
        [
            near.metres,
            near.days,
            near.same,
            near.open,
            words,
            _agreement(own.makes, [other.makes for other in others]),
            _ranks(near.days),
            _ranks(near.metres),
            _beside(near, categories),
            words[:, 3] - best,
            (near.same & (near.days < near.days[:, None]) & (near.metres < 60)).sum(1),
        ]
    )


def report_values(own: Sketch, category: str, prior: float, pairs: Floats, scores: Floats, seen: Floats) -> Floats:
    """OF_REPORT for one report. scores: of its pairs, in log-odds. seen: `counts`."""
    ranked = np.sort(scores)[::-1]
    top = np.concatenate([ranked[:3], np.full(max(0, 3 - len(ranked)), NOBODY)])
    together = ranked[0] + np.log(np.exp(ranked - ranked[0]).sum()) if len(ranked) else NOBODY
    mean = ranked.mean() if len(ranked) else NOBODY
    best = pairs[int(np.argmax(scores)), _OF_BEST] if len(scores) else np.full(len(_OF_BEST), -1.0)
    told = [
        prior, CATEGORIES.get(category, 0.0), own.houses is not None, len(own.marks), len(own.colours),
        len(own.makes), len(own.slots), own.characters,
    ]  # fmt: skip
    return np.concatenate([top, [together, mean], best, seen, told])


def text_prior(own: Sketch, weights: Floats) -> float:
    """How often reports in such words are duplicates, whatever is near: log-odds."""
    return float(weights[SLOTS] + weights[list(own.slots)].sum())


def _words(own: Sketch, other: Sketch, weights: Sequence[float], length: float) -> tuple[float, ...]:
    street = bool(own.street) and own.street == other.street
    apart = -1.0
    if street and own.houses and other.houses:
        apart = float(min(abs(one - two) for one, two in zip(own.houses, other.houses, strict=True)))
    shared = own.slots & other.slots
    jaccard = cosine = rarest = 0.0
    if shared:
        jaccard = len(shared) / len(own.slots | other.slots)
        cosine = _length(shared, weights) ** 2 / (length * _length(other.slots, weights))
        rarest = max([weights[slot] for slot in shared])
    shorter = float(min(len(own.slots), len(other.slots)))
    return (street, apart, jaccard, cosine, shorter, rarest, _agree(own.marks, other.marks),
            _agree(own.colours, other.colours))  # fmt: skip


def _length(slots: frozenset[int], weights: Sequence[float]) -> float:
    return math.sqrt(sum([weights[slot] ** 2 for slot in slots]))


def _agree(one: frozenset[str], two: frozenset[str]) -> float:
    """1 for something in common, -1 for nothing, 0 where one of them says nothing."""
    if not one or not two:
        return 0.0
    return -1.0 if one.isdisjoint(two) else 1.0


def _agreement(own: frozenset[str], others: Sequence[frozenset[str]]) -> Floats:
    return np.array([_agree(own, other) for other in others])


def _ranks(values: Floats) -> Floats:
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks


def _beside(near: Near, categories: NDArray[Any]) -> Floats:
    """Others of the list at the same spot and of its category: older within two weeks, newer, and both if open.

    Staff refer to the first of several, so one with an older one beside it is seldom the original.
    """
    apart = np.hypot(near.east[:, None] - near.east, near.north[:, None] - near.north)
    alike = (apart < SAME_PLACE_M) & (categories[:, None] == categories)
    older = near.days - near.days[:, None]
    before, after = alike & (older > 0) & (older < SAME_TIME_DAYS), alike & (older < 0)
    return np.column_stack([side.sum(1) for side in (before, after, before & near.open, after & near.open)])
