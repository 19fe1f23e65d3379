"""Past reports as the questions that serving would have asked when they arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from reports.duplicates.finder import Question
from reports.duplicates.pairs import RADIUS_M, WINDOW_DAYS, Floats, Near, counts, offsets, pair_values, shortlist
from reports.duplicates.training.boston import DAY_S, City, Ints


@dataclass(frozen=True, slots=True)
class Examples:
    """Questions and their pairs as columns. rows: of the city. of: each pair's question. original: staff named it."""

    rows: Ints
    questions: list[Question]
    pairs: Floats
    of: Ints
    original: NDArray[np.bool_]


def sampled(city: City, others: int, seed: int) -> tuple[Ints, Floats]:
    """All duplicates and some of the other reports, and how many each of them stands for."""
    unmarked = np.flatnonzero(~city.duplicate)
    chosen = np.random.default_rng(seed).choice(unmarked, min(others, len(unmarked)), replace=False)
    rows = np.sort(np.concatenate([np.flatnonzero(city.duplicate), chosen]))
    return rows, np.where(city.duplicate[rows], 1.0, len(unmarked) / max(1, len(chosen)))


def questions(city: City, rows: Sequence[int] | Ints, searched: NDArray[np.bool_] | None = None) -> Iterator[Question]:
    """searched: rows that the search may find; all of them by default."""
    pool = np.arange(len(city)) if searched is None else np.flatnonzero(searched)
    tree = cKDTree(city.at[pool])
    for row in rows:
        found = pool[tree.query_ball_point(city.at[row], RADIUS_M)]
        days = (city.arrived[row] - city.arrived[found]) / DAY_S
        found = found[(days > 0) & (days <= WINDOW_DAYS)]
        east, north = offsets(city.latitude[row], city.longitude[row], city.latitude[found], city.longitude[found])
        near = Near(
            keys=found,
            east=east,
            north=north,
            days=(city.arrived[row] - city.arrived[found]) / DAY_S,
            same=np.array([city.categories[other] == city.categories[row] for other in found], dtype=bool),
            open=city.closed[found] > city.arrived[row],
        )
        few = shortlist(near)
        yield Question(
            own=city.sketches[row],
            category=city.categories[row],
            near=few,
            others=[city.sketches[other] for other in few.keys],
            categories=[city.categories[other] for other in few.keys],
            seen=counts(near),
        )


def examples(city: City, rows: Ints, word_weights: Floats) -> Examples:
    asked, plain = list(questions(city, rows)), word_weights.tolist()
    values = [
        pair_values(one.own, one.others, one.near, np.array(one.categories), plain).astype(np.float32) for one in asked
    ]
    of = np.repeat(np.arange(len(asked)), [len(one) for one in values])
    keys = np.concatenate([one.near.keys for one in asked])
    original = np.array([key in city.originals[rows[question]] for key, question in zip(keys, of, strict=True)])
    return Examples(rows, asked, np.concatenate(values), of, original)
