"""Categories as services, and reports as service requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from reports.categories import OTHER
from reports.filing.public import masked
from reports.models import Category, Report
from reports.open311.asking import STATUSES
from reports.open311.models import Attribute

LONGEST = 4_000  # characters of a description
CLOSED = frozenset(STATUSES["closed"])
COLUMNS = (
    "id", "status", "description", "reported_at", "updated_at", "closed_at", "address", "latitude", "longitude",
    "category_id", "category__name", "category__resolve_hours", "department__name",
)  # fmt: skip


def services() -> list[dict[str, Any]]:
    asked = set(Attribute.objects.filter(is_active=True).values_list("category_id", flat=True))
    offered = Category.objects.filter(is_active=True).select_related("department")
    return [
        {
            "service_code": one.code,
            "service_name": one.name,
            "description": one.description,
            "metadata": one.code in asked,
            "type": kind_of(one.code),
            "keywords": keywords(one.description),
            "group": one.department.name,
        }
        for one in offered
    ]


def keywords(description: str) -> str:
    """A list with commas between, out of a sentence that lists."""
    parts = re.split(r"[,;]| and | or ", description.rstrip(".").lower())
    return ", ".join(filter(None, map(str.strip, parts)))


def kind_of(code: str) -> str:
    """What fits nowhere gets its service behind, so its number is told later, by the token."""
    return "batch" if code == OTHER else "realtime"


def definition(category: Category) -> dict[str, Any]:
    return {"service_code": category.code, "attributes": [_attribute(one) for one in questions(category.code)]}


def questions(category: str) -> QuerySet[Attribute]:
    return Attribute.objects.filter(category=category, is_active=True).order_by("position")


def _attribute(one: Attribute) -> dict[str, Any]:
    return {
        "variable": one.variable,
        "code": one.code,
        "datatype": one.datatype,
        "required": one.required,
        "datatype_description": one.datatype_description or None,
        "order": one.position,
        "description": one.description,
        "values": one.values,
    }


def notice(category: Category) -> str:
    days = round(category.resolve_hours / 24)
    term = f"{days} days" if days > 1 else f"{category.resolve_hours} hours"
    return f"{category.department.name} means to resolve this within {term}."


def requests(reports: QuerySet[Report], photo_url: Callable[[int, UUID], str]) -> list[dict[str, Any]]:
    """`photo_url` gives the full address of a photo of a report."""
    rows = list(reports.values_list(*COLUMNS))
    numbers = [row[0] for row in rows]
    notes, photos = _of_each(NOTES, numbers), _of_each(PHOTOS, numbers)
    return [
        _request(row, notes.get(row[0]), photo_url(row[0], photos[row[0]]) if row[0] in photos else None)
        for row in rows
    ]


NOTES = """
SELECT DISTINCT ON (report_id) report_id, note FROM reports_statuschange
WHERE report_id = ANY(%s) AND is_public AND note <> '' ORDER BY report_id, id DESC
"""
PHOTOS = """
SELECT DISTINCT ON (report_id) report_id, id FROM reports_photo
WHERE report_id = ANY(%s) ORDER BY report_id, created_at, id
"""


def _of_each(query: str, numbers: list[int]) -> dict[int, Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, [numbers])
        return dict(cursor.fetchall())


def _request(row: tuple[Any, ...], note: str | None, media_url: str | None) -> dict[str, Any]:
    number, status, description, reported, updated, closed, address, lat, long, code, name, hours, agency = row
    is_closed = status in CLOSED
    return {
        "service_request_id": str(number),
        "status": "closed" if is_closed else "open",
        "status_notes": masked(note) if note else None,
        "service_name": name or "Other",
        "service_code": code or OTHER,
        "description": masked(description)[:LONGEST] or None,
        "agency_responsible": agency,
        "service_notice": None,
        "requested_datetime": w3c(reported),
        "updated_datetime": w3c(closed if is_closed and closed else updated),
        "expected_datetime": w3c(reported + timedelta(hours=hours)) if hours else None,
        "address": masked(address) or None,
        "address_id": None,
        "zipcode": None,
        "lat": lat,
        "long": long,
        "media_url": media_url,
    }


def w3c(time: datetime) -> str:
    """2010-01-01T00:00:00Z: whole seconds, UTC."""
    return time.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
