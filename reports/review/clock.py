"""How long there still is: for the reviewer, and for the department after."""

from __future__ import annotations

from datetime import datetime, timedelta

from base.panels import BAD, GOOD, WARN, lasting
from reports.models import Report

SOON = timedelta(hours=1)


def resolve_by(report: Report) -> datetime | None:
    """By when a report should be solved; None while nobody knows its category."""
    if report.category is None:
        return None
    return report.reported_at + timedelta(hours=report.category.resolve_hours)


def left(due: datetime, *, now: datetime) -> tuple[str, str]:
    """In words, with a tone: `3.5 h left`, `20 min overdue`."""
    if due < now:
        return f"{lasting(now - due)} overdue", BAD
    return f"{lasting(due - now)} left", WARN if due - now < SOON else GOOD
