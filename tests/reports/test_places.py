"""Cells and distances."""

import math

import h3
import pytest
from django.db.models import Q
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports import places

LATITUDES = st.floats(-89, 89)
LONGITUDES = st.floats(-180, 180)


@settings(max_examples=150, deadline=None)
@given(LATITUDES, LONGITUDES, st.floats(0, 2_500), st.floats(0, 6.2832), st.floats(0, 1))
@example(58.157, 11.244, 2_000, 1.0, 1)  # beside a pentagon
@example(0, 180, 2_000, 1.57, 1)
@example(0, -180, 2_000, 4.71, 1)
@example(89, 0, 2_000, 0.0, 1)
@example(0, 180, 0, 0.0, 0)  # on the date line
def test_the_cells_around_a_place_hold_every_place_of_the_circle(latitude, longitude, radius, direction, part):
    far = radius * part / places.EARTH_M
    ours = math.radians(latitude)
    there = math.asin(math.sin(ours) * math.cos(far) + math.cos(ours) * math.sin(far) * math.cos(direction))
    turn = math.atan2(
        math.sin(direction) * math.sin(far) * math.cos(ours), math.cos(far) - math.sin(ours) * math.sin(there)
    )
    other = math.degrees(there), (longitude + math.degrees(turn) + 540) % 360 - 180
    assert places.cell_of(*other) in places.cells_around(latitude, longitude, radius)
    assert holds(places.box_around(latitude, longitude, radius), {"latitude": other[0], "longitude": other[1]})


def holds(where, row):
    """What a Q of ranges says of a row."""
    told = []
    for part in where.children:
        if isinstance(part, Q):
            told.append(holds(part, row))
            continue
        name, _, how = part[0].partition("__")
        low, high = {"range": lambda v: v, "gte": lambda v: (v, 999), "lte": lambda v: (-999, v)}[how](part[1])
        told.append(low - 1e-9 <= row[name] <= high + 1e-9)
    return all(told) if where.connector == Q.AND else any(told)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_distance_is_that_of_h3(latitude, longitude, other_latitude, other_longitude):
    known = h3.great_circle_distance((latitude, longitude), (other_latitude, other_longitude), unit="m")
    assert places.distance_m(latitude, longitude, other_latitude, other_longitude) == pytest.approx(known, abs=0.01)


def test_a_radius_beyond_reason_is_refused():
    for radius in (-1, 10_001, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="radius"):
            places.cells_around(42.3, -71.1, radius)
