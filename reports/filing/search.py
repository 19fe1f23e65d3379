"""Which reports are meant: filters of the list, and what is near a place."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from base.pagination import NewestFirst
from base.serializers import StrictSerializer
from reports.models import Report
from reports.places import MAX_RADIUS_M, box_around, cells_around, distance_from

NEAREST = 100
FIRST_RADIUS_M, WIDER = 100.0, 5.0  # so that a place full of reports is not sorted whole
BY_CELLS_M = 1_000.0  # wider circles have so many cells that naming them costs more than they spare


class Number(serializers.FloatField):
    """As text of a query; neither NaN nor infinite."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class Box(serializers.CharField):
    """`west,south,east,north` in degrees, as in GeoJSON."""

    def to_internal_value(self, data: Any) -> Any:
        parts = str(data).split(",")
        try:
            west, south, east, north = (Number().run_validation(part) for part in parts)
        except (ValueError, serializers.ValidationError):
            raise serializers.ValidationError("Four numbers: west,south,east,north.") from None
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise serializers.ValidationError("West to east within ±180, south to north within ±90.")
        return west, south, east, north


class ReportFilter(StrictSerializer):
    """Every filter is served by an index. `from` and `to` are about when a report was filed."""

    category = serializers.SlugField(max_length=30, required=False)
    department = serializers.SlugField(max_length=30, required=False)
    status = serializers.ChoiceField(choices=Report.Status.choices, required=False)
    severity = serializers.ChoiceField(choices=Report.Severity.choices, required=False)
    bbox = Box(required=False, max_length=120)

    def get_fields(self) -> dict[str, Any]:
        moments = {name: serializers.DateTimeField(required=False) for name in ("from", "to")}
        return super().get_fields() | moments


class Near(StrictSerializer):
    """A circle, and at most how many of the reports in it, nearest first."""

    latitude = Number(min_value=-90, max_value=90)
    longitude = Number(min_value=-180, max_value=180)
    radius_m = Number(min_value=1, max_value=MAX_RADIUS_M, default=500.0)
    limit = serializers.IntegerField(min_value=1, max_value=NEAREST, default=20)
    status = serializers.ChoiceField(choices=Report.Status.choices, required=False)
    category = serializers.SlugField(max_length=30, required=False)


def asked(kind: type[StrictSerializer], request: Request, *, beside: tuple[str, ...] = ()) -> dict[str, Any]:
    """The query string, checked. beside: parameters that somebody else reads. Raises ValidationError."""
    data = {name: value for name, value in request.query_params.items() if name not in beside}
    found = kind(data=data)
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)


def matching(reports: QuerySet[Report], filters: dict[str, Any]) -> QuerySet[Report]:
    rest = dict(filters)
    if box := rest.pop("bbox", None):
        west, south, east, north = box
        reports = reports.filter(latitude__range=(south, north), longitude__range=(west, east))
    if since := rest.pop("from", None):
        reports = reports.filter(reported_at__gte=since)
    if until := rest.pop("to", None):
        reports = reports.filter(reported_at__lt=until)
    return reports.filter(**rest)


def nearest(reports: QuerySet[Report], *, latitude: float, longitude: float, radius_m: float, limit: int) -> list[Any]:
    """At most `limit` reports within a circle, nearest first, each with `distance_m`.

    Looks into wider and wider circles, so the cost depends on how many are wanted and not on how many there are.
    """
    here = distance_from(latitude, longitude)
    within = min(FIRST_RADIUS_M, radius_m)
    while True:
        where = box_around(latitude, longitude, within)
        if within <= BY_CELLS_M:  # where much is reported, the box spares most rows of the cells
            where &= Q(cell__in=cells_around(latitude, longitude, within))
        near = reports.filter(where).annotate(distance_m=here).order_by("distance_m", "id")[:limit]
        found = [one for one in near if one.distance_m <= within]  # the corners of the box are farther
        if len(found) == limit or within >= radius_m:
            return found
        within = min(within * WIDER, radius_m)


class NewestReports(NewestFirst):
    ordering = ("-reported_at", "-id")

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and _moment(str(cursor.position)) is None:
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
