"""Where things are: H3 cells, the cells around a place, and exact distances. Degrees of WGS 84, metres."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import h3
import numpy as np
from django.db.models import F, FloatField, Func, Q
from numpy.typing import NDArray

Degrees = NDArray[np.float64]

RESOLUTION = 9  # of Report.cell: about 350 m from one cell to the next, a few blocks
AREA_RESOLUTION = 8  # of the entity `place`: about 900 m, a neighbourhood
EARTH_M = 6_371_007.180918475  # mean radius, as H3 has it
MAX_RADIUS_M = 10_000.0
# A disk of k rings reaches k * cos 30° times the distance of neighbours; the rest allows for cells of uneven size.
REACH = math.cos(math.pi / 6) * 0.85
WITHIN = 0.75  # from a cell's centre to its farthest corner, in distances of neighbours, with the same allowance


def cell_of(latitude: float, longitude: float) -> str:
    """The cell that holds a place."""
    return h3.latlng_to_cell(latitude, longitude, RESOLUTION)


def area_of(cell: str) -> str:
    """The neighbourhood a cell belongs to: the id of the entity `place`."""
    return h3.cell_to_parent(cell, AREA_RESOLUTION)


def cells_around(latitude: float, longitude: float, radius_m: float) -> list[str]:
    """Cells that together cover a circle; some reach beyond it, so distances are still to be looked at.

    Raises ValueError for a radius below 0 or above MAX_RADIUS_M.
    """
    if not 0 <= radius_m <= MAX_RADIUS_M:
        raise ValueError(f"the radius is 0 to {MAX_RADIUS_M:.0f} m")
    cell = cell_of(latitude, longitude)
    centre = h3.cell_to_latlng(cell)
    step_m = min(distance_m(*centre, *h3.cell_to_latlng(other)) for other in h3.grid_ring(cell, 1))
    return h3.grid_disk(cell, _rings(radius_m, step_m))


def cells_touching(latitude: float, longitude: float, radius_m: float) -> list[str]:
    """The same without those that only the ring has: no part of them is within the circle. A third is left."""
    cells, latitudes, longitudes, step_m = _disk(cell_of(latitude, longitude), radius_m)
    up = np.sin(np.radians(latitudes - latitude) / 2) ** 2
    across = np.cos(np.radians(latitudes)) * np.sin(np.radians(longitudes - longitude) / 2) ** 2
    metres = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(1, up + math.cos(math.radians(latitude)) * across)))
    return [cells[place] for place in np.flatnonzero(metres <= radius_m + WITHIN * step_m)]


@lru_cache(maxsize=4_096)  # a city is some thousand cells, and reports come from the same ones
def _disk(cell: str, radius_m: float) -> tuple[list[str], Degrees, Degrees, float]:
    """Cells that cover the circles around all places of a cell, with their centres, and its farthest neighbour."""
    centre = h3.cell_to_latlng(cell)
    steps = [distance_m(*centre, *h3.cell_to_latlng(other)) for other in h3.grid_ring(cell, 1)]
    cells = h3.grid_disk(cell, _rings(radius_m, min(steps)))
    latitudes, longitudes = np.array([h3.cell_to_latlng(other) for other in cells]).T
    return cells, latitudes, longitudes, max(steps)


def _rings(radius_m: float, step_m: float) -> int:
    return math.ceil((radius_m + WITHIN * step_m) / (REACH * step_m))


def box_around(latitude: float, longitude: float, radius_m: float) -> Q:
    """Rows that may lie in a circle, by their degrees: for wide circles, which have too many cells."""
    up = math.degrees(radius_m / EARTH_M) * (1 + 1e-9)
    rows = Q(latitude__range=(latitude - up, latitude + up))
    widest = max(abs(latitude - up), abs(latitude + up))
    if widest >= 90:
        return rows  # it holds a pole, and so every longitude
    across = math.degrees(math.asin(min(1.0, math.sin(math.radians(up)) / math.cos(math.radians(latitude)))))
    west, east = longitude - across, longitude + across
    if west <= -180:  # on the line a place has two longitudes
        return rows & (Q(longitude__lte=east) | Q(longitude__gte=west + 360))
    if east >= 180:
        return rows & (Q(longitude__gte=west) | Q(longitude__lte=east - 360))
    return rows & Q(longitude__range=(west, east))


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Along the surface of a sphere."""
    ours, theirs = math.radians(latitude), math.radians(other_latitude)
    up = math.sin((theirs - ours) / 2) ** 2
    across = math.cos(ours) * math.cos(theirs) * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(up + across)))


class Distance(Func):
    """The same in a query, from a place to the row's. One expression: made of twenty it takes longer than its query."""

    output_field = FloatField()

    def as_sql(self, compiler: Any, connection: Any, *more: Any, **other: Any) -> Any:
        (latitude, _), (longitude, _) = map(compiler.compile, self.source_expressions)
        here = self.extra
        up = f"sin(radians({latitude} - %s::float8) / 2) ^ 2"
        across = f"%s::float8 * cos(radians({latitude})) * sin(radians({longitude} - %s::float8) / 2) ^ 2"
        shrink = math.cos(math.radians(here["latitude"]))
        return (
            f"%s::float8 * asin(least(1, sqrt({up} + {across})))",
            [2 * EARTH_M, here["latitude"], shrink, here["longitude"]],
        )


def distance_from(latitude: float, longitude: float) -> Distance:
    return Distance(F("latitude"), F("longitude"), latitude=latitude, longitude=longitude)
