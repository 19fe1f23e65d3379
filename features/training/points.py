"""Features at points in time from PostgreSQL, a few statements for many rows; a row that fails holds up no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DataError, transaction

from features.definitions import FeatureSet
from features.engine.compute import CannotCompute
from features.serving.stored import Served, point_in_time

ROWS_AT_ONCE = 1_000  # of one statement, well inside a request's statement timeout
Point = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Look:
    """What was found for one row: values, or why there are none."""

    served: Served | None
    error: str = ""


def look(
    feature_set: type[FeatureSet], points: Sequence[Point], *, known_at: datetime | None = None
) -> dict[Point, Look]:
    """The set's values for each different point. Raises what ends a connection, and nothing else."""
    different = list(dict.fromkeys(points))
    found: dict[Point, Look] = {}
    for start in range(0, len(different), ROWS_AT_ONCE):
        found.update(_looked(feature_set, different[start : start + ROWS_AT_ONCE], known_at))
    return found


def _looked(
    feature_set: type[FeatureSet], points: Sequence[Point], known_at: datetime | None
) -> Iterator[tuple[Point, Look]]:
    """Together if that works; else in halves, until what cannot be computed stands alone."""
    try:
        with transaction.atomic():
            served = point_in_time(feature_set, points, known_at=known_at)
        yield from ((point, Look(row)) for point, row in zip(points, served, strict=True))
        return
    except (DataError, CannotCompute) as error:
        if len(points) == 1:
            yield points[0], Look(None, str(error).splitlines()[0])
            return
    middle = len(points) // 2
    yield from _looked(feature_set, points[:middle], known_at)
    yield from _looked(feature_set, points[middle:], known_at)
