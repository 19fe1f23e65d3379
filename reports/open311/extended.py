"""What `extensions=true` adds to service requests, named as cities that add it do; the standard has none of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from reports.filing.public import masked
from reports.models import Photo, Report, StatusChange
from reports.open311.showing import w3c


def extensions(numbers: Sequence[int], photo_url: Callable[[int, UUID], str]) -> dict[int, dict[str, Any]]:
    """For each report its steps as `notes`, oldest first, and `extended_attributes`."""
    notes, photos = defaultdict(list), defaultdict(list)
    for step in StatusChange.objects.filter(report__in=numbers).order_by("id"):
        notes[step.report_id].append(_note(step))
    for one in Photo.objects.filter(report__in=numbers).order_by("created_at", "id"):
        photos[one.report_id].append(_photo(one, photo_url(one.report_id, one.pk)))
    said = Report.objects.filter(pk__in=numbers).values_list("pk", "severity", "source", "confirmations_count")
    return {
        number: {
            "extended_attributes": {
                "severity": severity,
                "channel": source,
                "confirmations": confirmations,
                "photos": photos[number],
            },
            "notes": notes[number],
        }
        for number, severity, source, confirmations in said
    }


def _note(step: StatusChange) -> dict[str, Any]:
    note = masked(step.note) if step.is_public else ""
    return {"datetime": w3c(step.at), "type": step.to_status, "description": note or None}


def _photo(one: Photo, url: str) -> dict[str, Any]:
    return {"media_url": url, "width": one.width, "height": one.height, "created_at": w3c(one.created_at)}
