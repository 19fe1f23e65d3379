"""Which requests a query of Open311 is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError

from reports.categories import OTHER
from reports.models import Report

SPAN = timedelta(days=90)
MOST = 1_000  # requests of one answer
KNOWN = frozenset(
    {"service_request_id", "service_code", "start_date", "end_date", "status", "page", "page_size", "extensions"}
)  # fmt: skip
LISTS = ("service_request_id", "service_code", "status")  # may be sent several times too
Status = Report.Status
STATUSES = {
    "open": [Status.RECEIVED, Status.ACKNOWLEDGED, Status.IN_PROGRESS],
    "closed": [Status.RESOLVED, Status.REJECTED, Status.DUPLICATE],
}
NUMBER_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Window:
    """From and to are both part of it."""

    start: datetime
    end: datetime


def asked_of(query: QueryDict) -> dict[str, str]:
    """Each parameter once; lists that were sent in pieces as one."""
    return {name: ",".join(map(str, query.getlist(name))) if name in LISTS else str(query[name]) for name in query}


def chosen(reports: QuerySet[Report], asked: Mapping[str, str], *, now: datetime) -> QuerySet[Report]:
    """The reports of one page, newest first. Numbers override everything else. Raises ValidationError."""
    reports = reports.order_by("-reported_at", "-id")
    if numbers := _listed(asked, "service_request_id"):
        if len(numbers) > MOST:
            raise ValidationError({"service_request_id": [f"At most {MOST} of them."]})
        known = [int(number) for number in numbers if _is_number(number)]
        return reports.filter(pk__in=known)[:MOST]
    page, size = _number(asked, "page", 1, 10**6), _number(asked, "page_size", MOST, MOST)
    window = window_of(asked, now=now)
    reports = reports.filter(reported_at__gte=window.start, reported_at__lte=window.end)
    if codes := _listed(asked, "service_code"):
        reports = reports.filter(of_services(codes))
    if statuses := _listed(asked, "status"):
        if unknown := set(statuses) - set(STATUSES):
            raise ValidationError({"status": [f"{sorted(unknown)[0][:20]} is neither open nor closed."]})
        reports = reports.filter(status__in=[status for name in statuses for status in STATUSES[name]])
    return reports[(page - 1) * size : page * size]


def of_services(codes: list[str]) -> Q:
    """What nobody has put into a category yet is `other`."""
    wanted = Q(category__in=codes)
    return wanted | Q(category=None) if OTHER in codes else wanted


def window_of(asked: Mapping[str, str], *, now: datetime) -> Window:
    """At most 90 days; the end that is missing is 90 days from the other, and without both they are the last ones."""
    start, end = _time(asked, "start_date"), _time(asked, "end_date")
    if start and end and not timedelta() <= end - start <= SPAN:
        raise ValidationError({"end_date": ["The end is 0 to 90 days after the start."]})
    try:
        if end is None:
            end = min(start + SPAN, datetime.max.replace(tzinfo=UTC)) if start else now
        return Window(start or end - SPAN, end)
    except OverflowError:
        raise ValidationError({"start_date": ["The date is out of reach."]}) from None


def _time(asked: Mapping[str, str], name: str) -> datetime | None:
    text = asked.get(name, "").replace(" ", "+")  # a plus that was not escaped
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1 < found.year < 9999:
        raise ValidationError({name: ["A time with its zone, as in 2010-01-01T00:00:00Z."]})
    return found


def _listed(asked: Mapping[str, str], name: str) -> list[str]:
    return [part for part in (part.strip() for part in asked.get(name, "").split(",")) if part]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS


def _number(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    if not _is_number(text) or not 1 <= int(text) <= most:
        raise ValidationError({name: [f"A whole number from 1 to {most}."]})
    return int(text)


def is_extended(asked: Mapping[str, str]) -> bool:
    """Whether more is wanted than the standard has. Raises ValidationError."""
    wanted = asked.get("extensions", "").lower()
    if wanted not in ("", "true", "false"):
        raise ValidationError({"extensions": ["true or false."]})
    return wanted == "true"
