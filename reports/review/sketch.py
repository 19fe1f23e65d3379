"""A small map without a map: the report in the middle, north up, what lies near it around, with rings of distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SIZE = 320  # of the picture, in its own units
EDGE = 12
RADII_M = [50, 100, 200, 400, 800, 1_600, 3_200, 10_000]
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A place. label: a number beside it, or nothing."""

    latitude: float
    longitude: float
    title: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where a spot is on the picture."""

    x: float
    y: float
    title: str
    label: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """rings: (radius on the picture, metres). cell: corners, as SVG has them."""

    rings: list[tuple[float, int]]
    spots: list[Drawn]
    cell: str
    size: int = SIZE

    @property
    def middle(self) -> float:
        return self.size / 2


def draw(middle: tuple[float, float], spots: Sequence[Spot], cell: Sequence[tuple[float, float]] = ()) -> Sketch:
    """Draw spots to scale; one that lies farther than the widest ring is left out. Degrees of WGS 84."""
    numbered = [spot for spot in spots if spot.label]
    away = [math.hypot(*_offset(middle, (spot.latitude, spot.longitude))) for spot in numbered]
    reach = next((radius for radius in RADII_M[1:] if radius >= max(away, default=0.0)), RADII_M[-1])
    scale = (SIZE / 2 - EDGE) / reach

    def at(place: tuple[float, float]) -> tuple[float, float]:
        east, north = _offset(middle, place)
        return round(SIZE / 2 + east * scale, 1), round(SIZE / 2 - north * scale, 1)

    drawn = [
        Drawn(x, y, spot.title, spot.label)
        for spot in spots
        for x, y in [at((spot.latitude, spot.longitude))]
        if math.hypot(x - SIZE / 2, y - SIZE / 2) <= SIZE / 2
    ]
    rings = [(round(radius * scale, 1), radius) for radius in (reach // 2, reach)]
    return Sketch(rings, drawn, " ".join(f"{x},{y}" for x, y in map(at, cell)))


def _offset(middle: tuple[float, float], place: tuple[float, float]) -> tuple[float, float]:
    """Metres east and north; exact enough for a few kilometres."""
    (latitude, longitude), (other, other_longitude) = middle, place
    east = (other_longitude - longitude + 180) % 360 - 180
    return east * METRES_PER_DEGREE * math.cos(math.radians(latitude)), (other - latitude) * METRES_PER_DEGREE
