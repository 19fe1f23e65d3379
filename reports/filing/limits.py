"""Who may do how much, by what they are worth (reports/reputation.py), counted by the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, Throttled

from accounts.rules import neighbourhood
from base import context
from base.roles import STAFF as STAFF_ROLES
from reports import reputation
from reports.filing.models import Tally
from reports.reputation import Band, Limit

KEPT = timedelta(days=2)
# Rows of one request are always taken in one order, so that two requests cannot wait for each other.
TAKE = """
INSERT INTO reports_tally AS known (whom, action, span, starts_at, used, most)
SELECT whom, {action}, span, date_trunc(span, now(), 'UTC'), 1, most
FROM unnest({whom}::text[], {span}::text[], {most}::int[]) AS asked(whom, span, most) ORDER BY whom, span
ON CONFLICT (whom, action, span, starts_at)
DO UPDATE SET used = known.used + 1, most = excluded.most WHERE known.used < excluded.most
RETURNING span
"""
TAKE_ONE = TAKE.format(action="%s", whom="%s", span="%s", most="%s")


class Blocked(PermissionDenied):
    default_detail = "Too much of what this account reported was refused; it cannot report any more."


class TooOften(Throttled):
    """As much as is allowed was done; `wait` seconds until the hour or day ends."""


class Asked(NamedTuple):
    """Tallies that one more has to fit into, as columns."""

    whom: list[str]
    span: list[str]
    most: list[int]


def standing_of(user: Any, now: datetime) -> Band:
    """Raises Blocked."""
    if user.is_superuser or user.role in STAFF_ROLES:
        return reputation.STAFF
    band = reputation.band_of(reputation=user.reputation, account_age=now - user.date_joined)
    if band is None:
        raise Blocked
    return band


def asked_of(user: Any, action: str) -> Asked:
    """What one more `action` of somebody counts against; `user` is None without an account. Raises Blocked."""
    if user is not None:
        limit: Limit = getattr(standing_of(user, timezone.now()), action)
        counted = {f"user:{user.pk}": limit}
    else:
        address = address_of(context.current().ip)
        counted = {f"ip:{address}": reputation.ADDRESS, "anonymous": reputation.ALL_ADDRESSES}
    rows = [(whom, *row) for whom, limit in counted.items() for row in (("hour", limit.hour), ("day", limit.day))]
    return Asked(*map(list, zip(*rows, strict=True)))


def address_of(ip: str | None) -> str:
    """What is counted as one address on the network; all of whom nothing is known are one."""
    return neighbourhood(ip or "0.0.0.0")[0]  # noqa: S104


def take(user: Any, action: str) -> None:
    """Count one more in the caller's transaction. Raises TooOften and Blocked, which must undo it."""
    asked = asked_of(user, action)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_ONE, [action, *asked])
        taken = [span for (span,) in cursor.fetchall()]
    refuse_unless_all(asked, taken)


def refuse_unless_all(asked: Asked, taken: list[str]) -> None:
    """Raises TooOften when some of the tallies were full."""
    full = set(asked.span)
    for span in full.copy():
        if taken.count(span) == asked.span.count(span):
            full.discard(span)
    if full:
        span = "day" if "day" in full else "hour"
        raise TooOften(until_end(span, timezone.now()), f"That is as much as is allowed in one {span}.")


def until_end(span: str, now: datetime) -> int:
    """Seconds until the hour or day on the clock ends, at least one."""
    begins = now.replace(minute=0, second=0, microsecond=0)
    length = timedelta(hours=1)
    if span == "day":
        begins, length = begins.replace(hour=0), timedelta(days=1)
    return max(1, int((begins + length - now).total_seconds()) + 1)


def forget_tallies() -> int:
    """Remove those of hours and days that are over. Returns how many."""
    return Tally.objects.filter(starts_at__lt=timezone.now() - KEPT).delete()[0]
